import { composeServices } from '@apollo/composition';
import { Supergraph } from '@apollo/federation-internals';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { makeExecutableSchema } from '@graphql-tools/schema';
import fastify from 'fastify';
import { execute, type FormattedExecutionResult, type GraphQLSchema, graphql, parse, printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallSubgraph } from '../../gateway/execute/run.ts';
import type { PlannerName } from '../../gateway/plan/maker.ts';
import { createOpenGateway, type OpenRequest, serveOpenGateway } from '../tools/open-gateway.ts';

export type Resolvers = Record<string, Record<string, unknown>>;

/** A small federated graph, and the same graph as one plain schema over the same data: what that answers is right. */
export type Suite = {
  title: string;
  /** SDL without its `@link`, and resolvers that know only what the subgraph may know. */
  subgraphs: Record<string, { sdl: string; resolvers: Resolvers }>;
  reference: Resolvers;
  cases: readonly Case[];
  /** Fields that Apollo's planner gets wrong, and that composition therefore refuses. */
  wrongWithApollo?: readonly string[];
  /** Puts the data back, for suites with mutations. */
  reset?(): void;
};
export type Case = {
  title: string;
  query: string;
  variables?: Record<string, unknown>;
  /** Whether errors are expected; the reference must agree. */
  errors?: boolean;
};

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7",
  import: ["@key", "@shareable", "@external", "@requires", "@provides", "@override", "@interfaceObject", "@inaccessible"])`;

export const compose = (
  subgraphs: Suite['subgraphs'],
  urlOf = (name: string) => `http://localhost/${name}`,
): string => {
  const { supergraphSdl, errors } = composeServices(
    Object.entries(subgraphs).map(([name, { sdl }]) => ({ name, url: urlOf(name), typeDefs: parse(`${link} ${sdl}`) })),
  );
  if (!supergraphSdl) throw new Error(errors?.map(({ message }) => message).join('\n'));
  return supergraphSdl;
};

export const subgraphSchemas = (subgraphs: Suite['subgraphs']): ReadonlyMap<string, GraphQLSchema> =>
  new Map(
    Object.entries(subgraphs).map(([name, { sdl, resolvers }]) => [
      name,
      buildSubgraphSchema([{ typeDefs: parse(`${link} ${sdl}`), resolvers: resolvers as never }]),
    ]),
  );

/** The public schema of a supergraph, with resolvers of its own. */
export const referenceSchema = (supergraphSdl: string, resolvers: Resolvers): GraphQLSchema =>
  makeExecutableSchema({
    typeDefs: printSchema(Supergraph.build(supergraphSdl).apiSchema().toGraphQLJSSchema()),
    resolvers: resolvers as never,
    resolverValidationOptions: { requireResolversToMatchSchema: 'ignore' },
  });

/** Executes a fetch on a subgraph in this process, as its HTTP server would. */
export const callInProcess =
  (schemas: ReadonlyMap<string, GraphQLSchema>): CallSubgraph =>
  async ({ subgraph, document }, variableValues) => {
    const result = await execute({ schema: schemas.get(subgraph)!, document, variableValues });
    const errors = result.errors?.map(({ message, path }) => ({
      message,
      ...(path ? { path } : {}),
      extensions: { code: 'INTERNAL' as const },
    }));
    return { data: result.data ?? null, ...(errors ? { errors } : {}), sources: [] };
  };

type Ask = (request: OpenRequest) => Promise<FormattedExecutionResult>;
type Running = { ask: Ask; close(): Promise<void> };
const topologies: Record<string, (suite: Suite, planner: PlannerName) => Promise<Running>> = {
  'in process': async ({ subgraphs }, planner) => {
    const gateway = createOpenGateway(compose(subgraphs), callInProcess(subgraphSchemas(subgraphs)), planner);
    return { ask: gateway.execute, close: async () => {} };
  },
  'over HTTP': async ({ subgraphs }, planner) => {
    const schemas = subgraphSchemas(subgraphs);
    const server = fastify();
    server.post<{ Params: { name: string }; Body: { query: string; variables: Record<string, unknown> } }>(
      '/:name',
      ({ params, body }) =>
        graphql({ schema: schemas.get(params.name)!, source: body.query, variableValues: body.variables }),
    );
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    const gateway = await serveOpenGateway(
      compose(subgraphs, (name) => `${address}/${name}`),
      { wanted: planner },
    );
    return {
      ask: async (request) => {
        const response = await fetch(gateway.url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(request),
        });
        return (await response.json()) as FormattedExecutionResult;
      },
      close: async () => {
        await gateway.close();
        await server.close();
      },
    };
  },
};

const pathsOf = ({ errors = [] }: FormattedExecutionResult) => errors.map(({ path }) => path?.join('.') ?? '').sort();

/** Runs a suite on both planners and in both topologies, each answer beside the reference's to the last character. */
export const testFederation = (suite: Suite): void => {
  const reference = referenceSchema(compose(suite.subgraphs), suite.reference);
  describe(suite.title, () => {
    for (const planner of ['native', 'apollo'] as const) {
      if (planner === 'apollo' && suite.wrongWithApollo) {
        it('is refused with Apollo’s planner, with the names of the fields', () => {
          const create = () => createOpenGateway(compose(suite.subgraphs), callInProcess(new Map()), 'apollo');
          for (const field of suite.wrongWithApollo ?? []) expect(create).toThrow(field);
        });
        continue;
      }
      for (const [topology, start] of Object.entries(topologies)) {
        describe(`${planner} planner, subgraphs ${topology}`, () => {
          let running: Running;
          beforeAll(async () => {
            running = await start(suite, planner);
          });
          afterAll(() => running.close());
          it.each(suite.cases)('$title', async ({ query, variables, errors = false }) => {
            suite.reset?.();
            const right = await graphql({ schema: reference, source: query, variableValues: variables });
            const expected = JSON.parse(JSON.stringify(right)) as FormattedExecutionResult;
            expect(expected.data, 'the reference answers').toBeDefined();
            expect(Boolean(expected.errors), JSON.stringify(expected.errors)).toBe(errors);
            suite.reset?.();
            const answer = await running.ask({ query, variables });
            expect(JSON.stringify(answer.data), JSON.stringify(answer.errors)).toBe(JSON.stringify(expected.data));
            expect(pathsOf(answer)).toEqual(pathsOf(expected));
          });
        });
      }
    }
  });
};
