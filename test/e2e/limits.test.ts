import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createManifest, readApiSchema } from '../../gateway/operation/publish.ts';
import { hashOf } from '../../gateway/operation/trusted.ts';
import { attacks, canary, repeat } from '../support/attacks.ts';
import { type Kilde, startKilde } from '../support/kilde.ts';

const patient = '14834841291';
const folder = mkdtempSync(join(tmpdir(), 'kilde-limits-'));
const examples = fileURLToPath(new URL('../../examples/operations/', import.meta.url));
const published = createManifest(examples, readApiSchema());
const [emergencyId] = Object.entries(published).find(([, text]) => text.includes('EmergencySummary'))!;

let kilde: Kilde;
let authorization: string;
beforeAll(async () => {
  const manifest = join(folder, 'manifest.json');
  writeFileSync(manifest, JSON.stringify(published));
  kilde = await startKilde({ TRUSTED_DOCUMENTS: manifest });
  authorization = `Bearer ${await kilde.token({ persona: 'legevakt-doctor', patient })}`;
});
afterAll(async () => {
  await kilde?.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Answer = {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions: { code: string } }[];
};
const send = async (body: object | string) => {
  const { status, text } = await kilde.post('/graphql', typeof body === 'string' ? body : JSON.stringify(body), {
    authorization,
  });
  return { status, text, answer: JSON.parse(text) as Answer };
};
const callsOfSources = () => [...kilde.sandbox.simulators.values()].reduce((sum, { calls }) => sum + calls.length, 0);

const expectRefusal = ({ status, text, answer }: Awaited<ReturnType<typeof send>>, code?: string) => {
  expect([status, answer.data]).toEqual([400, undefined]);
  expect(answer.errors!.length).toBeLessThanOrEqual(10);
  const codes = answer.errors!.map(({ extensions }) => extensions.code);
  if (code) expect(new Set(codes)).toEqual(new Set([code]));
  expect(Buffer.byteLength(text)).toBeLessThan(2_000);
  expect(text).not.toContain(canary);
  expect(text).not.toContain(patient);
};

describe('over HTTP, what a stock gateway works on for seconds', () => {
  it.each(attacks)(
    '%s: is refused as %s in less than 2 kB, repeats no name, asks no source',
    async (_name, code, query) => {
      const before = callsOfSources();
      const refused = await send({ query, variables: { [canary]: patient } });
      expectRefusal(refused, code);
      if (code === 'LIMIT_EXCEEDED') expect(refused.answer.errors).toHaveLength(1);
      expect(callsOfSources()).toBe(before);
    },
  );
});

describe('over HTTP, a limit', () => {
  it.each<[name: string, body: object]>([
    [
      'cost of a literal (B28)',
      { query: `{ patient(identifier: "${patient}") { labReports(first: 1000000000) { nodes { id } } } }` },
    ],
    [
      'cost of a variable (B28)',
      {
        query:
          'query ($p: PatientIdentifier!, $n: Int) { patient(identifier: $p) { labReports(first: $n) { nodes { id } } } }',
        variables: { p: patient, n: 1_000_000_000 },
      },
    ],
    ['variables of 20 kB', { query: '{ viewer { kind } }', variables: { [canary]: canary.repeat(2_000) } }],
    [
      'variables 1,000 levels deep',
      { query: '{ viewer { kind } }', variables: { a: JSON.parse('['.repeat(1_000) + ']'.repeat(1_000)) } },
    ],
    ['operationName of 40 kB (B14)', { query: '{ viewer { kind } }', operationName: canary.repeat(4_000) }],
    [
      'two operations',
      { query: `query A { viewer { kind } } query ${canary} { viewer { kind } }`, operationName: 'A' },
    ],
  ])('%s answers 400 with one error that names it', async (_name, body) => {
    const before = callsOfSources();
    const refused = await send(body);
    expectRefusal(refused, 'LIMIT_EXCEEDED');
    expect(refused.answer.errors).toHaveLength(1);
    expect(refused.answer.errors![0]!.message).toMatch(/\d/);
    expect(callsOfSources()).toBe(before);
  });

  it('holds for a document whose plan is kept: its variables are judged each time (Router #8810)', async () => {
    const query =
      'query ($p: PatientIdentifier!, $n: Int = 2) { patient(identifier: $p) { labReports(first: $n) { nodes { id } } } }';
    const ask = (variables: object) => send({ query, variables: { p: patient, ...variables } });
    expect((await ask({})).status).toBe(200);
    expectRefusal(await ask({ n: 2_000_000 }), 'LIMIT_EXCEEDED');
    expectRefusal(await ask({ extra: { a: JSON.parse('['.repeat(20) + ']'.repeat(20)) } }), 'LIMIT_EXCEEDED');
    expect((await ask({ n: 3 })).status).toBe(200);
  });

  it('of errors keeps a document with a thousand faults below 2 kB', async () => {
    for (const query of [
      `{ viewer { ${repeat(900, (i) => canary + i)} } }`,
      `{ patient(${repeat(400, (i) => `${canary}${i}: 1`)}) { id } }`,
      `query (${repeat(400, (i) => `$${canary}${i}: ${canary}`)}) { viewer { kind } }`,
      `{ viewer { ${repeat(18, (i) => `kind @${canary}${i}`)} } }`,
      `{ ${repeat(50, (i) => `...${canary}${i}`)} viewer { kind } }`,
      `{ viewer { ...a ...b } } fragment a on Viewer { ${repeat(25, (i) => `x${i}: kind`)} } fragment b on Viewer { x0: role }`,
    ])
      expectRefusal(await send({ query }), 'BAD_REQUEST');
  });
});

describe('introspection in the sandbox', () => {
  it('answers what GraphiQL asks', async () => {
    const query = getIntrospectionQuery({
      inputValueDeprecation: true,
      schemaDescription: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
    });
    const { status, answer } = await send({ query, operationName: 'IntrospectionQuery' });
    expect([status, answer.errors]).toEqual([200, undefined]);
    expect(answer.data).toHaveProperty('__schema.queryType.name', 'Query');
  });

  it.each([3, 5, 8])(
    'in a circle of %d is refused, straight, aliased, in fragments and beside data (B31)',
    async (times) => {
      const circle = `types { ${'fields { type { '.repeat(times)} name ${'} }'.repeat(times)} }`;
      for (const query of [
        `{ __schema { ${circle} } }`,
        `{ a: __schema { ...f } } fragment f on __Schema { ${circle} }`,
        `{ viewer { kind } ... { __schema { ... on __Schema { ${circle} } } } }`,
        `{ __type(name: "Patient") { ${'fields { type { '.repeat(times)} name ${'} }'.repeat(times)} } }`,
      ])
        expectRefusal(await send({ query }));
    },
  );
});

describe('names of JavaScript’s own (CVE-2026-32621, B37)', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];
  const expectUnharmed = () => {
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12);
    expect(({} as Record<string, unknown>)['maliciousPayload']).toBeUndefined();
    expect({}.constructor).toBe(Object);
  };

  it.each(names)('%s is an alias, a variable, an operation and a fragment like any other', async (name) => {
    const aliased = await send({
      query: `query ${name}($p: PatientIdentifier!) { ${name}: patient(identifier: $p) { ${name}: id } }`,
      variables: { p: patient },
      operationName: name,
    });
    expect(aliased.status).toBe(200);
    expect(Object.keys(aliased.answer.data!)).toEqual([name]);
    const inner = Object.entries(aliased.answer.data!)[0]![1] as object;
    expect(Object.keys(inner)).toEqual([name]);
    const variable = await send({
      query: `query ($p: PatientIdentifier!, $${name}: Boolean = true) { patient(identifier: $p) { ...${name} } } fragment ${name} on Patient { id @include(if: $${name}) }`,
      variables: { p: patient },
    });
    // The engine keeps variables that begin with two underscores for its own calls.
    if (name.startsWith('__')) expectRefusal(variable, 'BAD_REQUEST');
    else expect([variable.status, variable.answer.errors]).toEqual([200, undefined]);
    expectUnharmed();
  });

  it.each(names)('%s in the JSON of variables changes nothing', async (name) => {
    const { status } = await send(
      `{"query":"query ($${name}: Int) { patient(identifier: \\"${patient}\\") { labReports(first: $${name}) { status } } }","variables":{"${name}":{"maliciousPayload":true}}}`,
    );
    expect(status).toBe(400);
    expect((await send(`{"query":"{ viewer { kind } }","${name}":{"maliciousPayload":true}}`)).status).toBeLessThan(
      401,
    );
    expectUnharmed();
  });
});

describe('known operations in the sandbox', () => {
  const persistedQuery = { version: 1, sha256Hash: emergencyId };

  it('are answered by id', async () => {
    for (const body of [{ documentId: `sha256:${emergencyId}` }, { extensions: { persistedQuery } }]) {
      const { status, answer } = await send({ ...body, variables: { patient } });
      expect([status, answer.errors]).toEqual([200, undefined]);
      expect(answer.data).toHaveProperty('patient.birthDate');
    }
  });

  it.each<[name: string, body: object]>([
    ['an unknown hash (B12)', { extensions: { persistedQuery: { version: 1, sha256Hash: 'f'.repeat(64) } } }],
    ['a hash that is a list (B12)', { extensions: { persistedQuery: { version: 1, sha256Hash: [emergencyId] } } }],
    ['a hash of 40 kB (B12)', { extensions: { persistedQuery: { version: 1, sha256Hash: 'f'.repeat(40_000) } } }],
    ['a known id with another text (B13)', { extensions: { persistedQuery }, query: '{ viewer { kind } }' }],
    [
      'a known documentId with another text (B13)',
      { documentId: `sha256:${emergencyId}`, query: '{ viewer { kind } }' },
    ],
  ])('%s is refused', async (_name, body) => {
    expectRefusal(await send(body), 'BAD_REQUEST');
  });

  it('cannot be added by a client (B12)', async () => {
    const query = `{ ${canary}: viewer { kind } }`;
    const extensions = { persistedQuery: { version: 1, sha256Hash: hashOf(query) } };
    expectRefusal(await send({ query, extensions }), 'BAD_REQUEST');
    expectRefusal(await send({ extensions }), 'BAD_REQUEST');
  });
});
