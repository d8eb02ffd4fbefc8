import type { UUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { type DocumentNode, type ExecutionResult, execute, type GraphQLSchema, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseExample } from '../../../../gateway/explorer/exampleOperation.ts';
import { kildeAudience } from '../../../../sandbox/issuer/resources.ts';
import { claimsFor } from '../../../../sandbox/personas.ts';
import { seed } from '../../../../sandbox/seed.ts';
import type { Assertion } from '../../../../schema/assertion.ts';
import { categories } from '../../../../schema/categories.ts';
import type { Subgraph, SubgraphModule } from '../../../../schema/subgraph.ts';
import type { createExecute, Execute } from '../../../../subgraphs/_shared/compiled/execute.ts';
import { log } from '../../../../subgraphs/_shared/log.ts';
import { askSubgraph, assertionFor, patientOf } from '../../../support/ask.ts';
import { type Kilde, startKilde } from '../../../support/kilde.ts';
import { type OperationOptions, randomOperation } from '../../../support/randomOperation.ts';

/** Every operation that a subgraph ran, by graphql-js and compiled, in the same context one after the other. */
type Comparison = { subgraph: string; document: DocumentNode; expected: ExecutionResult; own: ExecutionResult };
const { comparisons, schemas } = vi.hoisted(() => ({
  comparisons: [] as Comparison[],
  schemas: new Map<string, GraphQLSchema>(),
}));

// Both see the clock stand still, and what the first run loaded: whatever differs is the executor's doing.
vi.mock('../../../../subgraphs/_shared/compiled/execute.ts', async (importActual) => {
  const actual = await importActual<{ createExecute: typeof createExecute }>();
  let running = 0;
  return {
    createExecute: (subgraph: string, schema: GraphQLSchema): Execute => {
      schemas.set(subgraph, schema);
      const executeCompiled = actual.createExecute(subgraph, schema);
      return async (document, given) => {
        const { variables: variableValues, context: contextValue } = given;
        if (running === 0) vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
        running += 1;
        try {
          const expected = await execute({ schema, document, variableValues, contextValue });
          const own = await executeCompiled(document, given);
          comparisons.push({ subgraph, document, expected, own });
          return own;
        } finally {
          running -= 1;
          if (running === 0) vi.useRealTimers();
        }
      };
    },
  };
});

/** Cursors are sealed with a new nonce each time. */
const withoutCursors = (_key: string, value: unknown) =>
  typeof value === 'string' && /^[\w-]{38,512}$/.test(value) && !/^[\da-f-]{36,40}$/.test(value) ? '(cursor)' : value;
const inJson = (value: unknown) => JSON.stringify(value, withoutCursors, 1);
const told = ({ data, errors }: ExecutionResult) => ({
  data: inJson(data),
  errors: errors?.map((it) => inJson([it, it.path, it.locations, it.originalError?.message])).sort(),
});

const names = ['grunndata', 'hendelseslager', 'kjernejournal', 'eresept', 'provesvar', 'personvern'] as const;
const nationalId = '14834841291';
let kilde: Kilde;
let subjectToken: string;
let assertion: Assertion;
const subgraphs = new Map<string, Subgraph>();

beforeAll(async () => {
  log.level = 'silent'; // of resolvers that fail, as they are made to
  kilde = await startKilde();
  await seed({ sandbox: kilde.sandbox, gatewayUrl: kilde.url });
  const { issuer, population, env } = kilde.sandbox;
  subjectToken = await issuer.sign(claimsFor('legevakt-doctor', { patient: nationalId }, population)!, {
    audience: kildeAudience,
    expiresIn: 600,
  });
  for (const name of names) {
    const { default: module } = (await import(`../../../../subgraphs/${name}/subgraph.ts`)) as {
      default: SubgraphModule;
    };
    subgraphs.set(name, await module.create(env));
  }
  const { data } = await askSubgraph(
    subgraphs.get('grunndata')!,
    `{ identify(nationalId: "${nationalId}") { id } }`,
    {},
    assertionFor(null),
  );
  const { id } = data!['identify'] as { id: UUID };
  assertion = assertionFor(patientOf(nationalId, id), { categories: [...categories], deadline: Date.now() + 600_000 });
}, 180_000);
afterAll(async () => {
  for (const subgraph of subgraphs.values()) await subgraph.close();
  await kilde?.stop();
});

const ask = async (name: string, document: DocumentNode, variables: Record<string, unknown>, as: Assertion) => {
  comparisons.length = 0;
  const signal = AbortSignal.timeout(20_000);
  await subgraphs.get(name)!.execute({ document, text: '', variables, assertion: as, subjectToken, signal });
  const [comparison] = comparisons;
  if (!comparison || comparisons.length > 1) throw new Error('asked once, ran otherwise');
  return comparison;
};

const home = new URL('../../../../examples/operations/', import.meta.url);
const examples = readdirSync(home).map((file) =>
  parseExample(file.replace('.graphql', ''), readFileSync(new URL(file, home), 'utf8')),
);

describe('the subgraphs’ part of an example operation', () => {
  it.each(examples.map(({ id }) => [id]))('%s is the same as with graphql-js', async (id) => {
    const { persona, query, variables } = examples.find((it) => it.id === id)!;
    const patient = String(variables['patient'] ?? variables['me']);
    const token = await kilde.token({ persona, patient });
    comparisons.length = 0;
    const { data } = await kilde.ask(token, query, variables);
    expect(data?.['patient']).toBeTruthy();
    expect(comparisons.length).toBeGreaterThan(1);
    for (const { expected, own } of comparisons) expect(told(own)).toEqual(told(expected));
  });
});

describe('a subgraph’s own schema, resolvers and rules', () => {
  it.each(names)('%s answers random operations as with graphql-js', async (name) => {
    const { id } = assertion.patients[0]!;
    const stranger = '00000000-0000-4000-8000-000000000000';
    const patient = (patientId: string) => ({ __typename: 'Patient', id: patientId });
    const known = {
      representations: [[patient(id)], [patient(id)], [patient(id), patient(stranger)], [{ __typename: 'Nobody' }]],
      first: [1, 5, 20, 0, 1_000],
      after: [null, 'not a cursor'],
      hprNumber: ['9990004', 'x'],
      nationalId: [nationalId],
    };
    const options: OperationOptions = {
      root: 'query',
      rootFields: ['_entities', '_entities', 'identify', 'practitioner', 'organization'],
      known,
      misfits: 1,
      depth: 7,
    };
    let charactersOfData = 0;
    let errors = 0;
    await fc.assert(
      fc.asyncProperty(fc.gen(), fc.boolean(), async (g, isPermitted) => {
        const { query, variables } = randomOperation(g, schemas.get(name)!, options);
        const as = isPermitted ? assertion : { ...assertion, categories: assertion.categories.slice(0, 4) };
        const { expected, own } = await ask(name, parse(query), variables, as);
        expect(told(own), query).toEqual(told(expected));
        charactersOfData += inJson(own.data)?.length ?? 0;
        errors += own.errors?.length ?? 0;
      }),
      { numRuns: 100, interruptAfterTimeLimit: 15_000 },
    );
    expect(charactersOfData).toBeGreaterThan(1_000); // they were questions that have answers
    expect(errors).toBeGreaterThan(0);
  });
});
