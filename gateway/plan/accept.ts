import { Supergraph } from '@apollo/federation-internals';
import { buildASTSchema, type DocumentNode, type GraphQLSchema, Kind, parse } from 'graphql';
import { checkContract, withoutSecurity } from '../../schema/compose.ts';
import { graphNames, readFacts, type SchemaFacts } from './supergraph.ts';

/** A supergraph that this gateway can serve. */
export type Accepted = {
  /** Without `@policy`, for planners and `@apollo/gateway`. */
  supergraphSdl: string;
  /** What clients see. */
  schema: GraphQLSchema;
  facts: SchemaFacts;
};

/** What the gateway has to serve a supergraph with. */
export type Means = {
  /** Names of the subgraphs that run here or elsewhere. */
  mounted: ReadonlySet<string>;
  /** The part that the gateway answers itself. */
  root: DocumentNode;
};

/** The subgraph that the gateway itself is. */
export const ownSubgraph = 'kilde';

const queryFieldsOf = ({ definitions }: DocumentNode): ReadonlySet<string> =>
  new Set(
    definitions.flatMap((it) =>
      (it.kind === Kind.OBJECT_TYPE_DEFINITION || it.kind === Kind.OBJECT_TYPE_EXTENSION) && it.name.value === 'Query'
        ? (it.fields ?? []).map(({ name }) => name.value)
        : [],
    ),
  );

/** What is missing for a supergraph that is whole in itself. */
const findFaults = (annotated: GraphQLSchema, facts: SchemaFacts, { mounted, root }: Means): string[] => {
  const own = queryFieldsOf(root);
  const registers = facts.subgraphOfQuery('identify');
  return [
    ...checkContract(annotated),
    ...graphNames(annotated)
      .filter((name) => name !== ownSubgraph && !mounted.has(name))
      .map((name) => `no subgraph ${name} is mounted here`),
    ...Object.keys(annotated.getQueryType()?.getFields() ?? {})
      .filter((field) => facts.subgraphOfQuery(field) === ownSubgraph && !own.has(field))
      .map((field) => `Query.${field}: this version of the gateway does not answer it`),
    ...(registers && mounted.has(registers)
      ? []
      : ['no subgraph offers Query.identify: nobody can say who a patient is']),
  ];
};

/**
 * Reads an annotated supergraph and finds out whether it can be served here, before anything depends on it.
 *
 * @throws Error with one line per fault: it is no schema, breaks the contract, has a security feature that nobody enforces,
 * or names a subgraph that is not mounted
 */
export const acceptSupergraph = (annotatedSdl: string, means: Means): Accepted => {
  const annotated = buildASTSchema(parse(annotatedSdl, { noLocation: true }), { assumeValidSDL: true });
  const supergraphSdl = withoutSecurity(annotatedSdl);
  const facts = readFacts(annotatedSdl);
  const faults = findFaults(annotated, facts, means);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  const schema = Supergraph.build(supergraphSdl).apiSchema().toGraphQLJSSchema();
  return { supergraphSdl, schema, facts };
};
