import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EreseptSimulator, startEresept } from '../../sandbox/sources/eresept.ts';
import type { Caller } from '../../schema/caller.ts';
import { identifierSystem } from '../../schema/nationalId.ts';
import { peopleWithMedication } from '../subgraphs/ereseptPeople.ts';
import { assertionFor, citizen, doctor, patientOf } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';

type Parameter = {
  name: string;
  resource?: { entry: { resource: Record<string, unknown> }[] };
  valueBoolean?: boolean;
  valueCodeableConcept?: { coding: { code: string }[] };
};
type Answer = {
  status: number;
  type: string | null;
  body: { resourceType: string; parameter: Parameter[]; issue?: { code: string; diagnostics: string }[] };
};

const population = peopleWithMedication();
const numberOf = (key: string) => population.byKey(key)!.nationalId;
let signing: Awaited<ReturnType<typeof createTestTokens>>;
let simulator: EreseptSimulator;

beforeAll(async () => {
  signing = await createTestTokens();
  simulator = await startEresept({ population, checkAccess: signing.checkAccess });
});
afterEach(() => {
  simulator.fault.current = {};
  simulator.upstreams.current = {};
});
afterAll(async () => {
  await simulator.close();
  await signing.close();
});

const parameters = (nationalId: string, consents: Record<string, string> = {}, system = identifierSystem(nationalId)) =>
  JSON.stringify({
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'patient',
        resource: { resourceType: 'Patient', identifier: [{ system, value: nationalId }] },
      },
      ...Object.entries({ SamtykkeKjernejournal: 'HPMOTTATTSAMTYKKE', ...consents }).map(([name, valueCode]) => ({
        name,
        valueCode,
      })),
    ],
  });

type Call = { body?: string; caller?: Caller; tokens?: typeof signing; headers?: Record<string, string> };
const ask = async (key: string, { body, caller = doctor(null), tokens = signing, headers = {} }: Call = {}) => {
  const url = `${simulator.url}/Patient/$getMedication`;
  const nationalId = numberOf(key);
  const authorization = await tokens.tokens.headersFor(
    'ERESEPT',
    { as: 'user', audience: 'e-helse:sfm.api', scope: 'e-helse:sfm.api/sfm.api2' },
    { method: 'POST', url },
    {
      assertion: assertionFor(patientOf(nationalId), { caller }),
      subjectToken: null,
      signal: AbortSignal.timeout(5_000),
    },
  );
  if (!authorization.ok) throw new Error('no token');
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json', ...authorization.value, ...headers },
    body: body ?? parameters(nationalId),
  });
  const text = await answer.text();
  return { status: answer.status, type: answer.headers.get('content-type'), body: JSON.parse(text) } as Answer;
};
const codeOf = ({ body }: Answer, name: string) =>
  body.parameter.find((it) => it.name === name)?.valueCodeableConcept?.coding[0]?.code;
const flagOf = ({ body }: Answer, name: string) => body.parameter.find((it) => it.name === name)?.valueBoolean;
const resources = ({ body }: Answer, kind: string) =>
  (body.parameter.find(({ name }) => name === 'medication')?.resource?.entry ?? [])
    .map(({ resource }) => resource)
    .filter(({ resourceType }) => resourceType === kind);

/** Another signature and other claims, on a simulator that trusts them. */
const withClaims = async (claims: Record<string, unknown>, use: (call: Call) => Promise<void>) => {
  const other = await createTestTokens(claims);
  const own = simulator;
  simulator = await startEresept({ population, checkAccess: other.checkAccess });
  try {
    await use({ tokens: other });
  } finally {
    await simulator.close();
    await other.close();
    simulator = own;
  }
};

describe('SFM simulator, what it answers', () => {
  it('gives the document and the outcome of each upstream, as FHIR', async () => {
    const answer = await ask('vanlig-1');
    expect(answer.status).toBe(200);
    expect(answer.type).toContain('application/fhir+json');
    expect(answer.body.resourceType).toBe('Parameters');
    expect([codeOf(answer, 'KJFeilkode'), codeOf(answer, 'RFM96Feilkode'), codeOf(answer, 'RFM912Feilkode')]).toEqual([
      '0',
      '0',
      '0',
    ]);
    expect(resources(answer, 'MedicationStatement')).toHaveLength(5);
    expect(resources(answer, 'MedicationDispense')).toHaveLength(2);
    expect(resources(answer, 'Basic')).toMatchObject([
      { code: { coding: [{ system: 'http://ehelse.no/fhir/CodeSystem/sfm-message-type', code: 'M25.1' }] } },
    ]);
  });

  it('adds members that no documentation names', async () => {
    const { body } = await ask('vanlig-1');
    expect(Object.keys(body).some((key) => /^q[0-9a-f]{4}$/.test(key))).toBe(true);
  });

  it('refers only to what lies in the bundle', async () => {
    const answer = await ask('vanlig-1');
    const entries = answer.body.parameter[0]!.resource!.entry as unknown as { fullUrl: string }[];
    const references = JSON.stringify(entries).match(/(?<="reference":")[^"]+/g)!;
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter((it) => !entries.some(({ fullUrl }) => fullUrl === it))).toEqual([]);
    expect(new Set(entries.map(({ fullUrl }) => fullUrl)).size).toBe(entries.length);
  });

  it('leaves locked prescriptions out, says that they exist, and gives them with their own consent', async () => {
    const without = await ask('vanlig-1');
    expect(flagOf(without, 'RFHarLaste')).toBe(true);
    expect(JSON.stringify(without)).not.toContain('Oksazepam');
    const body = parameters(numberOf('vanlig-1'), { SamtykkeLasteResepter: 'HPMOTTATTSAMTYKKE' });
    const opened = await ask('vanlig-1', { body });
    expect(resources(opened, 'MedicationStatement')).toHaveLength(6);
    expect(JSON.stringify(opened)).toContain('Oksazepam');
  });

  it('refuses the prescriptions part when the patient has restricted medication, and opens with the extra consent', async () => {
    const closed = await ask('sperret-modul');
    expect(codeOf(closed, 'RFM96Feilkode')).toBe('6');
    expect(JSON.stringify(closed)).not.toContain('Metoprolol');
    const body = parameters(numberOf('sperret-modul'), { SamtykkeSperretLegemidler: 'HPMOTTATTSAMTYKKE' });
    const open = await ask('sperret-modul', { body });
    expect(codeOf(open, 'RFM96Feilkode')).toBe('0');
    expect(resources(open, 'MedicationStatement')).toHaveLength(1);
  });

  it('fails only kjernejournal for who is reserved against it, and for a call without its consent', async () => {
    const reserved = await ask('reservert');
    expect([codeOf(reserved, 'KJFeilkode'), codeOf(reserved, 'RFM96Feilkode')]).toEqual(['5', '0']);
    const body = parameters(numberOf('vanlig-1')).replace('"SamtykkeKjernejournal"', '"Something"');
    expect(codeOf(await ask('vanlig-1', { body }), 'KJFeilkode')).toBe('5');
  });

  it('refuses a blocked professional, and everybody where the patient shares nothing', async () => {
    expect((await ask('blokkert-person')).status).toBe(403);
    expect((await ask('reservert-alt')).status).toBe(403);
  });

  it('fails an upstream on demand', async () => {
    simulator.upstreams.current = { kjernejournal: '5', medicationList: '2' };
    const answer = await ask('vanlig-1');
    expect([codeOf(answer, 'KJFeilkode'), codeOf(answer, 'RFM96Feilkode'), codeOf(answer, 'RFM912Feilkode')]).toEqual([
      '5',
      '0',
      '2',
    ]);
    expect(resources(answer, 'Basic')).toEqual([]);
  });

  it('gives citizens their own and nobody else’s', async () => {
    const own = await ask('sperret-modul', { caller: citizen(numberOf('sperret-modul')) });
    expect(resources(own, 'MedicationStatement')).toHaveLength(1);
    expect((await ask('vanlig-1', { caller: citizen(numberOf('dnr')) })).status).toBe(403);
  });

  it('gives a citizen the person that the token says they represent', async () => {
    const parent = numberOf('vanlig-3');
    await withClaims({ subject: numberOf('barn-11') }, async (call) => {
      expect((await ask('barn-11', { ...call, caller: citizen(parent) })).status).toBe(200);
      expect((await ask('vanlig-1', { ...call, caller: citizen(parent) })).status).toBe(403);
    });
  });
});

describe('SFM simulator, what it refuses', () => {
  it('a body that is not FHIR JSON', async () => {
    const answer = await ask('vanlig-1', { headers: { 'content-type': 'application/json' } });
    expect(answer).toMatchObject({ status: 415, body: { resourceType: 'OperationOutcome' } });
  });

  it.each([
    ['a consent outside its values', parameters(numberOf('vanlig-1'), { SamtykkeKjernejournal: 'SAMTYKKE' })],
    ['consent not required, for locked ones', parameters(numberOf('vanlig-1'), { SamtykkeLasteResepter: 'HPUNNTAK' })],
    ['a D-number under the system of birth numbers', parameters(numberOf('dnr'), {}, 'urn:oid:2.16.578.1.12.4.1.4.1')],
    ['no patient', '{"resourceType":"Parameters","parameter":[]}'],
    ['something else than JSON', '<Parameters/>'],
  ])('%s', async (_what, body) => {
    const answer = await ask('vanlig-1', { body });
    expect(answer).toMatchObject({
      status: 400,
      body: { resourceType: 'OperationOutcome', issue: [{ code: 'invalid' }] },
    });
  });

  it('a token without its proof, and one sent as Bearer', async () => {
    expect((await ask('vanlig-1', { headers: { dpop: '' } })).status).toBe(401);
    expect((await ask('vanlig-1', { headers: { authorization: 'Bearer x' } })).status).toBe(401);
  });

  it.each([
    ['journal id', { authorization_details: [] }],
    ['level 4', { 'helseid://claims/identity/security_level': '3' }],
    ['HPR number', { 'helseid://claims/hpr/hpr_number': '' }],
    ['organisation', { 'helseid://claims/client/claims/orgnr_parent': '' }],
    ['scope', { scope: ['e-helse:sfm.api/sfm.api'] }],
    ['person', { 'helseid://claims/identity/pid': '' }],
  ])('a token without %s', async (_what, claims) => {
    await withClaims(claims, async (call) => {
      const answer = await ask('vanlig-1', call);
      expect(answer).toMatchObject({ status: 403, body: { resourceType: 'OperationOutcome' } });
    });
  });

  it('a token for another service', async () => {
    await withClaims({}, async ({ tokens }) => {
      const url = `${simulator.url}/Patient/$getMedication`;
      const made = await tokens!.tokens.headersFor(
        'ERESEPT',
        { as: 'user', audience: 'nhn:pps', scope: 'e-helse:sfm.api/sfm.api2' },
        { method: 'POST', url },
        { assertion: assertionFor(null), subjectToken: null, signal: AbortSignal.timeout(5_000) },
      );
      const answer = await fetch(url, { method: 'POST', headers: made.ok ? made.value : {}, body: '' });
      expect(answer.status).toBe(401);
    });
  });

  it('with its own error format when it fails', async () => {
    simulator.fault.current = { status: 503 };
    expect(await ask('vanlig-1')).toMatchObject({ status: 503, body: { resourceType: 'OperationOutcome' } });
  });
});
