import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExample } from '../../gateway/explorer/exampleOperation.ts';
import { seed } from '../../sandbox/seed.ts';
import { type GraphQLAnswer, type Kilde, startKilde } from '../support/kilde.ts';

const home = new URL('../../examples/operations/', import.meta.url);
const examples = readdirSync(home).map((file) =>
  parseExample(file.replace('.graphql', ''), readFileSync(new URL(file, home), 'utf8')),
);

let kilde: Kilde;
beforeAll(async () => {
  kilde = await startKilde();
  await seed({ sandbox: kilde.sandbox, gatewayUrl: kilde.url });
});
afterAll(() => kilde?.stop());

const run = async (name: string, change: Record<string, unknown> = {}, persona?: string): Promise<GraphQLAnswer> => {
  const example = examples.find((it) => it.id === name)!;
  const variables = { ...example.variables, ...change };
  const patient = String(variables['patient'] ?? variables['me']);
  return kilde.ask(await kilde.token({ persona: persona ?? example.persona, patient }), example.query, variables);
};

type Json = null | string | number | boolean | Json[] | { [key: string]: Json };

/** Every object in an answer with its path, to ask something of all of them. */
const objectsIn = (value: unknown, path = ''): [string, Record<string, unknown>][] => {
  if (Array.isArray(value)) return value.flatMap((item, i) => objectsIn(item, `${path}[${i}]`));
  if (typeof value !== 'object' || value === null) return [];
  return [
    [path, value as Record<string, unknown>],
    ...Object.entries(value).flatMap(([key, it]) => objectsIn(it as Json, `${path}.${key}`)),
  ];
};

describe('the six example operations', () => {
  it('are there', () => {
    expect(examples.map(({ id }) => id)).toEqual([
      'emergency-summary-deferred',
      'emergency-summary',
      'home-nursing-round',
      'lab-and-imaging',
      'medication-review',
      'my-overview',
    ]);
  });

  it.each(examples.map(({ id }) => [id]))('%s is answered whole', async (name) => {
    const { status, data, errors, extensions } = await run(name);
    expect(status).toBe(200);
    expect(errors).toBeUndefined();
    expect(data?.['patient']).not.toBeNull();
    for (const { source, status: state } of extensions!.kilde.sources)
      expect([source, state]).toEqual([
        source,
        source === 'PERSONTJENESTEN' ? expect.stringMatching(/FRESH|CACHED/) : 'FRESH',
      ]);
  });

  it.each(examples.map(({ id }) => [id]))('%s names the source of every record', async (name) => {
    const { data } = await run(name);
    const groups = objectsIn(data).filter(([, it]) => 'absence' in it);
    expect(groups.length).toBeGreaterThan(1);
    for (const [path, group] of groups) {
      for (const [key, list] of Object.entries(group)) {
        if (!Array.isArray(list) || key === 'parts' || key === 'partial') continue;
        for (const record of list as Record<string, unknown>[]) {
          expect([`${path}.${key}`, record['provenance']]).toEqual([
            `${path}.${key}`,
            expect.objectContaining({ source: expect.any(String) }),
          ]);
        }
      }
    }
  });

  it.each(examples.map(({ id }) => [id]))(
    '%s shows no empty group without saying that nothing is registered',
    async (name) => {
      const { data } = await run(name);
      for (const [path, group] of objectsIn(data).filter(([, it]) => 'absence' in it && 'nodes' in it)) {
        const isEmpty = Array.isArray(group['nodes']) && group['nodes'].length === 0;
        const code = (group['absence'] as { code?: string } | null)?.code ?? null;
        expect([path, isEmpty]).toEqual([path, code === 'NONE_REGISTERED']);
      }
    },
  );
});

describe('the stories', () => {
  it('the doctor at the casualty clinic sees that the man has declined resuscitation, and who decided it', async () => {
    const { data } = await run('emergency-summary', { patient: '02914800709' });
    expect(data).toMatchObject({
      patient: {
        criticalInformation: {
          treatmentLimitations: [
            {
              limitation: { text: expect.stringMatching(/HLR|gjenoppliv/i) },
              statement: expect.any(String),
              provenance: { source: 'KJERNEJOURNAL', author: { name: expect.any(String) } },
            },
          ],
        },
      },
    });
  });

  it('the home nurse sees the score rise, and a reported score that is wrong', async () => {
    const { data } = await run('home-nursing-round');
    const group = (data as { patient: { earlyWarningScores: { trend: string; nodes: { score: number }[] } } }).patient
      .earlyWarningScores;
    expect(group.trend).toBe('RISING');
    const readme = await run('home-nursing-round', { patient: '14834841291' });
    const scores = (readme.data as { patient: { earlyWarningScores: { nodes: { mismatch: boolean }[] } } }).patient
      .earlyWarningScores.nodes;
    expect(scores.filter(({ mismatch }) => mismatch)).toHaveLength(1);
  });

  it('the medication review holds every medicine, the locked prescription and who prescribed', async () => {
    const { data } = await run('medication-review');
    expect(data).toMatchObject({ patient: { medication: { lockedPrescriptions: true } } });
    const { inUse } = (data as { patient: { medication: { inUse: unknown[] } } }).patient.medication;
    expect(inUse.length).toBeGreaterThanOrEqual(10);
  });

  it('laboratory reports page to the end without a gap or a repetition', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { data, errors } = await run('lab-and-imaging', { first: 2, after });
      expect(errors).toBeUndefined();
      const { nodes, pageInfo } = (
        data as {
          patient: { labReports: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
        }
      ).patient.labReports;
      seen.push(...nodes.map(({ id }) => id));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after);
    const all = await run('lab-and-imaging', { first: 100 });
    const ids = (all.data as { patient: { labReports: { nodes: { id: string }[] } } }).patient.labReports.nodes.map(
      ({ id }) => id,
    );
    expect(ids.length).toBeGreaterThan(4);
    expect(seen).toEqual(ids);
  });

  it('a cursor of one patient does not open another’s list', async () => {
    const first = await run('lab-and-imaging', { first: 2 });
    const { endCursor } = (first.data as { patient: { labReports: { pageInfo: { endCursor: string } } } }).patient
      .labReports.pageInfo;
    const { data, errors } = await run('lab-and-imaging', { patient: '30864000041', after: endCursor });
    expect(errors?.[0]?.extensions['code']).toBe('BAD_REQUEST');
    expect(data).toMatchObject({ patient: { labReports: { nodes: null } } });
  });

  it('the citizen sees who has looked, and never a national id', async () => {
    await run('emergency-summary');
    const { data } = await run('my-overview');
    const { accessLog } = (data as { patient: { accessLog: { nodes: { name: string; what: string[] }[] } } }).patient;
    expect(accessLog.nodes.map(({ name }) => name)).toContain('Stille Elg');
    expect(JSON.stringify(accessLog)).not.toMatch(/\d{11}/);
    const opened = accessLog.nodes.find(({ name }) => name === 'Stille Elg')?.what;
    expect(opened).toContain('Legemidler');
    expect(opened).not.toContain('Hendelser i kommunen'); // permitted, but not asked for
  });

  it('a pharmacist gets medication, and NO_ACCESS for what the role does not cover; those sources are not asked', async () => {
    const before = kilde.sandbox.simulators.get('provesvar')!.calls.length;
    const { data, errors, extensions } = await run('emergency-summary', {}, 'pharmacist');
    expect(data).toMatchObject({
      patient: {
        medication: { status: 'FRESH' },
        labReports: { status: 'NOT_ASKED', absence: { code: 'NO_ACCESS' }, nodes: null },
        documents: { absence: { code: 'NO_ACCESS' } },
      },
    });
    expect(errors?.every(({ extensions: it }) => it['code'] === 'FORBIDDEN')).toBe(true);
    expect(extensions?.kilde.sources).toContainEqual(
      expect.objectContaining({ source: 'PROVESVAR', status: 'NOT_ASKED' }),
    );
    expect(kilde.sandbox.simulators.get('provesvar')!.calls.length).toBe(before);
  });

  it('somebody of whom nothing is registered gets that said, group by group', async () => {
    const { data } = await run('emergency-summary', { patient: '24868700056' });
    expect(data).toMatchObject({
      patient: {
        criticalInformation: { absence: { code: 'NONE_REGISTERED' } },
        municipalServices: { absence: { code: 'NONE_REGISTERED' }, nodes: [] },
      },
    });
  });

  it('a restriction is said, and can be elevated; a block cannot; a reservation leaves the municipality’s own data', async () => {
    const restricted = await run('emergency-summary', { patient: '02915631153' });
    expect(restricted.data).toMatchObject({
      patient: { criticalInformation: { absence: { code: 'RESTRICTED', canElevate: true } } },
    });
    const reserved = await run('emergency-summary', { patient: '01815800083' });
    expect(reserved.data).toMatchObject({
      patient: {
        criticalInformation: { absence: { code: 'RESERVED', canElevate: false } },
        municipalServices: { status: 'FRESH' },
      },
    });
  });
});
