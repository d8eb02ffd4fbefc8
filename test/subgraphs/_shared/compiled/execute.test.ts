import { createHook } from 'node:async_hooks';
import { setImmediate as afterMicrotasks } from 'node:timers/promises';
import { buildSchema, execute, type GraphQLScalarType, type GraphQLSchema, parse } from 'graphql';
import { register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createExecute } from '../../../../subgraphs/_shared/compiled/execute.ts';

const schema = buildSchema(`
  scalar Document
  type Query { text: String number(times: Int = 2): Int document: Document inner: Query later: Query all: [Query!] }
`);
const rootValue = { text: 'words', number: ({ times }: { times: number }) => times, inner: { text: 'inner' } };

const ask = (query: string, variables: Record<string, unknown> = {}, root: unknown = rootValue, of = schema) =>
  createExecute('test', of)(parse(query), { variables, context: {}, rootValue: root });
const byLibrary = (query: string, variableValues: Record<string, unknown> = {}, of: GraphQLSchema = schema) =>
  execute({ schema: of, document: parse(query), variableValues, rootValue, contextValue: {} });

const interpretedFor = async (reason: string): Promise<number> => {
  const metric = await register.getSingleMetric('kilde_subgraph_interpreted_operations_total')!.get();
  return metric.values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
};

describe('createExecute', () => {
  it('answers at once when nothing has to be waited for', () => {
    expect(ask('{ text number(times: 3) inner { text } }')).toEqual({
      data: { text: 'words', number: 3, inner: { text: 'inner' } },
    });
  });

  it('makes promises for fields that wait, and none for those that do not', async () => {
    const run = createExecute('test', schema);
    const wide = parse(`{ later { ${Array.from({ length: 50 }, (_, i) => `f${i}: text`).join(' ')} } }`);
    const narrow = parse('{ later { text } }');
    const root = { later: () => Promise.resolve({ text: 'here' }) };
    const promisesFor = async (document: typeof wide) => {
      let promises = 0;
      const hook = createHook({
        init(_id, type) {
          if (type === 'PROMISE') promises += 1;
        },
      }).enable();
      await run(document, { variables: {}, context: {}, rootValue: root });
      hook.disable();
      return promises;
    };
    await promisesFor(wide); // compiled
    await promisesFor(narrow);
    expect(await promisesFor(wide)).toBe(await promisesFor(narrow));
    expect(await promisesFor(wide)).toBeLessThan(10);
  });

  it('compiles a document once: literals are read for the first run only', () => {
    let read = 0;
    const counting = buildSchema('scalar Counted type Query { echo(of: Counted): Int }');
    (counting.getType('Counted') as GraphQLScalarType).parseLiteral = () => {
      read += 1;
      return read;
    };
    const run = createExecute('test', counting);
    const document = parse('{ echo(of: "x") }');
    const given = { variables: {}, context: {}, rootValue: { echo: ({ of }: { of: number }) => of } };
    expect([run(document, given), run(document, given)]).toEqual([{ data: { echo: 1 } }, { data: { echo: 1 } }]);
    expect(read).toBe(1);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'then', '__proto__', '__defineGetter__'])(
    'answers under the alias %s, and leaves every other object alone',
    async (alias) => {
      const query = `{ ${alias}: text inner { ${alias}: text } all { ${alias}: inner { text } } }`;
      const root = { ...rootValue, all: [{ inner: { text: 'deep' } }] };
      const { data } = await ask(query, {}, root);
      const read = (value: unknown) => Object.getOwnPropertyDescriptor(value, alias)?.value;
      expect(read(data)).toBe('words');
      expect(read(data?.['inner'])).toBe('inner');
      expect(read((data!['all'] as unknown[])[0])).toEqual({ text: 'deep' });
      expect(JSON.stringify(data)).toBe(
        JSON.stringify((await execute({ schema, document: parse(query), rootValue: root })).data),
      );
      expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
      expect('text' in {}).toBe(false);
    },
  );

  it('gives away only what it made: a custom scalar’s objects are copied', async () => {
    const held = { list: [{ deep: true }], at: new Date(0) };
    for (const query of ['{ document }', '{ document __schema { queryType { name } } }']) {
      const { data } = await ask(query, {}, { document: held });
      const given = data?.['document'] as typeof held;
      expect(given).toEqual(held);
      expect(given).not.toBe(held);
      expect(given.list).not.toBe(held.list);
      expect(given.list[0]).not.toBe(held.list[0]);
    }
  });

  const odd: unknown[] = ['', 'RED', '7', 0, -0, 7, 1.5, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 1e300];
  odd.push(
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    false,
    null,
    undefined,
    7n,
    Symbol('s'),
    [],
    [7],
    {},
    new Date(0),
  );
  odd.push(
    { valueOf: () => 7 },
    { toJSON: () => 'json' },
    new Error('returned'),
    () => 'called',
    () => null,
  );
  it.each(['String', 'ID', 'Int', 'Float', 'Boolean', 'Colour', 'Plain', 'Odd'])(
    'writes every value of %s as graphql-js does, or refuses it in the same words',
    (type) => {
      const of = buildSchema(`enum Colour { RED } scalar Plain scalar Odd
        type Query { value: ${type} required: ${type}! list: [${type}!] }`);
      (of.getType('Odd') as GraphQLScalarType).serialize = (value) =>
        value === 7 ? undefined : value === '7' ? null : value;
      const run = createExecute('test', of);
      for (const field of ['value', 'required', 'list'])
        for (const value of odd) {
          const given = parse(`{ ${field} }`);
          const root = { [field]: field === 'list' ? [value] : value };
          const own = run(given, { variables: {}, context: {}, rootValue: root });
          expect(own).toEqual(execute({ schema: of, document: given, rootValue: root }));
        }
    },
  );

  it('lets no promise of a list that was given up end the process', async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => void unheard.push(reason);
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', hear);
    try {
      const later = async () => {
        throw new Error('too late');
      };
      const all = () => [{ text: later }, null, later()];
      const { data, errors } = await ask('{ all { text } }', {}, { all });
      expect([data, errors?.length]).toEqual([{ all: null }, 1]);
      await afterMicrotasks();
      expect(unheard).toEqual([]);
    } finally {
      process.off('unhandledRejection', hear);
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  });

  it.each([
    ['introspection', '{ __schema { queryType { name } } text }'],
    ['introspection', 'query ($name: String = "Query") { __type(name: $name) { fields { name } } }'],
    ['prototype', '{ inner { __proto__: text } }'],
    ['operation', 'query A { text } query B { text }'],
    ['operation', 'mutation { text }'],
    ['operation', 'fragment F on Query { text }'],
  ])('leaves to graphql-js what it does not cover, and counts it: %s in %s', async (reason, query) => {
    const before = await interpretedFor(reason);
    expect(JSON.stringify(await ask(query))).toBe(JSON.stringify(await byLibrary(query)));
    expect(await interpretedFor(reason)).toBe(before + 1);
  });

  it('counts nothing for an operation that it covers', async () => {
    const before = await register.getSingleMetric('kilde_subgraph_interpreted_operations_total')!.get();
    await ask('query ($yes: Boolean!) { text @include(if: $yes) all { number } }', { yes: true });
    expect(await register.getSingleMetric('kilde_subgraph_interpreted_operations_total')!.get()).toEqual(before);
  });

  it('tells apart more combinations of conditions than it keeps', () => {
    const names = Array.from({ length: 8 }, (_, i) => `c${i}`);
    const document = parse(`query (${names.map((it) => `$${it}: Boolean!`)}) {
      ${names.map((it) => `${it}: text @skip(if: $${it}) inner { ${it}: text @include(if: $${it}) }`).join('\n')} }`);
    const run = createExecute('test', schema);
    for (let round = 0; round < 2; round += 1)
      for (let bits = 0; bits < 256; bits += 1) {
        const variables = Object.fromEntries(names.map((it, i) => [it, ((bits >> i) & 1) === 1]));
        expect(run(document, { variables, context: {}, rootValue })).toEqual(
          execute({ schema, document, variableValues: variables, rootValue }),
        );
      }
  });

  it('refuses a schema that is not valid when the subgraph starts', () => {
    expect(() => createExecute('test', buildSchema('type Nothing { text: String }'))).toThrow('Query root type');
  });
});
