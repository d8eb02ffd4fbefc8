import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { planning } from '../../gateway/metrics.ts';
import { createManifest, readApiSchema } from '../../gateway/operation/publish.ts';
import { readSupergraph } from '../../schema/compose.ts';
import { type Kilde, startKilde } from '../support/kilde.ts';

vi.setConfig({ testTimeout: 60_000 }); // each new schema takes a second of a machine that has nothing else to do

const patient = '14834841291';
const committed = readSupergraph();
const folder = mkdtempSync(join(tmpdir(), 'kilde-reload-'));
const SUPERGRAPH_FILE = join(folder, 'supergraph.graphql');
const TRUSTED_DOCUMENTS = join(folder, 'manifest.json');
const manifest = createManifest(fileURLToPath(new URL('../../examples/operations/', import.meta.url)), readApiSchema());
const [emergencyId] = Object.entries(manifest).find(([, text]) => text.includes('EmergencySummary'))!;

/** The committed supergraph with another sentence about the birth date, and with another class for medication. */
const version = (marker: string) =>
  committed.replace('never derived from the number.', `never derived from ${marker}.`);
const medicationFor = (category: string) => {
  const field = 'medication: MedicationGroup @join__field(graph: ERESEPT) @policy(policies: [[';
  expect(committed).toContain(field);
  return committed.replace(`${field}"medication"`, `${field}"${category}"`);
};
const broken = committed.slice(0, 40_000);

let kilde: Kilde;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  writeFileSync(SUPERGRAPH_FILE, committed);
  writeFileSync(TRUSTED_DOCUMENTS, JSON.stringify(manifest));
  kilde = await startKilde({ SUPERGRAPH_FILE, TRUSTED_DOCUMENTS });
  for (const persona of ['legevakt-doctor', 'home-nurse', 'pharmacist'])
    tokens[persona] = await kilde.token({ persona, patient });
});
afterEach(async () => {
  await take(committed);
});
afterAll(async () => {
  await kilde?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const take = async (supergraph: string) => {
  writeFileSync(SUPERGRAPH_FILE, supergraph);
  await kilde.reload();
};
const schemaNow = async () => (await fetch(`${kilde.url}/schema.graphql`)).text();
const byId = async (persona: string, variables: object = { patient }) => {
  const { status, text } = await kilde.post(
    '/graphql',
    JSON.stringify({ documentId: `sha256:${emergencyId}`, variables }),
    { authorization: `Bearer ${tokens[persona]}` },
  );
  return { status, answer: JSON.parse(text) as { data?: { patient: Record<string, unknown> }; errors?: object[] } };
};
const planned = async () =>
  (await planning.get()).values
    .filter((it) => it.metricName?.endsWith('_count'))
    .reduce((sum, it) => sum + it.value, 0);
const medication = `query ($p: PatientIdentifier!) { patient(identifier: $p) { medication { absence { code } status } } }`;

describe('a new supergraph', () => {
  it('is seen in its file, and /schema.graphql follows', async () => {
    writeFileSync(SUPERGRAPH_FILE, version('the file'));
    await vi.waitFor(async () => expect(await schemaNow()).toContain('never derived from the file.'), 15_000);
  });

  it('has the plans of known operations before it takes traffic, and so has the first one', async () => {
    const before = await planned();
    for (const persona of Object.keys(tokens)) expect((await byId(persona)).answer.data).toHaveProperty('patient.id');
    expect(await planned()).toBe(before);
    await take(version('a first'));
    const warm = await planned();
    expect(warm).toBeGreaterThan(before);
    for (const persona of Object.keys(tokens)) expect((await byId(persona)).status).toBe(200);
    expect(await planned()).toBe(warm);
  });

  it('is planned for once by two requests that come first at the same time', async () => {
    const before = await planned();
    const query = 'query ($p: PatientIdentifier!) { patient(identifier: $p) { once: id birthDate } }';
    const ask = () => kilde.ask(tokens['legevakt-doctor']!, query, { p: patient });
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await planned()).toBe(before + 1);
  });

  it('does not reach a request that began before: it finishes on the one before', async () => {
    const ask = () => kilde.ask(tokens['legevakt-doctor']!, medication, { p: patient });
    expect((await ask()).data).toEqual({ patient: { medication: { absence: null, status: 'FRESH' } } });
    await fetch(`${kilde.url}/sandbox/sources/eresept`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ latencyMs: 2_000 }),
    });
    const begun = ask();
    const calls = () => kilde.sandbox.simulators.get('eresept')!.calls.length;
    const before = calls();
    await vi.waitFor(() => expect(calls()).toBeGreaterThan(before), 5_000);
    await take(medicationFor('restrictions'));
    const after = await ask();
    await fetch(`${kilde.url}/sandbox/sources`, { method: 'DELETE' });
    expect(after.data).toEqual({ patient: { medication: { absence: { code: 'NO_ACCESS' }, status: 'NOT_ASKED' } } });
    expect((await begun).data).toEqual({ patient: { medication: { absence: null, status: 'FRESH' } } });
  });

  it('is bound by the limits although the document and its plan are known (Router #8810)', async () => {
    const query =
      'query ($p: PatientIdentifier!, $n: Int) { patient(identifier: $p) { labReports(first: $n) { nodes { id } } } }';
    const ask = (n: number) => kilde.ask(tokens['legevakt-doctor']!, query, { p: patient, n });
    for (const supergraph of [committed, version('limits')]) {
      await take(supergraph);
      expect((await ask(2)).status).toBe(200);
      expect(await ask(2_000_000)).toMatchObject({ status: 400, errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] });
    }
  });

  it('loses no request, ten times, broken ones among them (F45; test/bench/memory.ts does it 200 times)', async () => {
    let isOver = false;
    const statuses = new Map<string, number>();
    const count = (status: string) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const keepAsking = async (ask: () => Promise<string>) => {
      while (!isOver) {
        count(await ask());
        await setTimeout(10);
      }
    };
    const light = 'query ($p: PatientIdentifier!) { patient(identifier: $p) { id name { text } } viewer { kind } }';
    const clients = [
      ...['legevakt-doctor', 'home-nurse', 'pharmacist'].map((persona) => async () => {
        const { status, answer } = await byId(persona);
        return answer.data?.patient['id'] ? `${status}` : `${status} without a patient`;
      }),
      async () => {
        const { status, data } = await kilde.ask(tokens['legevakt-doctor']!, light, { p: patient });
        return data?.['patient'] ? `${status}` : `${status} without a patient`;
      },
    ].map(keepAsking);
    for (let i = 0; i < 10; i++) await take(i % 5 === 4 ? broken : version(`reload ${i}`));
    expect(await schemaNow()).toContain('never derived from reload 8.'); // the tenth is broken
    isOver = true;
    await Promise.all(clients);
    expect([...statuses.keys()]).toEqual(['200']);
    expect(statuses.get('200')).toBeGreaterThan(50);
  }, 120_000);
});

describe('gateway/main.ts', () => {
  let gateway: ChildProcess | undefined;
  afterAll(() => gateway?.kill('SIGKILL'));

  it('reads the supergraph again on SIGHUP, and goes on', async () => {
    const env = { ...kilde.sandbox.env, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'info', SUPERGRAPH_FILE };
    gateway = spawn(process.execPath, [fileURLToPath(new URL('../../gateway/main.ts', import.meta.url))], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: { msg: string; url?: string; reason?: string }[] = [];
    createInterface(gateway.stdout!).on('line', (line) => void lines.push(JSON.parse(line)));
    await vi.waitFor(() => expect(lines.some(({ msg }) => msg === 'Kilde is ready')).toBe(true), 30_000);
    writeFileSync(SUPERGRAPH_FILE, version('a signal'));
    gateway.kill('SIGHUP');
    await vi.waitFor(() => expect(lines.some(({ msg }) => msg === 'a new supergraph is in force')).toBe(true), 15_000);
    writeFileSync(SUPERGRAPH_FILE, broken);
    gateway.kill('SIGHUP');
    await vi.waitFor(() => expect(lines.some(({ reason }) => reason?.includes('Syntax Error'))).toBe(true), 15_000);
    const { url } = lines.find(({ msg }) => msg === 'Kilde is ready')!;
    expect(await (await fetch(`${url}/schema.graphql`)).text()).toContain('never derived from a signal.');
    gateway.kill('SIGTERM');
    expect(await once(gateway, 'exit')).toEqual([0, null]);
  });
});
