import { parse } from 'graphql';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PlannerName } from '../../../gateway/plan/maker.ts';
import { createPlanner, type FetchStep, type Step } from '../../../gateway/plan/planner.ts';
import { composeSupergraph } from '../../../schema/compose.ts';
import { compose } from '../../support/federation.ts';

const supergraph = compose({
  shop: {
    sdl: 'type Query { product: Product } type Product @key(fields: "id") { id: ID! name: String }',
    resolvers: {},
  },
  store: {
    sdl: `type Mutation { count: Product empty: Product }
      type Product @key(fields: "id") { id: ID! stock: Int }`,
    resolvers: {},
  },
});
const fetches = (step: Step | null): FetchStep[] => {
  if (!step || step.kind === 'restore') return [];
  return step.kind === 'fetch' ? [step] : step.steps.flatMap(fetches);
};
const subgraphsAsked = async (planner: PlannerName, text: string, variables = {}) =>
  fetches(await createPlanner(supergraph, planner).plan(parse(text), undefined)(variables)).map(
    ({ subgraph }) => subgraph,
  );

afterEach(() => vi.unstubAllEnvs());

describe('the choice of planner', () => {
  it('is the native one where it runs, and the one that KILDE_PLANNER names', () => {
    vi.stubEnv('KILDE_PLANNER', undefined);
    expect(createPlanner(supergraph).name).toBe('native'); // has a binary wherever these tests run
    vi.stubEnv('KILDE_PLANNER', 'apollo');
    expect(createPlanner(supergraph).name).toBe('apollo');
  });

  it('is refused for any other name', () => {
    vi.stubEnv('KILDE_PLANNER', 'mercurius');
    expect(() => createPlanner(supergraph)).toThrow('KILDE_PLANNER');
  });
});

describe.each(['native', 'apollo'] as const)('the %s planner', (planner) => {
  it('asks no subgraph for what conditions exclude', async () => {
    const text = 'query ($y: Boolean!) { product { name stock @include(if: $y) } }';
    expect(await subgraphsAsked(planner, text, { y: true })).toEqual(['shop', 'store']);
    expect(await subgraphsAsked(planner, text, { y: false })).toEqual(['shop']);
  });

  it('asks no subgraph for names of roots and introspection', async () => {
    expect(await subgraphsAsked(planner, '{ __typename __schema { queryType { name } } }')).toEqual([]);
  });

  it('keeps a plan for each outcome of the conditions', async () => {
    const plan = createPlanner(supergraph, planner).plan(
      parse('query ($y: Boolean!) { product { stock @skip(if: $y) } }'),
      undefined,
    );
    expect(await plan({ y: true })).toBe(await plan({ y: true }));
    expect(await plan({ y: true })).not.toBe(await plan({ y: false }));
  });

  it('ends what one mutation fetches before the next begins', async () => {
    const steps = await subgraphsAsked(planner, 'mutation { count { name } empty { name } }');
    expect(steps).toEqual(['store', 'shop', 'store', 'shop']);
  });

  it.each([
    ['a variable', 'query ($representations: Boolean!) { product { name @skip(if: $representations) } }'],
    ['a response key', '{ product { __typename: name } }'],
  ])('refuses %s with a name that is kept', async (_, text) => {
    await expect(createPlanner(supergraph, planner).plan(parse(text), undefined)({})).rejects.toThrow(
      expect.objectContaining({ extensions: expect.objectContaining({ code: 'BAD_REQUEST' }) }),
    );
  });
});

describe('composition', () => {
  const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@requires", "@external"])`;
  const composed =
    (requires: string, key = '') =>
    () =>
      composeSupergraph([
        {
          name: 'a',
          typeDefs: parse(
            `${link} type Query { "p" p: P } "p" type P @key(fields: "id") { "i" id: ID! "p" price("c" c: String): Int }`,
          ),
        },
        {
          name: 'b',
          typeDefs: parse(
            `${link} type P @key(fields: "id") ${key} { id: ID! price(c: String): Int @external "f" freight: Int @requires(fields: "${requires}") }`,
          ),
        },
      ]);

  it('names a field whose @requires gives arguments', () => {
    expect(composed('price(c: \\"NOK\\")')).toThrow('P.freight');
  });

  it('takes @requires without arguments', () => {
    expect(composed('price')).not.toThrow();
  });
});
