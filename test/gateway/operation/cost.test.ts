import { readdirSync, readFileSync } from 'node:fs';
import { buildSchema, getOperationAST, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { parseExample } from '../../../gateway/explorer/exampleOperation.ts';
import { createCostCheck, createCostOf } from '../../../gateway/operation/cost.ts';
import { limits } from '../../../gateway/operation/limits.ts';
import { readApiSchema } from '../../../gateway/operation/publish.ts';
import { repeat } from '../../support/attacks.ts';

const home = new URL('../../../examples/operations/', import.meta.url);
const examples = readdirSync(home).map((file) => parseExample(file, readFileSync(new URL(file, home), 'utf8')));

const api = readApiSchema();
const small = buildSchema(`
  type Query { one: Item many: [Item!]! page(first: Int = 20, after: String): Page listed(first: Int): [Item] any: Any }
  type Item implements Any { id: ID tags: [String!] many: [[Item!]!]! page(first: Int = 20): Page }
  type Page { nodes: [Item!]! notes: [String] total: Int }
  interface Any { id: ID }
`);
const run = (query: string, variables: Record<string, unknown> = {}, schema = small): number => {
  const document = parse(query);
  return createCostOf(schema, { assumedListSize: 5 })(document, getOperationAST(document)!, variables);
};

describe('the cost of an operation', () => {
  it.each<[query: string, cost: number]>([
    ['{ one { id } }', 2],
    ['{ one { id tags } }', 1 + 1 + 1 + 5],
    ['{ many { id } }', 1 + 5],
    ['{ many { many { id tags } } }', 1 + 5 * (1 + 5 * (1 + 6))],
    ['{ page(first: 3) { nodes { id } notes total } }', 1 + 1 + 3 + 6 + 1],
    ['{ page { nodes { id } } }', 1 + 1 + 20],
    ['{ page(first: null) { nodes { id } } }', 1 + 1 + 20],
    ['{ page(first: 0) { nodes { id } } }', 1 + 1 + 1],
    ['{ page(first: -5) { nodes { id } } }', 1 + 1 + 1],
    ['{ listed(first: 7) { id } }', 1 + 7],
    ['{ listed { id } }', 1 + 5],
    ['{ page(first: 100) { nodes { page(first: 100) { nodes { id tags } } } } }', 2 + 100 * (2 + 100 * 7)],
    ['{ page(first: 9) { ...f } } fragment f on Page { ... on Page { nodes { id } } }', 1 + 1 + 9],
    ['{ page(first: 9) { ...f } one { page(first: 2) { ...f } } } fragment f on Page { nodes { id } }', 11 + 1 + 4],
    ['{ page(first: 9) @include(if: false) { nodes { id } } }', 11],
    ['{ page(first: 9) { ... @defer { nodes { id } } } ... @defer(if: false) { many { id } } }', 11 + 6],
    ['{ any { ... on Item { tags } id } }', 1 + 6 + 1],
    ['query __schema { ...__schema } fragment __schema on Query { __schema: page(first: 9) { nodes { id } } }', 11],
    ['{ __schema { types { fields { name } } } }', 1],
  ])('%s is %d', (query, cost) => {
    expect(run(query)).toBe(cost);
  });

  it.each<[name: string, header: string, variables: Record<string, unknown>, size: number]>([
    ['a variable', '$n: Int', { n: 30 }, 30],
    ['the variable’s default', '$n: Int = 40', {}, 40],
    ['null, which means the field’s default', '$n: Int = 40', { n: null }, 20],
    ['the field’s default where nothing is sent', '$n: Int', {}, 20],
    ['the field’s default for what is no number', '$n: Int', { n: '10' }, 20],
  ])('counts %s for `first`', (_name, header, variables, size) => {
    expect(run(`query (${header}) { page(first: $n) { nodes { id } } }`, variables)).toBe(2 + size);
  });

  it.each(['__proto__', 'constructor', 'toString'])('takes a variable called %s for one that is not sent', (name) => {
    const query = `query ($${name}: Int) { page(first: $${name}) { nodes { id } } }`;
    expect(run(query)).toBe(22);
    expect(run(query, JSON.parse(`{"${name}": 3}`))).toBe(5);
  });

  it('is that of each request’s variables, for one document', () => {
    const document = parse('query ($n: Int) { page(first: $n) { nodes { id } } }');
    const costOf = createCostOf(small, { assumedListSize: 5 });
    expect([1, 100, 5].map((n) => costOf(document, getOperationAST(document)!, { n }))).toEqual([3, 102, 7]);
  });

  it('stays a number when lists are multiplied without end', () => {
    const levels = 60;
    const open = 'page(first: 2147483647) { nodes { ';
    expect(run(`{ ${open.repeat(levels)} id ${'} }'.repeat(levels)} }`)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('the cost limit', () => {
  const check = (query: string, variables: Record<string, unknown> = {}) => {
    const document = parse(query);
    createCostCheck(api, limits)(document, getOperationAST(document)!, variables);
  };
  const page = (first: string | number) => `{ patient(id: "a") { labReports(first: ${first}) { nodes { id } } } }`;
  const withVariable = `query ($n: Int) ${page('$n')}`;
  const most = limits.cost - 3;
  const refusal = `The operation may give more than ${limits.cost} values: ask for shorter lists`;

  it('lets a list of its length pass and refuses one item more, literal or variable', () => {
    expect(() => check(page(most))).not.toThrow();
    expect(() => check(withVariable, { n: most })).not.toThrow();
    expect(() => check(page(most + 1))).toThrow(refusal);
    expect(() => check(withVariable, { n: most + 1 })).toThrow(refusal);
  });

  it('refuses a thousand million items (B28) and a list of 100 in 100 in 10 (B29)', () => {
    expect(() => check(page(1_000_000_000))).toThrow(refusal);
    expect(() => check(withVariable, { n: 1_000_000_000 })).toThrow(refusal);
    const nested =
      'query ($n: Int = 100) { page(first: $n) { nodes { page(first: $n) { nodes { page(first: 10) { nodes { id } } } } } } }';
    const document = parse(nested);
    expect(() => createCostCheck(small, limits)(document, getOperationAST(document)!, {})).toThrow(refusal);
  });

  it('refuses what only the length of lists makes dear: 29 aliases of a page of 100', () => {
    const aliases = repeat(
      29,
      (i) => `a${i}: labReports(first: 100) { nodes { results { code { coding { code } } } } }`,
    );
    expect(() => check(`{ patient(id: "a") { ${aliases} } }`)).toThrow(refusal);
  });

  it.each(examples.map(({ id, query, variables }) => [id, query, variables] as const))(
    'is more than 40 times what %s costs',
    (_id, query, variables) => {
      const cost = run(query, { ...variables }, api);
      expect(cost).toBeGreaterThan(100);
      expect(cost * 40).toBeLessThan(limits.cost);
    },
  );

  it('lets the longest page of laboratory and imaging pass', () => {
    const { query, variables } = examples.find(({ id }) => id.startsWith('lab-and-imaging'))!;
    expect(() => check(query, { ...variables, first: 100 })).not.toThrow();
  });
});
