import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
import {
  type PlanNode as ApolloNode,
  type FetchDataRewrite,
  QueryPlanner,
  type QueryPlanSelectionNode,
} from '@apollo/query-planner';
import { buildASTSchema, parse } from 'graphql';
import { wrongWithApollo } from '../../schema/requires.ts';
import type { ClientPath, FetchStep, PathSegment, PlanPath, Requirement, Rewrite, Step } from './planner.ts';
import type { Types } from './types.ts';

export type { ApolloNode };

/** `... on Type` or the name of a member. */
const segment = (text: string, types: Types): PathSegment =>
  text.startsWith('... on ') ? types.of(text.slice('... on '.length)) : text;

const toRewrite =
  (types: Types) =>
  (rewrite: FetchDataRewrite): Rewrite => {
    const key = rewrite.path.at(-1) ?? '';
    const path = rewrite.path.slice(0, -1).map((it) => segment(it, types));
    return rewrite.kind === 'ValueSetter'
      ? { kind: 'set', path, key, value: String(rewrite.setValueTo) }
      : { kind: 'rename', path, key, to: rewrite.renameKeyTo };
  };

const toRequirement =
  (types: Types) =>
  (node: QueryPlanSelectionNode): Requirement => {
    const selections = node.selections?.map(toRequirement(types)) ?? null;
    if (node.kind === 'Field') {
      const key = node.alias ?? node.name;
      return { kind: 'field', from: key, to: key, selections };
    }
    if (!node.typeCondition) throw new Error('a representation needs a type');
    return { kind: 'fragment', types: types.of(node.typeCondition), selections: selections ?? [] };
  };

const toStep = (node: ApolloNode, path: PlanPath, types: Types, clientPath: ClientPath): Step => {
  const inner = (it: ApolloNode) => toStep(it, path, types, clientPath);
  switch (node.kind) {
    case 'Fetch': {
      if (node.contextRewrites?.length) throw new Error('@context is not supported');
      const after = node.outputRewrites?.map(toRewrite(types)) ?? [];
      const entities: FetchStep['entities'] = node.requires
        ? [
            {
              key: '_entities',
              variable: 'representations',
              paths: [path],
              requires: node.requires.map(toRequirement(types)),
              before: node.inputRewrites?.map(toRewrite(types)) ?? [],
              after,
            },
          ]
        : null;
      return {
        kind: 'fetch',
        subgraph: node.serviceName,
        document: parse(node.operation, { noLocation: true }),
        text: node.operation,
        variables: node.variableUsages ?? [],
        path: entities ? [] : path,
        after: entities ? [] : after,
        entities,
        types,
        clientPath,
      };
    }
    case 'Flatten':
      return toStep(node.node, [...path, ...node.path.map((it) => segment(String(it), types))], types, clientPath);
    case 'Sequence':
      return { kind: 'sequence', steps: node.nodes.map(inner) };
    case 'Parallel':
      return { kind: 'parallel', steps: node.nodes.map(inner) };
    case 'Condition':
      throw new Error('conditions are decided before planning');
    case 'Defer':
      throw new Error('Deferred parts are not planned yet');
  }
};

/** Apollo's plan in the form that `execute/` runs. */
export const readApolloPlan = (node: ApolloNode, types: Types, clientPath: ClientPath): Step =>
  toStep(node, [], types, clientPath);

/**
 * Apollo's planner, which runs on every platform.
 *
 * @returns plans the one operation in a text
 * @throws Error for a supergraph that it plans wrongly
 */
export const createApolloPlanner = (supergraphSdl: string): ((text: string) => ApolloNode) => {
  const wrong = wrongWithApollo(buildASTSchema(parse(supergraphSdl), { assumeValidSDL: true }));
  if (wrong.length > 0)
    throw new Error(`Apollo's planner would give wrong values, by their @requires, to ${wrong.join(', ')}`);
  const supergraph = Supergraph.build(supergraphSdl, { supportedFeatures: null });
  const planner = new QueryPlanner(supergraph, { exposeDocumentNodeInFetchNode: false });
  const schema = supergraph.apiSchema();
  return (text) => {
    const { node } = planner.buildQueryPlan(operationFromDocument(schema, parse(text, { noLocation: true })));
    if (!node) throw new Error('No subgraph gives what is asked for'); // else it would be null, without a reason
    if (node.kind === 'Subscription') throw new Error('Subscriptions are not planned yet');
    return node;
  };
};
