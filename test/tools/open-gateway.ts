import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Supergraph } from '@apollo/federation-internals';
import fastify from 'fastify';
import {
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  parse,
  validate,
  valueFromASTUntyped,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import { type Calls, createCalls } from '../../gateway/execute/calls.ts';
import { type CallSubgraph, runPlan } from '../../gateway/execute/run.ts';
import { shape } from '../../gateway/execute/shape.ts';
import type { PlannerName } from '../../gateway/plan/maker.ts';
import { createPlanner, type Plan } from '../../gateway/plan/planner.ts';
import type { SchemaFacts } from '../../gateway/plan/supergraph.ts';
import type { Assertion } from '../../schema/assertion.ts';
import type { Caller } from '../../schema/caller.ts';
import type { SubgraphAnswer, SubgraphRequest } from '../../schema/subgraph.ts';

/** A GraphQL request as it comes over HTTP. */
export type OpenRequest = {
  query: string;
  variables?: Record<string, unknown> | null | undefined;
  operationName?: string | null | undefined;
};

export type OpenGateway = {
  planner: PlannerName;
  schema: GraphQLSchema;
  execute(request: OpenRequest): Promise<FormattedExecutionResult>;
};

/** Nothing of ours: no classes, sources or groups. */
const noFacts: SchemaFacts = {
  categories: [],
  classesOf: () => [],
  sourceOf: () => null,
  sourcesOf: () => new Set(),
  isGroup: () => false,
  subgraphOfQuery: () => null,
};

const refused = (errors: readonly GraphQLError[]): FormattedExecutionResult => ({
  errors: errors.map((it) => it.toJSON()),
});

/** Calls for one request after the other; those of several requests may be shared. */
export type OpenCalls = { open(): Calls };

/**
 * Kilde's planning, running and shaping for any federation supergraph, without callers, policies, patients and groups.
 *
 * @param calls asks one subgraph
 * @throws Error when the supergraph has a security feature, which nobody would enforce here, or cannot be planned
 */
export const createOpenGateway = (
  supergraphSdl: string,
  calls: CallSubgraph | OpenCalls,
  wanted?: PlannerName,
): OpenGateway => {
  const schema = Supergraph.build(supergraphSdl).apiSchema().toGraphQLJSSchema();
  const planner = createPlanner(supergraphSdl, wanted);
  const plans = new LRUCache<string, { plan: Plan }>({ max: 1_000 });

  return {
    planner: planner.name,
    schema,
    execute: async ({ query, variables, operationName }) => {
      try {
        const document = parse(query);
        const invalid = validate(schema, document);
        if (invalid.length > 0) return refused(invalid);
        const operation = getOperationAST(document, operationName);
        if (!operation) return refused([new GraphQLError('operationName must pick one operation')]);
        const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {});
        if (errors) return refused(errors);
        const key = `${operationName ?? ''}/${query}`;
        const known = plans.get(key) ?? { plan: planner.plan(document, operationName ?? undefined) };
        plans.set(key, known);
        const plan = await known.plan(coerced);
        const { call, close } = 'open' in calls ? calls.open() : { call: calls, close() {} };
        const collected = await runPlan(plan, coerced, call, noFacts.sourceOf).finally(close);
        const shaped = shape(collected, {
          schema,
          facts: noFacts,
          document,
          operationName: operationName ?? undefined,
          variables: coerced,
          refusalOf: () => null,
        });
        return { ...(shaped.errors.length > 0 ? { errors: shaped.errors } : {}), data: shaped.data };
      } catch (error) {
        return refused([error instanceof GraphQLError ? error : new GraphQLError((error as Error).message)]);
      }
    },
  };
};

/** Subgraph names -> URLs, out of a supergraph. */
const urlsIn = (supergraphSdl: string): Map<string, URL> => {
  const graphs = parse(supergraphSdl).definitions.find(
    (it) => it.kind === Kind.ENUM_TYPE_DEFINITION && it.name.value === 'join__Graph',
  );
  const values = graphs?.kind === Kind.ENUM_TYPE_DEFINITION ? (graphs.values ?? []) : [];
  return new Map(
    values.map(({ directives }) => {
      const given = directives?.find(({ name }) => name.value === 'join__graph')?.arguments ?? [];
      const text = (name: string) => {
        const value = given.find((it) => it.name.value === name)?.value;
        return String(value && valueFromASTUntyped(value));
      };
      return [text('name'), new URL(text('url'))];
    }),
  );
};

const failed = (message: string): SubgraphAnswer => ({
  data: null,
  errors: [{ message, extensions: { code: 'SOURCE_UNAVAILABLE' } }],
  sources: [],
});

/** Everybody, of whom nothing is known: calls are shared between all requests. */
const anybody: Caller = {
  kind: 'system',
  role: 'system',
  organisation: { legalEntity: '', pointOfCare: null },
  clientId: '',
  clientName: '',
};
const assertionUntil = (deadline: number): Assertion => ({
  traceId: '',
  eventId: '',
  caller: anybody,
  patients: [],
  categories: [],
  purpose: null,
  accessBasis: 'UNNTAK',
  deadline,
});

/**
 * Calls subgraphs over HTTP at the URLs that the supergraph gives, through one pool for each origin. Calls that are alike and
 * under way at the same time are one, as in Kilde.
 */
export const callOverHttp = (supergraphSdl: string, timeoutMs = 5_000): OpenCalls & { close(): Promise<void> } => {
  const urls = urlsIn(supergraphSdl);
  const pools = new Map([...urls.values()].map(({ origin }) => [origin, new Pool(origin, { connections: 32 })]));
  const execute = async (
    subgraph: string,
    { origin, pathname, search }: URL,
    { text, variables, signal }: SubgraphRequest,
  ): Promise<SubgraphAnswer> => {
    try {
      const { body } = await pools.get(origin)!.request({
        method: 'POST',
        path: pathname + search,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query: text, variables }),
        signal,
      });
      const answer = (await body.json()) as FormattedExecutionResult;
      const errors = answer.errors?.map(({ message, path }) => ({
        message,
        ...(path ? { path } : {}),
        extensions: { code: 'INTERNAL' as const, source: subgraph },
      }));
      return { data: answer.data ?? null, ...(errors ? { errors } : {}), sources: [] };
    } catch {
      return failed(`${subgraph} did not answer`);
    }
  };
  const openCalls = createCalls(
    new Map(
      [...urls].map(([name, url]) => [name, { execute: (request: SubgraphRequest) => execute(name, url, request) }]),
    ),
  );
  return {
    open() {
      const assertion = assertionUntil(Date.now() + timeoutMs);
      return openCalls({ ...assertion, token: '', signal: new AbortController().signal }, assertion);
    },
    close: async () => void (await Promise.all([...pools.values()].map((it) => it.close()))),
  };
};

/** Serves a supergraph at `/graphql`. */
export const serveOpenGateway = async (
  supergraphSdl: string,
  { host = '127.0.0.1', port = 0, wanted }: { host?: string; port?: number; wanted?: PlannerName | undefined } = {},
): Promise<{ url: string; planner: PlannerName; close(): Promise<void> }> => {
  const subgraphs = callOverHttp(supergraphSdl);
  const gateway = createOpenGateway(supergraphSdl, subgraphs, wanted);
  const server = fastify({ bodyLimit: 1_000_000 });
  server.get('/health', async () => ({ status: 'up' }));
  server.post<{ Body: OpenRequest }>('/graphql', async ({ body, headers }, reply) => {
    const result =
      typeof body?.query === 'string' ? await gateway.execute(body) : refused([new GraphQLError('query is missing')]);
    const isTyped = headers.accept?.includes('application/graphql-response+json') ?? false;
    reply.type(`${isTyped ? 'application/graphql-response+json' : 'application/json'}; charset=utf-8`);
    return reply.code(isTyped && result.data === undefined ? 400 : 200).send(JSON.stringify(result));
  });
  const address = await server.listen({ host, port });
  return {
    url: `${address}/graphql`,
    planner: gateway.planner,
    close: async () => {
      await server.close();
      await subgraphs.close();
    },
  };
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { SUPERGRAPH = 'supergraph.graphql', HOST = '127.0.0.1', PORT = '4000' } = process.env;
  const { url, planner } = await serveOpenGateway(readFileSync(SUPERGRAPH, 'utf8'), { host: HOST, port: Number(PORT) });
  console.log(`${url} (${planner} planner)`);
}
