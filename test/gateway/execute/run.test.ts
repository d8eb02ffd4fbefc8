import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type CallSubgraph, runPlan } from '../../../gateway/execute/run.ts';
import { shape } from '../../../gateway/execute/shape.ts';
import type { EntityPart, FetchStep, Step } from '../../../gateway/plan/planner.ts';

const types: FetchStep['types'] = { of: (name) => new Set([name]), interfaces: new Set(), needed: new Set() };
const fetchOf = (subgraph: string, text: string, entities: readonly EntityPart[] | null = null): FetchStep => ({
  kind: 'fetch',
  subgraph,
  document: parse(text),
  text,
  variables: [],
  path: [],
  after: [],
  entities,
  types,
  clientPath: (path) => path,
});
const partFor = (path: EntityPart['paths'][number], keys: readonly string[] = ['id']): EntityPart => ({
  key: '_entities',
  variable: 'representations',
  paths: [path],
  requires: [
    {
      kind: 'fragment',
      types: new Set(['Product']),
      selections: ['__typename', ...keys].map((name) => ({ kind: 'field', from: name, to: name, selections: null })),
    },
  ],
  before: [],
  after: [],
});
const entities =
  'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Product { size { unit } } } }';
const sequence = (...steps: Step[]): Step => ({ kind: 'sequence', steps });

/** Answers by subgraph, as JSON: what is parsed belongs to whoever called. */
const answering =
  (answers: Record<string, string>, asked: Record<string, unknown>[] = []): CallSubgraph =>
  async ({ subgraph }, variables) => {
    asked.push(variables);
    return { data: JSON.parse(answers[subgraph]!) as Record<string, unknown>, sources: [] };
  };
const run = (plan: Step, call: CallSubgraph) => runPlan(plan, {}, call, () => null);

describe('a plan that is run', () => {
  it('asks once about entities that look alike, and gives each its own of the answer', async () => {
    const asked: Record<string, unknown>[] = [];
    const products =
      '{"products":[{"__typename":"Product","id":"1"},null,{"__typename":"Product","id":"1"},{"__typename":"Product","id":"2"}]}';
    const { data } = await run(
      sequence(fetchOf('a', '{ products { id } }'), fetchOf('b', entities, [partFor(['products', '@'])])),
      answering({ a: products, b: '{"_entities":[{"size":{"unit":"cm"}},{"size":null}]}' }, asked),
    );
    expect(asked[1]).toEqual({
      representations: [
        { __typename: 'Product', id: '1' },
        { __typename: 'Product', id: '2' },
      ],
    });
    const [first, nothing, same, other] = data['products'] as { size: unknown }[];
    expect([first?.size, nothing, same?.size, other?.size]).toEqual([{ unit: 'cm' }, null, { unit: 'cm' }, null]);
    expect(first?.size).not.toBe(same?.size);
  });

  it('does not ask about an entity whose key did not come, and asks with one that is null', async () => {
    const asked: Record<string, unknown>[] = [];
    const products =
      '{"products":[{"__typename":"Product"},{"__typename":"Product","id":null},{"__typename":"Other","id":"3"}]}';
    await run(
      sequence(fetchOf('a', '{ products { id } }'), fetchOf('b', entities, [partFor(['products', '@'])])),
      answering({ a: products, b: '{"_entities":[{"size":null}]}' }, asked),
    );
    expect(asked[1]).toEqual({ representations: [{ __typename: 'Product', id: null }] });
  });

  it.each(['__proto__', 'constructor'])('takes no key %s from what every object has', async (key) => {
    const asked: unknown[] = [];
    await run(
      sequence(fetchOf('a', '{ products { id } }'), fetchOf('b', entities, [partFor(['products', '@'], [key])])),
      answering({ a: '{"products":[{"__typename":"Product"}]}' }, asked as Record<string, unknown>[]),
    );
    expect(asked).toHaveLength(1);
  });

  it('changes no prototype, whatever a subgraph calls its members', async () => {
    const evil =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":{"__proto__":{"polluted":1}}}';
    const { data } = await run(sequence(fetchOf('a', '{ a }'), fetchOf('b', '{ a }')), answering({ a: evil, b: evil }));
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(Object.keys(data)).toEqual(['__proto__', 'constructor', 'a']);
  });

  it('walks no path along a prototype', async () => {
    const asked: Record<string, unknown>[] = [];
    await run(
      sequence(
        fetchOf('a', '{ a }'),
        fetchOf('b', entities, [partFor(['__proto__'])]),
        fetchOf('b', entities, [partFor(['constructor', 'prototype'])]),
      ),
      answering({ a: '{"a":1}', b: '{"_entities":[{"polluted":1}]}' }, asked),
    );
    expect(asked).toHaveLength(1);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('an answer', () => {
  const schema = buildSchema('type Query { item: Item } type Item { name: String need: String! many: [String!] }');
  const answerTo = (query: string, data: Record<string, never | unknown>) =>
    shape(
      { data: data as never, errors: [], sources: [] },
      {
        schema,
        facts: {
          categories: [],
          classesOf: () => [],
          sourceOf: () => null,
          sourcesOf: () => new Set(),
          isGroup: () => false,
          subgraphOfQuery: () => null,
        },
        document: parse(query),
        operationName: undefined,
        variables: {},
        refusalOf: () => null,
      },
    );

  it('does not show what every object has in place of what did not come', () => {
    const { data } = answerTo('{ item { constructor: name toString: name __proto__: name hasOwnProperty: name } }', {
      item: {},
    });
    expect(JSON.stringify(data)).toBe(
      '{"item":{"constructor":null,"toString":null,"__proto__":null,"hasOwnProperty":null}}',
    );
  });

  it('says where a value is missing that must be there, and is null from the nearest place that may be', () => {
    const { data, errors } = answerTo('{ item { name need } }', { item: { name: 'a', need: null } });
    expect(data).toEqual({ item: null });
    expect(errors).toMatchObject([{ path: ['item', 'need'], extensions: { code: 'SOURCE_INVALID' } }]);
  });

  it('counts the items of a list in a path', () => {
    const { data, errors } = answerTo('{ item { many } }', { item: { many: ['a', null, 'c'] } });
    expect(data).toEqual({ item: { many: null } });
    expect(errors.map(({ path }) => path)).toEqual([['item', 'many', 1]]);
  });

  it('refuses a value that its type cannot have', () => {
    const { data, errors } = answerTo('{ item { name } }', { item: { name: { a: 1 } } });
    expect(data).toEqual({ item: { name: null } });
    expect(errors.map(({ path }) => path)).toEqual([['item', 'name']]);
  });
});
