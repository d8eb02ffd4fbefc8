import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Simulator } from '../../sandbox/_shared/simulator.ts';
import type { Population } from '../../sandbox/population/model.ts';
import { startProvesvar } from '../../sandbox/sources/provesvar.ts';
import type { Caller } from '../../schema/caller.ts';
import type { Tokens } from '../../subgraphs/_shared/tokens.ts';
import {
  creatinine,
  crp,
  culture,
  imagingReport,
  labReport,
  numberOf,
  populationWith,
} from '../subgraphs/provesvarPeople.ts';
import { assertionFor, citizen, doctor, patientOf } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';

const nlk = 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-7280-nlk';
const include: [string, string][] = [
  ['_include', 'DiagnosticReport:specimen'],
  ['_include', 'DiagnosticReport:based-on'],
  ['_include:iterate', 'ServiceRequest:requester'],
];
const delayEnds = '2026-06-01';

type Entry = { search: { mode: string }; resource: Record<string, never> & { resourceType: string; id: string } };
type Answer = {
  status: number;
  headers: Headers;
  body: {
    resourceType: string;
    total?: number;
    link?: { relation: string; url: string }[];
    entry?: Entry[];
    issue?: { code: string; severity: string; details?: { coding: { system: string; code: string }[] } }[];
  };
};
type Asked = {
  person?: string;
  caller?: Caller;
  headers?: Record<string, string | undefined>;
  method?: string;
  path?: string;
  scope?: string;
  audience?: string;
  /** Another simulator, with an issuer of its own. */
  at?: { simulator: Simulator; tokens: Tokens };
};

let population: Population;
let simulator: Simulator;
let issuer: Awaited<ReturnType<typeof createTestTokens>>;
const dayBefore = new Date('2026-05-31T12:00:00Z');
let today = dayBefore;

beforeAll(async () => {
  population = populationWith({
    fjordarm: {
      labReports: [
        labReport('old', '2026-01-10T08:00:00+01:00', [creatinine('c1')]),
        labReport('new', '2026-03-01T08:00:00+01:00', [creatinine('c2', 118), crp('p2')]),
        labReport('urine', '2026-02-01T08:00:00+01:00', culture('u')),
      ],
      imagingReports: [imagingReport('mr', '2026-02-15T10:00:00+01:00')],
    },
    'mange-kilder': { labReports: [labReport('other', '2026-01-01T08:00:00+01:00', [creatinine('o')])] },
    granskog: {
      labReports: [labReport('closed', '2026-01-01T08:00:00+01:00', [creatinine('g')])],
      privacy: {
        reservations: [],
        restrictions: [{ module: 'labReports' }],
        blockedProfessionals: [],
        delayedUntil: null,
      },
    },
    'utsatt-innsyn': {
      labReports: [labReport('late', '2026-05-01T08:00:00+02:00', [creatinine('l')])],
      privacy: { reservations: [], restrictions: [], blockedProfessionals: [], delayedUntil: delayEnds },
    },
  });
  issuer = await createTestTokens();
  simulator = await startProvesvar({ population, checkAccess: issuer.checkAccess, now: () => today });
});
beforeEach(() => {
  simulator.fault.current = {};
  today = dayBefore;
});
afterAll(async () => {
  await simulator?.close();
  await issuer?.close();
});

const ask = async (
  searched: string,
  form: [string, string][] = [],
  { person = 'fjordarm', caller, headers = {}, method = 'POST', path, scope, audience, at }: Asked = {},
): Promise<Answer> => {
  const nationalId = numberOf(population, person);
  const { tokens } = at ?? issuer;
  const url = `${(at?.simulator ?? simulator).url}/${path ?? `${searched}/_search`}`;
  const assertion = assertionFor(patientOf(nationalId), { caller: caller ?? doctor(nationalId) });
  const authorization = await tokens.headersFor(
    'PROVESVAR',
    { as: 'user', audience: audience ?? 'nhn:pps', scope: scope ?? 'nhn:pps/provesvar-read' },
    { method, url },
    { assertion, subjectToken: null, signal: AbortSignal.timeout(5_000) },
  );
  if (!authorization.ok) throw new Error('no token');
  const all: Record<string, string | undefined> = {
    'content-type': 'application/x-www-form-urlencoded',
    'person-id': nationalId,
    'access-basis': 'SAMTYKKE',
    'requester-hpr-role': 'LE',
    'x-correlation-id': 'b7a6c1d2',
    ...authorization.value,
    ...headers,
  };
  const sent = Object.entries(all).filter((it): it is [string, string] => it[1] !== undefined);
  const answer = await fetch(url, {
    method,
    headers: sent,
    ...(method === 'POST' ? { body: new URLSearchParams(form).toString() } : {}),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] };
};
const kinds = ({ body }: Answer) =>
  body.entry?.map(({ search, resource }) => `${search.mode}:${resource.resourceType}`);
const privacyCode = ({ body }: Answer) => {
  const outcome = body.entry?.[0]?.resource as unknown as Answer['body'] | undefined;
  return outcome?.issue?.[0]?.details?.coding[0]?.code;
};
const isError = (answer: Answer) => answer.body.resourceType === 'OperationOutcome';

describe('provesvar simulator: who may ask', () => {
  it('answers a professional with level 4, HPR number and both organisation numbers', async () => {
    expect((await ask('DiagnosticReport')).status).toBe(200);
  });
  it.each([
    ['another audience', { audience: 'nhn:kjernejournal' }, 401],
    ['the scope of version 1', { scope: 'nhn:pps/provesvar' }, 403],
    ['no token', { headers: { authorization: undefined } }, 401],
    ['no proof', { headers: { dpop: undefined } }, 401],
  ])('refuses %s with an OperationOutcome', async (_what, asked, status) => {
    const answer = await ask('DiagnosticReport', [], asked);
    expect(answer.status).toBe(status);
    expect(isError(answer)).toBe(true);
  });
  it('refuses a Bearer token', async () => {
    const answer = await ask('DiagnosticReport', [], { headers: { authorization: 'Bearer abc.def.ghi' } });
    expect(answer.status).toBe(401);
  });
  it.each([
    ['security level 3', { 'helseid://claims/identity/security_level': '3' }],
    ['no orgnr_child', { 'helseid://claims/client/claims/orgnr_child': undefined }],
    ['no HPR number', { 'helseid://claims/hpr/hpr_number': undefined }],
    ['a machine', { 'helseid://claims/identity/pid': undefined }],
  ])('refuses %s', async (_what, change) => {
    const { tokens, checkAccess, close } = await createTestTokens(change);
    const own = await startProvesvar({ population, checkAccess });
    try {
      expect((await ask('DiagnosticReport', [], { at: { simulator: own, tokens } })).status).toBe(403);
    } finally {
      await own.close();
      await close();
    }
  });
});

describe('provesvar simulator: headers and form', () => {
  it('refuses a role that has been revoked', async () => {
    const practitioners = population.practitioners.map((it) => ({ ...it, revoked: true }));
    const own = await startProvesvar({ population: { ...population, practitioners }, checkAccess: issuer.checkAccess });
    try {
      expect((await ask('DiagnosticReport', [], { at: { simulator: own, tokens: issuer.tokens } })).status).toBe(403);
    } finally {
      await own.close();
    }
  });
  it.each([
    ['person-id', undefined, 400],
    ['person-id', '12345678901', 400],
    ['person-id', '1483484129', 400],
    ['access-basis', undefined, 400],
    ['access-basis', 'BTG', 400],
    ['x-correlation-id', undefined, 400],
    ['requester-hpr-role', undefined, 403],
    ['requester-hpr-role', 'SP', 403],
    ['content-type', 'application/json', 400],
  ])('refuses %s: %s', async (name, value, status) => {
    const answer = await ask('DiagnosticReport', [], { headers: { [name]: value } });
    expect(answer.status).toBe(status);
    expect(isError(answer)).toBe(true);
    expect(JSON.stringify(answer.body)).not.toContain(numberOf(population, 'fjordarm'));
  });
  it('echoes the correlation header by the name that it came with', async () => {
    const answer = await ask('DiagnosticReport', [], { headers: { 'x-correlation-id': undefined, cid: 'c-1' } });
    expect(answer.headers.get('cid')).toBe('c-1');
  });
  it.each([
    [[['patient', '1']]],
    [[['_sort', 'date']]],
    [[['date', 'xx2026-01-01']]],
    [[['date', 'yesterday']]],
    [[['_count', '0']]],
    [[['_count', 'many']]],
    [[['_skip', '-1']]],
    [[['_include', 'DiagnosticReport:subject']]],
    [[['_include:iterate', 'DiagnosticReport:specimen']]],
  ] as [string, string][][][])('refuses the parameters %j with 400', async (form) => {
    const answer = await ask('DiagnosticReport', form);
    expect(answer.status).toBe(400);
    expect(isError(answer)).toBe(true);
  });
  it('refuses an _include on observations', async () => {
    expect((await ask('Observation', include)).status).toBe(400);
  });
  it('refuses search parameters in the URL', async () => {
    expect((await ask('DiagnosticReport', [], { path: 'DiagnosticReport/_search?_count=1' })).status).toBe(400);
  });
  it.each(['DiagnosticReport', 'DiagnosticReport/17', 'Observation/_search'])(
    'answers GET %s with 405',
    async (path) => {
      const answer = await ask('', [], { method: 'GET', path });
      expect(answer.status).toBe(405);
      expect(answer.body.issue?.[0]?.code).toBe('not-supported');
    },
  );
  it('gives its capabilities to anybody', async () => {
    const answer = await fetch(`${simulator.url}/metadata`);
    expect(await answer.json()).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
  });
});

describe('provesvar simulator: search', () => {
  it('gives the reports alone when nothing is included', async () => {
    expect(kinds(await ask('DiagnosticReport'))).toEqual(Array(4).fill('match:DiagnosticReport'));
  });
  it('gives only reports that _id names', async () => {
    const first = (await ask('DiagnosticReport')).body.entry![0]!.resource.id;
    const answer = await ask('DiagnosticReport', [['_id', first]]);
    expect(answer.body.entry?.map(({ resource }) => resource.id)).toEqual([first]);
  });
  it('includes specimens, requests and, from those, who asked', async () => {
    const answer = await ask('DiagnosticReport', [['date', 'eq2026-03-01'], ...include]);
    expect(kinds(answer)).toEqual([
      'match:DiagnosticReport',
      'include:Specimen',
      'include:ServiceRequest',
      'include:PractitionerRole',
    ]);
  });
  it('follows ServiceRequest:requester only from an included request', async () => {
    const answer = await ask('DiagnosticReport', [['date', 'eq2026-03-01'], include[2]!]);
    expect(kinds(answer)).toEqual(['match:DiagnosticReport']);
  });
  it.each([
    ['gt2026-02-15', 1],
    ['ge2026-02-15', 2],
    ['lt2026-02-15', 2],
    ['le2026-02-15', 3],
    ['eq2026-02-15', 1],
    ['2026-02-15', 1],
    ['2026-02', 2],
    ['gt2026-02-15T08:59:59Z', 2],
    ['gt2026-02-15T09:00:00Z', 1],
  ])('date=%s finds %i reports', async (date, total) => {
    expect((await ask('DiagnosticReport', [['date', date]])).body.total).toBe(total);
  });
  it('takes several dates as «and»', async () => {
    const answer = await ask('DiagnosticReport', [
      ['date', 'gt2026-01-10'],
      ['date', 'lt2026-03-01'],
    ]);
    expect(answer.body.total).toBe(2);
  });
  it('pages with _count and _skip; total is of all hits, next leads on', async () => {
    const first = await ask('Observation', [['_count', '4']]);
    const last = await ask('Observation', [
      ['_count', '4'],
      ['_skip', '4'],
    ]);
    expect([first.body.total, first.body.entry?.length, last.body.entry?.length]).toEqual([7, 4, 3]);
    expect(first.body.link?.map(({ relation }) => relation)).toEqual(['self', 'next']);
    expect(last.body.link?.map(({ relation }) => relation)).toEqual(['self']);
    expect(JSON.stringify(first.body.link)).not.toContain(numberOf(population, 'fjordarm'));
  });
  it('_tag finds the top of a hierarchy by a code at its bottom, and only the top', async () => {
    const answer = await ask('Observation', [['_tag', `${nlk}|NPU99001`]]);
    expect(answer.body.total).toBe(1);
    const top = answer.body.entry![0]!.resource as unknown as { code: { text: string }; hasMember: unknown[] };
    expect(top.code.text).toBe('U-Dyrkning');
    expect(top.hasMember).toHaveLength(1);
  });
  it.each([
    ['NPU04998', 2],
    [`${nlk}|NPU04998,${nlk}|NPU19748`, 3],
    ['urn:oid:1.2.3|NPU04998', 0],
  ])('_tag=%s finds %i', async (tag, total) => {
    expect((await ask('Observation', [['_tag', tag]])).body.total).toBe(total);
  });
  it('adds a member that no documentation names', async () => {
    const known = ['resourceType', 'type', 'total', 'link', 'entry'];
    expect(Object.keys((await ask('DiagnosticReport')).body).filter((key) => !known.includes(key))).toHaveLength(1);
  });
  it('says «no hits» as a not-found issue inside a searchset', async () => {
    const answer = await ask('DiagnosticReport', [['date', 'lt1990-01-01']]);
    expect(answer).toMatchObject({ status: 200, body: { total: 0 } });
    expect(answer.body.entry).toMatchObject([{ resource: { issue: [{ code: 'not-found' }] } }]);
  });
  it('answers with another patient’s data when told to', async () => {
    simulator.fault.current = { garbage: 'otherPatient' };
    const { entry } = (await ask('DiagnosticReport')).body;
    expect(JSON.stringify(entry)).toContain(numberOf(population, 'mange-kilder'));
    expect(JSON.stringify(entry)).not.toContain(numberOf(population, 'fjordarm'));
  });
  it.each([
    [504, 'timeout'],
    [500, 'exception'],
  ])('fails with %i as an OperationOutcome', async (status, code) => {
    simulator.fault.current = { status };
    expect(await ask('DiagnosticReport')).toMatchObject({ status, body: { issue: [{ code }] } });
  });
});

describe('provesvar simulator: what the patient has decided', () => {
  const blocked: Caller = { ...(doctor(null) as Extract<Caller, { kind: 'professional' }>), hprNumber: '9990007' };

  it.each(['SAMTYKKE', 'FORHOYET_AKUTT'])('a blocked professional gets Specific, also with %s', async (basis) => {
    const answer = await ask('DiagnosticReport', [], {
      person: 'blokkert-person',
      caller: blocked,
      headers: { 'access-basis': basis },
    });
    expect(answer.status).toBe(200);
    expect(privacyCode(answer)).toBe('Specific');
  });
  it('a reservation gives Reservation', async () => {
    expect(privacyCode(await ask('Observation', [], { person: 'reservert-alt' }))).toBe('Reservation');
  });
  it('a reservation against another source gives nothing away and takes nothing', async () => {
    expect(privacyCode(await ask('Observation', [], { person: 'reservert' }))).toBeUndefined();
  });
  it('a restriction gives General', async () => {
    expect(privacyCode(await ask('Observation', [], { person: 'granskog' }))).toBe('General');
  });
  it('an elevated basis opens a restriction', async () => {
    const answer = await ask('DiagnosticReport', [], {
      person: 'granskog',
      headers: { 'access-basis': 'FORHOYET_SAMTYKKE' },
    });
    expect(kinds(answer)).toEqual(['match:DiagnosticReport']);
  });
  it.each(['fjordarm', 'sperring-utløpt'])('an elevated basis that opens nothing is refused: %s', async (person) => {
    const answer = await ask('DiagnosticReport', [], { person, headers: { 'access-basis': 'FORHOYET_AKUTT' } });
    expect(answer).toMatchObject({ status: 400, body: { resourceType: 'OperationOutcome' } });
  });
  it('a citizen reads their own, restriction or not, and nobody else’s', async () => {
    const own = citizen(numberOf(population, 'granskog'));
    const headers = { 'requester-hpr-role': undefined };
    expect(kinds(await ask('DiagnosticReport', [], { person: 'granskog', caller: own, headers }))).toHaveLength(1);
    expect((await ask('DiagnosticReport', [], { person: 'fjordarm', caller: own, headers })).status).toBe(403);
  });
  it('a citizen sees delayed results from the day on, a professional before', async () => {
    const person = 'utsatt-innsyn';
    const own = { person, caller: citizen(numberOf(population, person)), headers: { 'requester-hpr-role': undefined } };
    expect((await ask('DiagnosticReport', [], own)).body.total).toBe(0);
    expect((await ask('DiagnosticReport', [], { person })).body.total).toBe(1);
    today = new Date(`${delayEnds}T00:00:00Z`);
    expect((await ask('DiagnosticReport', [], own)).body.total).toBe(1);
  });
});
