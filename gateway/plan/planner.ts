import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
import {
  type QueryPlan as ApolloPlan,
  type PlanNode as ApolloPlanNode,
  QueryPlanner,
  type QueryPlanSelectionNode,
} from '@apollo/query-planner';
import { type DocumentNode, parse } from 'graphql';

/** One call to one subgraph. With `requires`, it is about entities that earlier steps have found at `path`. */
export type FetchStep = {
  kind: 'fetch';
  subgraph: string;
  document: DocumentNode;
  /** The same as text, for subgraphs over HTTP. */
  text: string;
  variables: readonly string[];
  path: readonly string[];
  requires: readonly QueryPlanSelectionNode[] | null;
};
/** What to do, in what order: the planner's plan in the form that `execute/` runs. */
export type Step =
  | FetchStep
  | { kind: 'sequence' | 'parallel'; steps: readonly Step[] }
  | { kind: 'condition'; variable: string; whenTrue: Step | null; whenFalse: Step | null };

const toStep = (node: ApolloPlanNode, path: readonly string[]): Step => {
  switch (node.kind) {
    case 'Fetch':
      if (node.inputRewrites?.length || node.outputRewrites?.length || node.contextRewrites?.length) {
        throw new Error('The plan needs rewrites, which no type of this schema should cause');
      }
      return {
        kind: 'fetch',
        subgraph: node.serviceName,
        document: parse(node.operation, { noLocation: true }),
        text: node.operation,
        variables: node.variableUsages ?? [],
        path,
        requires: node.requires ?? null,
      };
    case 'Flatten':
      return toStep(node.node, [...path, ...node.path.map(String)]);
    case 'Sequence':
      return { kind: 'sequence', steps: node.nodes.map((it) => toStep(it, path)) };
    case 'Parallel':
      return { kind: 'parallel', steps: node.nodes.map((it) => toStep(it, path)) };
    case 'Condition': {
      const branch = (clause: ApolloPlanNode | undefined) => (clause ? toStep(clause, path) : null);
      return {
        kind: 'condition',
        variable: node.condition,
        whenTrue: branch(node.ifClause),
        whenFalse: branch(node.elseClause),
      };
    }
    case 'Defer':
      throw new Error('Deferred parts are not planned yet');
  }
};

export type Planner = (document: DocumentNode, operationName: string | undefined) => Step | null;

/** Apollo's planner on the supergraph without its security features. */
export const createPlanner = (supergraphSdl: string): Planner => {
  const supergraph = Supergraph.build(supergraphSdl, { supportedFeatures: null });
  const planner = new QueryPlanner(supergraph, { exposeDocumentNodeInFetchNode: false });
  const schema = supergraph.apiSchema();
  return (document, operationName) => {
    const operation = operationFromDocument(schema, document, operationName ? { operationName } : {});
    const { node }: ApolloPlan = planner.buildQueryPlan(operation);
    if (!node) return null;
    if (node.kind === 'Subscription') throw new Error('Subscriptions are not planned yet');
    return toStep(node, []);
  };
};
