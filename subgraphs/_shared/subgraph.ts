import { readFileSync } from 'node:fs';
import { buildSubgraphSchema, type GraphQLResolverMap } from '@apollo/subgraph';
import { type GraphQLError, Kind } from 'graphql';
import { subgraphSdl } from '../../schema/sdl.ts';
import type { SourceReport } from '../../schema/sources.ts';
import {
  type ErrorExtensions,
  errorCodes,
  type RouteAnswer,
  type RouteRequest,
  type SourceHealth,
  type Subgraph,
  type SubgraphError,
} from '../../schema/subgraph.ts';
import { createExecute } from './compiled/execute.ts';
import type { RequestContext } from './group.ts';
import { log } from './log.ts';
import { type Rules, withRules } from './shield.ts';

export type SubgraphParts<Context extends RequestContext> = {
  name: string;
  /** `import.meta.url` of the subgraph's own file; its schema.graphql lies beside it. */
  home: string;
  resolvers: GraphQLResolverMap<Context>;
  rules: Rules;
  /** Made anew for each request: what a loader remembers is what this caller may see. */
  createContext(request: RequestContext): Context;
  health(): Promise<SourceHealth[]>;
  handle?(request: RouteRequest): Promise<RouteAnswer>;
  close(): Promise<void>;
};

const isOurs = (extensions: unknown): extensions is ErrorExtensions =>
  errorCodes.includes((extensions as { code?: never } | undefined)?.code as never);

/** What of an error may leave the subgraph: our own typed errors as they are, anything else as a bug without words. */
const outward = (name: string, traceId: string, error: GraphQLError): SubgraphError => {
  const path = error.path ? { path: error.path } : {};
  if (isOurs(error.extensions))
    return {
      message: error.message,
      ...path,
      extensions: { ...error.extensions },
    };
  // The message may quote data, so the log gets the kind of error and where it arose, nothing that it says. Nor the path:
  // aliases in it are the client's words.
  const original = error.originalError ?? error;
  const stack = original.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 5);
  log.error(
    {
      subgraph: name,
      traceId,
      error: original.name,
      stack,
      fields: error.nodes?.flatMap((node) => (node.kind === Kind.FIELD ? node.name.value : [])),
    },
    'resolver failed',
  );
  return {
    message: 'Internal error',
    ...path,
    extensions: { code: 'INTERNAL', retryable: false },
  };
};

/** Puts schema, resolvers, rules and loaders together. Runs in process as it is, or behind HTTP through `serve.ts`. */
export const createSubgraph = <Context extends RequestContext>(parts: SubgraphParts<Context>): Subgraph => {
  const typeDefs = subgraphSdl(readFileSync(new URL('./schema.graphql', parts.home), 'utf8'));
  const schema = withRules(
    buildSubgraphSchema([{ typeDefs, resolvers: parts.resolvers as GraphQLResolverMap<unknown> }]),
    parts.rules,
  );
  const execute = createExecute(parts.name, schema);
  return {
    name: parts.name,
    async execute({ document, variables, assertion, subjectToken, signal }) {
      const sources: SourceReport[] = [];
      const contextValue = parts.createContext({
        assertion,
        subjectToken,
        signal,
        report: (report) => sources.push(report),
      });
      const result = await execute(document, { variables, context: contextValue });
      const errors = result.errors?.map((error) => outward(parts.name, assertion.traceId, error));
      return {
        data: result.data ?? null,
        ...(errors ? { errors } : {}),
        sources,
      };
    },
    handle: (request) => parts.handle?.(request) ?? Promise.resolve({ status: 404 }),
    health: parts.health,
    close: parts.close,
  };
};
