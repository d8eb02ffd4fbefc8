import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { type DocumentNode, type ExecutionResult, execute, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecute } from '../../../../subgraphs/_shared/compiled/execute.ts';
import { randomOperation } from '../../../support/randomOperation.ts';
import { createWorld, createWorldSchema, type Weather, type World } from './world.ts';

/** Everything that can be seen of an answer, the order of keys included. */
const seen = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(seen);
  if (typeof value !== 'object' || value === null || value instanceof Date) return inspect(value);
  return { keys: Object.entries(value).map(([key, it]) => [key, seen(it)]) };
};
const told = ({ errors, ...rest }: ExecutionResult) => ({
  keys: Object.keys(rest),
  data: seen(rest.data),
  errors: errors?.map((error) => ({
    ...error.toJSON(),
    path: error.path,
    nodes: error.nodes?.map(({ kind, loc }) => [kind, loc?.start]),
    original: error.originalError?.message,
    stack: typeof error.stack,
  })),
});

/** Every object of an answer, each of them once unless it is shared. */
const objectsIn = (value: unknown): object[] =>
  typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(objectsIn)] : [];

// graphql-js itself leaves promises alone when a list gives up; ours must not.
const abandoned: unknown[] = [];
const note = (reason: unknown) => void abandoned.push(reason);
let others: NodeJS.UnhandledRejectionListener[];
beforeAll(() => {
  others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', note);
});
afterAll(() => {
  process.off('unhandledRejection', note);
  for (const listener of others) process.on('unhandledRejection', listener);
});

const weather = fc.record({
  seed: fc.nat(1_000_000),
  faults: fc.constantFrom(0, 0.02, 0.1),
  promises: fc.constantFrom(0, 0, 0.15, 0.5),
});
const schemas = [1, 2, 3].map((seed) => {
  const schema = createWorldSchema(seed);
  return { schema, execute: createExecute('test', schema) };
});

/** The same document is asked with other conditions, too. */
const changes = [{}, { yes: false, maybe: null }, { yes: true, maybe: false }];
type Ran = { world: World; result: ExecutionResult; told: unknown; wasSync: boolean };

/** Runs to the answer, and on until nothing is left to settle: what comes too late must change nothing. */
const run = async (conditions: Weather, start: (world: World) => ReturnType<typeof execute>): Promise<Ran> => {
  const world = createWorld(conditions);
  const started = start(world);
  const result = await world.turns.until(started);
  const atFirst = told(result);
  await world.turns.rest();
  expect(told(result)).toEqual(atFirst);
  return { world, result, told: atFirst, wasSync: !(started instanceof Promise) };
};

const compare = async (
  { schema, execute: executeCompiled }: (typeof schemas)[number],
  document: DocumentNode,
  variables: Record<string, unknown>,
  conditions: Weather,
): Promise<Ran> => {
  const expected = await run(conditions, (contextValue) =>
    execute({ schema, document, variableValues: variables, contextValue, rootValue: contextValue.identities }),
  );
  abandoned.length = 0;
  const own = await run(conditions, (context) =>
    executeCompiled(document, { variables, context, rootValue: context.identities }),
  );
  expect(abandoned.map(String)).toEqual([]);
  expect(own.told).toEqual(expected.told);
  expect(own.world.calls).toEqual(expected.world.calls);
  expect(JSON.stringify(own.result.data, inJson)).toBe(JSON.stringify(expected.result.data, inJson));
  return own;
};
const inJson = (_key: string, value: unknown) =>
  typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function' ? String(value) : value;

describe('a compiled operation', () => {
  it.each(['query', 'mutation'] as const)(
    'answers a random %s as graphql-js does, and calls resolvers as it does',
    async (root) => {
      let compiledRuns = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.gen(),
          fc.constantFrom(...schemas),
          fc.array(weather, { minLength: 2, maxLength: 3 }),
          async (g, kind, all) => {
            const { query, variables } = randomOperation(g, kind.schema, { root });
            const document = parse(query);
            for (const [i, conditions] of all.entries()) {
              const changed = { ...variables, ...changes[i] };
              const own = await compare(kind, document, changed, conditions).catch((failure) => {
                throw new Error(`${query} with ${JSON.stringify(changed)}`, { cause: failure });
              });
              const objects = objectsIn(own.result.data);
              expect(new Set(objects).size).toBe(objects.length);
              expect(objects.filter((it) => own.world.made.has(it))).toEqual([]);
              compiledRuns += 1;
            }
          },
        ),
        { numRuns: 300 },
      );
      expect(compiledRuns).toBeGreaterThan(500);
    },
    120_000,
  );
});
