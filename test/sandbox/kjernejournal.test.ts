import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Simulator } from '../../sandbox/_shared/simulator.ts';
import { startKjernejournal } from '../../sandbox/sources/kjernejournal.ts';
import type { Assertion } from '../../schema/assertion.ts';
import { kjernejournalPopulation, nationalIdOf } from '../subgraphs/kjernejournalPeople.ts';
import { assertionFor, citizen, doctor } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';

const population = kjernejournalPopulation();
let access: Awaited<ReturnType<typeof createTestTokens>>;
let simulator: Simulator;

beforeAll(async () => {
  access = await createTestTokens();
  simulator = await startKjernejournal({ population, checkAccess: access.checkAccess });
});
afterEach(() => {
  simulator.fault.current = {};
});
afterAll(async () => {
  await Promise.all([simulator.close(), access.close()]);
});

const fjordarm = nationalIdOf(population, 'fjordarm');
const roleOf = (code: string) =>
  encodeURIComponent(JSON.stringify({ system: 'urn:oid:2.16.578.1.12.4.1.1.9060', code }));
const headersFor = (key: string): Record<string, string> => ({
  'nhn-patient-nin': nationalIdOf(population, key),
  'nhn-user-role': roleOf('LE'),
  'nhn-access-basis': 'SAMTYKKE',
  'nhn-source-system': 'DemoEPJ 4.2',
  'nhn-event-id': randomUUID(),
});
const without = (headers: Record<string, string>, name: string) =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));

type Options = {
  headers?: Record<string, string>;
  caller?: Assertion['caller'];
  as?: 'user' | 'machine';
  audience?: string;
  scope?: string;
  method?: string;
  body?: string;
  tokens?: typeof access.tokens;
  asked?: Simulator;
};
const call = async (path: string, options: Options = {}) => {
  const { headers = headersFor('fjordarm'), caller = doctor(null), as = 'user', method = 'GET', body } = options;
  const { audience = 'nhn:critical-information', scope = 'nhn:critical-information/api' } = options;
  const { asked = simulator, tokens = access.tokens } = options;
  const url = `${asked.url}/${path}`;
  const authorization = await tokens.headersFor(
    'KJERNEJOURNAL',
    { as, audience, scope },
    { method, url: url.split('?')[0]! },
    { assertion: assertionFor(null, { caller }), subjectToken: null, signal: AbortSignal.timeout(5_000) },
  );
  const answer = await fetch(url, {
    method,
    headers: { ...headers, ...(authorization.ok ? authorization.value : {}) },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    code: answer.headers.get('nhn-error-code'),
    body: (text ? JSON.parse(text) : null) as Record<string, never> & {
      entry: { resource: Record<string, unknown> }[];
      privacySetting: Record<string, boolean>;
    },
    text,
  };
};

describe('the simulator of kritisk informasjon', () => {
  it('answers with a searchset of the one resource type, and members that nobody has documented', async () => {
    const { status, body } = await call('Condition');
    expect(status).toBe(200);
    expect(body).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 3 });
    expect(body.entry.map(({ resource }) => resource['resourceType'])).toEqual(['Condition', 'Condition', 'Condition']);
    expect(Object.keys(body).some((name) => /^q[0-9a-f]{4}$/.test(name))).toBe(true);
  });

  it.each([
    ['AllergyIntolerance?criticalInfoType=DrugReaction', ['fjordarm-penicillin']],
    ['AllergyIntolerance?criticalInfoType=OtherAllergen', ['fjordarm-nuts']],
    ['Condition?criticalInfoType=Infection', ['fjordarm-mrsa']],
  ])('keeps only the type asked for: %s', async (path, ids) => {
    expect((await call(path)).body.entry.map(({ resource }) => resource['id'])).toEqual(ids);
  });

  it.each(['AllergyIntolerance?criticalInfoType=Infection', 'Condition?patient=x'])(
    'refuses the query %s',
    async (path) => {
      expect(await call(path)).toMatchObject({ status: 400, code: 'KI-0014' });
    },
  );

  it('takes the older generation of headers too, but not the two mixed', async () => {
    const older = {
      'hit-patient-pid': fjordarm,
      'hit-user-role': roleOf('LE'),
      'hit-access-basis': 'SAMTYKKE',
      'hit-source-system': 'DemoEPJ 4.2',
    };
    expect(await call('Flag', { headers: older })).toMatchObject({ status: 200 });
    const mixed = { ...without(older, 'hit-patient-pid'), 'nhn-patient-nin': fjordarm };
    expect(await call('Flag', { headers: mixed })).toMatchObject({ status: 400, code: 'KI-0002' });
  });

  it.each(['nhn-patient-nin', 'nhn-user-role', 'nhn-access-basis', 'nhn-source-system'])(
    'requires %s',
    async (name) => {
      const headers = without(headersFor('fjordarm'), name);
      expect(await call('Flag', { headers })).toMatchObject({ status: 400, code: 'KI-0002' });
    },
  );

  it.each([
    ['nhn-patient-nin', '12345678901', 'KI-0011'],
    ['nhn-user-role', '{"system":"urn:oid:2.16.578.1.12.4.1.1.9060","code"', 'KI-0003'],
    ['nhn-user-role', encodeURIComponent('{"system":"x","code":"LE"}'), 'KI-0003'],
    ['nhn-access-basis', 'NYSGJERRIG', 'KI-0003'],
    ['nhn-source-system', 'ab', 'KI-0003'],
    ['nhn-event-id', 'not-a-uuid', 'KI-0003'],
  ])('refuses %s: %s', async (name, value, code) => {
    const headers = { ...headersFor('fjordarm'), [name]: value };
    expect(await call('Flag', { headers })).toMatchObject({ status: 400, code });
  });

  it('refuses a role that the user of the token does not have in HPR', async () => {
    const headers = { ...headersFor('fjordarm'), 'nhn-user-role': roleOf('SP') };
    expect(await call('Flag', { headers })).toMatchObject({ status: 403, code: 'KI-0018' });
    const caller = { ...doctor(null), hprNumber: '9990002' } as Assertion['caller'];
    expect(await call('Flag', { headers, caller })).toMatchObject({ status: 200 });
  });

  it('refuses tokens of another audience, scope or level, of no person, and without the place of work', async () => {
    expect(await call('Flag', { audience: 'nhn:pps' })).toMatchObject({ status: 401 });
    expect(await call('Flag', { scope: 'nhn:pps/provesvar-read' })).toMatchObject({ status: 403 });
    expect(await call('Flag', { as: 'machine' })).toMatchObject({ status: 403 });
    const homeless = { ...doctor(null), organisation: { legalEntity: '310000019', pointOfCare: null } };
    expect(await call('Flag', { caller: homeless as Assertion['caller'] })).toMatchObject({ status: 403 });
    const weak = await createTestTokens({ 'helseid://claims/identity/security_level': '3' });
    const other = await startKjernejournal({ population, checkAccess: weak.checkAccess });
    expect(await call('Flag', { tokens: weak.tokens, asked: other })).toMatchObject({ status: 403 });
    await Promise.all([other.close(), weak.close()]);
  });

  it('refuses a proof that was used before', async () => {
    const url = `${simulator.url}/Flag`;
    const authorization = await access.tokens.headersFor(
      'KJERNEJOURNAL',
      { as: 'user', audience: 'nhn:critical-information', scope: 'nhn:critical-information/api' },
      { method: 'GET', url },
      { assertion: assertionFor(null), subjectToken: null, signal: AbortSignal.timeout(5_000) },
    );
    const headers = { ...headersFor('fjordarm'), ...(authorization.ok ? authorization.value : {}) };
    expect((await fetch(url, { headers })).status).toBe(200);
    expect((await fetch(url, { headers })).status).toBe(401);
  });

  it.each([
    ['granskog', 'SAMTYKKE', 403, 'KI-0099'],
    ['granskog', 'FORHOYET_SAMTYKKE', 200, null],
    ['fjordarm', 'FORHOYET_AKUTT', 400, 'KI-0096'],
    ['sperring-utløpt', 'UNNTAK', 200, null],
    ['blokkert-og-sperret', 'FORHOYET_AKUTT', 403, 'KI-0098'],
    ['reservert', 'AKUTT', 403, 'KI-0097'],
  ])('weighs the privacy of %s on basis %s', async (key, basis, status, code) => {
    const headers = { ...headersFor(key), 'nhn-access-basis': basis };
    expect(await call('AllergyIntolerance', { headers })).toMatchObject({ status, code });
  });

  it('answers citizens about themselves, without role and basis, and about nobody else', async () => {
    const headers = { 'nhn-patient-nin': fjordarm, 'nhn-source-system': 'Portal 1.0' };
    expect(await call('Flag', { headers, caller: citizen(fjordarm) })).toMatchObject({ status: 200 });
    const stranger = citizen(nationalIdOf(population, 'granskog'));
    expect(await call('Flag', { headers, caller: stranger })).toMatchObject({ status: 403 });
  });

  it('puts the error code in the outcome as well as in the header, and no national id in either', async () => {
    const { text, body } = await call('Flag', { headers: headersFor('granskog') });
    expect(body).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [
        {
          details: {
            coding: expect.arrayContaining([
              { system: 'http://nhn.no/hit/fhir/error/CodeSystem/ErrorCode', code: 'KI-0099' },
            ]),
          },
        },
      ],
    });
    expect(text).not.toMatch(/\d{11}/);
  });

  it('gives 429 without a body, and 410 in its own error format', async () => {
    simulator.fault.current = { status: 429 };
    expect(await call('Flag')).toMatchObject({ status: 429, text: '' });
    simulator.fault.current = { status: 410 };
    expect(await call('Flag')).toMatchObject({ status: 410, body: { resourceType: 'OperationOutcome' } });
  });

  it('tells the status of a person to a user, and to a machine without saying who is blocked', async () => {
    const nin = nationalIdOf(population, 'blokkert-og-sperret');
    const options = { method: 'POST', body: JSON.stringify({ nin }), headers: { 'nhn-source-system': 'DemoEPJ 4.2' } };
    const user = await call('status', options);
    expect(user.body).toMatchObject({
      patientNIN: nin,
      hasCriticalInformation: true,
      lastChangedDateTime: '2026-02-11T09:20:00+01:00',
      dateChanged: { allergyIntoleranceDate: '2026-02-11T09:20:00+01:00' },
      privacySetting: { hasReservationKjernejournal: false, isRestricted: true, isBlocked: true },
    });
    const machine = await call('status', { ...options, as: 'machine' });
    expect(machine.body.privacySetting).toMatchObject({ isRestricted: true, isBlocked: false });
    const reserved = await call('status', {
      ...options,
      body: JSON.stringify({ nin: nationalIdOf(population, 'reservert') }),
    });
    expect(reserved.body.privacySetting).toMatchObject({ hasReservationKjernejournal: true });
    expect(await call('status', { ...options, body: 'nin=1' })).toMatchObject({ status: 400, code: 'KI-0014' });
  });
});
