import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseExample } from '../../gateway/explorer/exampleOperation.ts';
import { seed } from '../../sandbox/seed.ts';
import { startKilde } from '../support/kilde.ts';

const patient = '14834841291';
const timeoutMs = 3_000;
const { query } = parseExample(
  'emergency-summary',
  readFileSync(new URL('../../examples/operations/emergency-summary.graphql', import.meta.url), 'utf8'),
);

/** Source switch -> the groups of the emergency summary that it feeds. */
const groupsOf: Record<string, readonly string[]> = {
  kjernejournal: ['criticalInformation'],
  journaldokumenter: ['documents'],
  provesvar: ['labReports'],
  eresept: ['medication'],
  hendelseslager: ['earlyWarningScores', 'municipalServices'],
  fastlegeregisteret: ['generalPractitioners'],
};
const everyGroup = Object.values(groupsOf).flat();
// Unusable answers first: those that are faults of the service open its breaker after a while, which is a fault of its own.
const faults: [name: string, fault: Record<string, unknown>, code: string][] = [
  ['answering HTML', { garbage: 'html' }, 'SOURCE_INVALID'],
  ['answering half an answer', { garbage: 'truncated' }, 'SOURCE_INVALID'],
  ['answering with another patient’s data', { garbage: 'otherPatient' }, 'SOURCE_INVALID'],
  ['hanging', { hang: true }, 'SOURCE_UNAVAILABLE'],
  ['down', { down: true }, 'SOURCE_UNAVAILABLE'],
  ['answering 500', { status: 500 }, 'SOURCE_UNAVAILABLE'],
  ['overloaded (429, empty)', { status: 429 }, 'SOURCE_UNAVAILABLE'],
];
// PostgreSQL speaks neither HTTP nor JSON.
const faultsOf = (source: string) =>
  faults.filter(([, fault]) => source !== 'hendelseslager' || 'down' in fault || 'hang' in fault);

const startClinic = async () => {
  const kilde = await startKilde({ REQUEST_TIMEOUT_MS: String(timeoutMs) });
  await seed({ sandbox: kilde.sandbox, gatewayUrl: kilde.url });
  const token = await kilde.token({ persona: 'legevakt-doctor', patient });
  await kilde.ask(token, query, { patient }); // tokens and the person are known, as in a clinic that is open
  const set = (source: string, fault: Record<string, unknown>) =>
    fetch(`${kilde.url}/sandbox/sources/${source}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
  const heal = () => fetch(`${kilde.url}/sandbox/sources`, { method: 'DELETE' });
  return { kilde, set, heal, ask: () => kilde.ask(token, query, { patient }) };
};

let clinic: Awaited<ReturnType<typeof startClinic>>;
afterEach(async () => void (await clinic.heal()));
afterAll(() => clinic?.kilde.stop());

describe.each(Object.keys(groupsOf))('the emergency summary with %s', (source) => {
  beforeAll(async () => {
    await clinic?.kilde.stop();
    clinic = await startClinic();
  });

  it.each(faultsOf(source))('%s answers in time, says it, and leaves the others whole', async (_name, fault, code) => {
    expect((await clinic.set(source, fault)).status).toBe(200);
    const start = performance.now();
    const { status, data, errors, extensions } = await clinic.ask();
    expect(performance.now() - start).toBeLessThan(timeoutMs + 500);
    expect(status).toBe(200);

    const answered = data?.['patient'] as Record<
      string,
      { status: string; absence: { code: string } | null; nodes?: unknown }
    >;
    const missing = groupsOf[source]!;
    for (const group of everyGroup) {
      const { status: state, absence, nodes } = answered[group]!;
      const isMissing = missing.includes(group);
      expect([group, state, absence?.code ?? null]).toEqual(
        isMissing ? [group, 'UNAVAILABLE', code] : [group, 'FRESH', null],
      );
      if (isMissing) expect(nodes ?? null).toBeNull();
    }
    expect(errors?.map(({ path }) => path?.[1]).sort()).toEqual([...missing].sort());
    for (const error of errors ?? []) {
      expect(error.extensions).toMatchObject({
        code,
        traceId: extensions?.kilde.traceId,
        source: source.toUpperCase(),
      });
    }
    expect(extensions?.kilde.sources).toContainEqual(
      expect.objectContaining({ source: source.toUpperCase(), status: 'UNAVAILABLE', absence: code }),
    );
  });

  it('healed answers whole again', async () => {
    const { errors } = await clinic.ask();
    // A breaker may still be open; then that is what is said, and nothing else.
    for (const error of errors ?? []) expect(error.extensions['source']).toBe(source.toUpperCase());
  });
});

describe('the emergency summary', () => {
  beforeAll(async () => {
    await clinic?.kilde.stop();
    clinic = await startClinic();
  });

  it('with the register down still finds a patient that Kilde knows, and the other sources are whole', async () => {
    await clinic.set('persontjenesten', { down: true });
    const { data } = await clinic.ask();
    expect(data).toMatchObject({
      patient: { criticalInformation: { status: 'FRESH' }, name: { text: expect.any(String) } },
    });
  });

  it('never shows another patient’s data, and counts what it threw away', async () => {
    const sources = ['kjernejournal', 'journaldokumenter', 'provesvar', 'eresept'];
    for (const source of sources) await clinic.set(source, { garbage: 'otherPatient' });
    const { data } = await clinic.ask();
    const somebodyElse = clinic.kilde.sandbox.population.somebodyElse(
      clinic.kilde.sandbox.population.byNationalId(patient)!,
    );
    expect(somebodyElse.medication.length).toBeGreaterThan(0);
    for (const { fest } of somebodyElse.medication) expect(JSON.stringify(data)).not.toContain(fest.name);
    const metrics = await (await fetch(`${clinic.kilde.url}/metrics`)).text();
    for (const source of sources) {
      const counted = new RegExp(
        `kilde_source_dropped_records_total\\{source="${source.toUpperCase()}"\\} (\\d+)`,
      ).exec(metrics)?.[1];
      expect([source, Number(counted)]).toEqual([source, expect.toSatisfy((count: number) => count > 0)]);
    }
  });

  it('with every source down at once says so for each, in time', async () => {
    for (const source of Object.keys(groupsOf)) await clinic.set(source, { hang: true });
    const { status, data } = await clinic.ask();
    expect(status).toBe(200);
    for (const group of everyGroup)
      expect(data).toMatchObject({ patient: { [group]: { absence: { code: 'SOURCE_UNAVAILABLE' } } } });
  });
});
