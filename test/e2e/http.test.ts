import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseNationalId } from '../../schema/nationalId.ts';
import { type Kilde, startKilde } from '../support/kilde.ts';

const patient = '14834841291';
const query = 'query ($p: PatientIdentifier!) { patient(identifier: $p) { id name { text } } }';

let kilde: Kilde;
let token: string;
beforeAll(async () => {
  kilde = await startKilde();
  token = await kilde.token({ persona: 'legevakt-doctor', patient });
});
afterAll(() => kilde?.stop());

const codeOf = (text: string): unknown =>
  (JSON.parse(text) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code;
const send = (body: string, headers: Record<string, string> = {}) =>
  kilde.post('/graphql', body, { authorization: `Bearer ${token}`, ...headers });

describe('POST /graphql without a good token', () => {
  const good = { persona: 'legevakt-doctor', patient };
  it.each([
    ['no token', undefined],
    ['nonsense', 'Bearer abc'],
    ['an empty token', 'Bearer '],
    ['another scheme', 'Basic a2lsZGU6a2lsZGU='],
    ['two tokens', 'Bearer abc def'],
  ])('answers 401 to %s', async (_name, authorization) => {
    const answer = await kilde.post('/graphql', JSON.stringify({ query }), authorization ? { authorization } : {});
    expect([answer.status, codeOf(answer.text)]).toEqual([401, 'UNAUTHENTICATED']);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });

  it.each([
    ['expired', { ...good, expiresIn: -60 }],
    ['for another audience', { ...good, claims: { aud: 'nhn:pps' } }],
    ['for several audiences', { ...good, claims: { aud: ['kilde:api', 'nhn:pps'] } }],
    ['from another issuer', { ...good, claims: { iss: 'https://helseid.example' } }],
    ['signed with a key that nobody publishes', { ...good, invalid: 'signingKey' }],
    ['of another issuer, from the switch', { ...good, invalid: 'issuer' }],
    ['of another audience, from the switch', { ...good, invalid: 'audience' }],
    ['expired, from the switch', { ...good, invalid: 'expired' }],
    ['of another type', { ...good, invalid: 'type' }],
    ['bound to a key, sent as Bearer', { ...good, jkt: 'c2FuZGJveC1rZXktdGh1bWJwcmludC1leGFtcGxlLTA' }],
  ])('answers 401 to a token %s', async (_name, request) => {
    const bad = await kilde.token(request);
    const answer = await kilde.post('/graphql', JSON.stringify({ query, variables: { p: patient } }), {
      authorization: `Bearer ${bad}`,
    });
    expect([answer.status, codeOf(answer.text)]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it.each([
    ['at security level 3', { 'helseid://claims/identity/security_level': '3' }, 'Security level 4 is required'],
    [
      'without organisation',
      { 'helseid://claims/client/claims/orgnr_parent': null },
      'The token names no organisation',
    ],
    [
      'with a broken attest',
      { authorization_details: [{ type: 'nhn:tillitsrammeverk:parameters' }] },
      'The attest does not follow the trust framework: practitioner',
    ],
    [
      'without a known scope',
      { scope: ['kilde:api/readall'] },
      'Scope, authorization and purpose of use give no role here',
    ],
    ['without a scope of Kilde', { scope: ['nhn:pps/provesvar-read'] }, 'The token has no scope for this API'],
  ])('answers 403 to a token %s, and says why', async (_name, claims, message) => {
    const answer = await kilde.ask(await kilde.token({ ...good, claims }), query, { p: patient });
    expect(answer).toMatchObject({ status: 403, errors: [{ message, extensions: { code: 'FORBIDDEN' } }] });
  });

  it('answers 401 to a token whose payload was changed', async () => {
    const [header, , signature] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ aud: 'kilde:api' })).toString('base64url');
    const answer = await kilde.post('/graphql', JSON.stringify({ query }), {
      authorization: `Bearer ${header}.${forged}.${signature}`,
    });
    expect(answer.status).toBe(401);
  });
});

describe('POST /graphql with a bad request', () => {
  const secret = '14834841292'; // wrong control digits; must never come back
  it.each([
    ['an empty body', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', '"x"'],
    ['an object without query', '{}'],
    ['query null', '{"query":null}'],
    ['an empty query', '{"query":""}'],
    ['JSON cut in half', `{"query":"{ viewer { kind } }","variables":{"p":"${secret}"`],
    ['a batch', `[{"query":"{ viewer { kind } }"}]`],
    ['what is not GraphQL', `{"query":"{ patient(identifier: \\"${secret}\\" "}`],
    ['an unknown field', `{"query":"{ viewer { f${secret} } }"}`],
    ['an unknown argument', `{"query":"{ patient(x${secret}: 1) { id } }"}`],
    ['an unknown operation', '{"query":"query A { viewer { kind } }","operationName":"B"}'],
    [
      'a wrong type',
      `{"query":"query ($p: PatientIdentifier!) { patient(identifier: $p) { labReports(first: \\"${secret}\\") { status } } }"}`,
    ],
    ['a missing variable', JSON.stringify({ query })],
    ['a variable that is an object', JSON.stringify({ query, variables: { p: { $gt: secret } } })],
    ['a wrong national id', JSON.stringify({ query, variables: { p: secret } })],
    ['letters for a national id', JSON.stringify({ query, variables: { p: '1483484129a' } })],
    ['neither identifier nor id', '{"query":"{ patient { id } }"}'],
    ['an unknown directive', '{"query":"{ viewer @nope { kind } }"}'],
    ['a fragment that spreads itself', '{"query":"{ viewer { ...a } } fragment a on Viewer { ...a }"}'],
    ['a mutation', '{"query":"mutation { x }"}'],
  ])('answers 400 with a typed error to %s', async (_name, body) => {
    const answer = await send(body);
    expect([answer.status, codeOf(answer.text)]).toEqual([400, 'BAD_REQUEST']);
    expect(answer.text).not.toContain(secret);
    expect(answer.text.length).toBeLessThan(2_000);
    expect(answer.headers.get('content-type')).toContain('json');
  });

  it('refuses a number that could be a real person’s, in a sandbox', async () => {
    // Born in 1900 and made here: nobody's, but nothing in the number says so.
    const real = Array.from({ length: 100 }, (_, i) => `010100001${String(i).padStart(2, '0')}`).find(
      (it) => parseNationalId(it)?.synthetic === false,
    )!;
    const answer = await send(JSON.stringify({ query, variables: { p: real } }));
    expect([answer.status, codeOf(answer.text)]).toEqual([400, 'BAD_REQUEST']);
    expect(answer.text).toContain('synthetic numbers only');
    expect(answer.text).not.toContain(real);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/json; charset=utf-7',
  ])('answers 415 to %s', async (type) => {
    const answer = await send(JSON.stringify({ query: '{ viewer { kind } }' }), { 'content-type': type });
    expect([answer.status, codeOf(answer.text)]).toEqual([415, 'BAD_REQUEST']);
  });

  it('answers 413 to a body above 64 kB', async () => {
    const answer = await send(JSON.stringify({ query: '{ viewer { kind } }', variables: { x: 'y'.repeat(70_000) } }));
    expect([answer.status, codeOf(answer.text)]).toEqual([413, 'LIMIT_EXCEEDED']);
  });

  it('answers 405 to GET: identifiers do not belong in addresses', async () => {
    const answer = await fetch(`${kilde.url}/graphql?query={viewer{kind}}`);
    expect(answer.status).toBe(405);
  });
});

describe('POST /events', () => {
  const large = 'x'.repeat(2_000_000);
  it('knows who sends before it reads what is sent', async () => {
    const headers = { 'content-type': 'application/fhir+json' };
    // The refusal may come before all of the body is sent; then there is no connection left to read it from.
    const answer = await kilde.post('/events', large, headers).catch(() => null);
    if (answer) expect([answer.status, codeOf(answer.text)]).toEqual([401, 'UNAUTHENTICATED']);
    const small = await kilde.post('/events', '{', headers);
    expect([small.status, codeOf(small.text)]).toEqual([401, 'UNAUTHENTICATED']);
  });
});

describe('the other addresses', () => {
  it('say that the process is up, and able to serve with the state of each source', async () => {
    expect((await fetch(`${kilde.url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${kilde.url}/health/ready`);
    expect(ready.status).toBe(200);
    const { sources } = (await ready.json()) as { sources: { source: string; up: boolean }[] };
    expect(sources.filter(({ up }) => up).map(({ source }) => source)).toEqual(
      expect.arrayContaining(['KJERNEJOURNAL', 'PROVESVAR', 'ERESEPT', 'HENDELSESLAGER', 'PERSONTJENESTEN']),
    );
  });

  it('give metrics without a trace of anybody', async () => {
    await send(JSON.stringify({ query, variables: { p: patient } }));
    const metrics = await (await fetch(`${kilde.url}/metrics`)).text();
    expect(metrics).toContain('kilde_source_call_duration_seconds_count');
    for (const person of kilde.sandbox.population.people) expect(metrics).not.toContain(person.nationalId);
  });

  it('give the API schema without what only the gateway uses', async () => {
    const schema = await (await fetch(`${kilde.url}/schema.graphql`)).text();
    expect(schema).toContain('type Patient');
    expect(schema).not.toContain('identify(');
    expect(schema).not.toContain('join__');
  });

  it('answer 404 typed to what is not there', async () => {
    const answer = await fetch(`${kilde.url}/nothing`);
    expect([answer.status, codeOf(await answer.text())]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('callers of each kind', () => {
  it.each([
    ['legevakt-doctor', 'PROFESSIONAL', 'doctor'],
    ['gp', 'PROFESSIONAL', 'doctor'],
    ['home-nurse', 'PROFESSIONAL', 'nurse'],
    ['health-worker', 'PROFESSIONAL', 'healthWorker'],
    ['service-allocation-officer', 'PROFESSIONAL', 'serviceAllocationOfficer'],
    ['pharmacist', 'PROFESSIONAL', 'pharmacist'],
    ['citizen', 'CITIZEN', 'citizen'],
    ['parent', 'CITIZEN', 'citizen'],
    ['system-ingest', 'SYSTEM', 'system'],
    ['administrator', 'PROFESSIONAL', 'administrator'],
  ])('%s is told apart as %s with the role %s', async (persona, kind, role) => {
    const answer = await kilde.ask(await kilde.token({ persona }), '{ viewer { kind role } }');
    expect(answer.data).toEqual({ viewer: { kind, role } });
  });

  it('who may not see a person get the answer of an unknown person, byte for byte', async () => {
    const unknown = '01815800083'.replace(/^01/, '01'); // known, but not in the attest
    const elsewhere = await kilde.ask(token, query, { p: unknown });
    const nobody = await kilde.ask(token, query, { p: '15813250214' });
    const { kilde: one } = elsewhere.extensions ?? {};
    const { kilde: other } = nobody.extensions ?? {};
    expect(one?.sources).toEqual(other?.sources);
    expect(elsewhere.data).toEqual({ patient: null });
    expect(nobody.data).toEqual({ patient: null });
    expect(elsewhere.errors?.[0]?.message).toBe(nobody.errors?.[0]?.message);
  });

  it('a parent sees a child under 12, and a citizen nobody else', async () => {
    const child = '21861761093';
    const parent = await kilde.ask(await kilde.token({ persona: 'parent', patient: child }), query, { p: child });
    expect(parent.data?.['patient']).toMatchObject({ name: { text: expect.stringContaining('HUMLE') } });
    const stranger = await kilde.ask(await kilde.token({ persona: 'citizen', patient }), query, { p: child });
    expect(stranger.data).toEqual({ patient: null });
  });
});
