import fastify, { type FastifyInstance } from 'fastify';
import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { toCaller } from '../../gateway/auth/caller.ts';
import type { FaultSwitch } from '../../sandbox/_shared/faults.ts';
import { registerSandboxRoutes } from '../../sandbox/control.ts';
import { type Issuer, startIssuer } from '../../sandbox/issuer/issuer.ts';
import { claimsFor, type PersonaName, personaNames } from '../../sandbox/personas.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { AccessTokenClaims, AttestDetail } from '../../schema/caller.ts';
import { parseNationalId } from '../../schema/nationalId.ts';

const fjordarm = '14834841291';
const population = createPopulation();
/** A number that could be a person's: made here, so that none is written down. */
const notSynthetic = Array.from(
  { length: 1_000 },
  (_, i) => `${fjordarm.slice(0, 2)}03${fjordarm.slice(4, 6)}49${i}`,
).find((it) => parseNationalId(it)?.synthetic === false)!;
const pps: { name: string; fault: FaultSwitch } = { name: 'pps', fault: { current: {} } };
const sfm: { name: string; fault: FaultSwitch } = { name: 'sfm', fault: { current: {} } };

let issuer: Issuer;
let app: FastifyInstance;
let url = '';
beforeAll(async () => {
  issuer = await startIssuer({ population });
  app = fastify({ forceCloseConnections: true });
  registerSandboxRoutes(app, { issuer, population, simulators: [pps, sfm] });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app.close();
  await issuer.close();
});
beforeEach(() => {
  pps.fault.current = {};
  sfm.fault.current = {};
});

const send = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : {
          headers: { 'content-type': 'application/json' },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
};
const tokenFor = async (request: Record<string, unknown>) => {
  const { status, body } = await send('POST', '/sandbox/token', request);
  expect(status).toBe(200);
  return { ...body, claims: decodeJwt(body.access_token) };
};

const kinds: Record<PersonaName, [kind: string, role: string]> = {
  'legevakt-doctor': ['professional', 'doctor'],
  gp: ['professional', 'doctor'],
  'home-nurse': ['professional', 'nurse'],
  'health-worker': ['professional', 'healthWorker'],
  'service-allocation-officer': ['professional', 'serviceAllocationOfficer'],
  pharmacist: ['professional', 'pharmacist'],
  'nursing-home-doctor': ['professional', 'doctor'],
  citizen: ['citizen', 'citizen'],
  parent: ['citizen', 'citizen'],
  'system-ingest': ['system', 'system'],
  administrator: ['professional', 'administrator'],
};

it.each(personaNames)('the persona %s brings a token that Kilde reads as the right caller', async (persona) => {
  const { claims } = await tokenFor({ persona });
  expect(claims.aud).toBe('kilde:api');
  const read = AccessTokenClaims.parse(claims);
  for (const detail of read.authorization_details) AttestDetail.parse(detail);
  const [kind, role] = kinds[persona];
  expect(toCaller(read, Date.now() / 1_000)).toMatchObject({ kind, role });
});

it('a professional’s token has the attest, bound to the patient that was asked for, with the time it was made', async () => {
  const { claims, expires_in } = await tokenFor({ persona: 'home-nurse', patient: fjordarm });
  expect(expires_in).toBe(600);
  expect(claims['authorization_details']).toEqual([
    {
      type: 'nhn:tillitsrammeverk:parameters',
      practitioner: {
        authorization: { code: 'SP', system: 'urn:oid:2.16.578.1.12.4.1.1.9060' },
        legal_entity: { id: '310000019', system: 'urn:oid:2.16.578.1.12.4.1.4.101' },
        point_of_care: { id: '310002011', system: 'urn:oid:2.16.578.1.12.4.1.4.101' },
      },
      care_relationship: {
        healthcare_service: { code: 'KP02', system: 'urn:oid:2.16.578.1.12.4.1.1.8663' },
        purpose_of_use: { code: 'TREAT', system: 'urn:oid:2.16.840.1.113883.1.11.20448' },
        purpose_of_use_details: { code: '15', system: 'urn:oid:2.16.578.1.12.4.1.1.9151' },
        decision_ref: { id: expect.any(String), user_selected: false },
      },
      attestation: { toa: expect.any(Number) },
      patients: [{ identifier: { id: fjordarm, system: 'urn:oid:2.16.578.1.12.4.1.4.1' } }],
    },
  ]);
  const [detail] = claims['authorization_details'] as { attestation: { toa: number } }[];
  expect(Math.abs(detail!.attestation.toa - Date.now() / 1_000)).toBeLessThan(10);
});

it('a purpose that was asked for goes into the attest, and break the glass is the user’s own choice', async () => {
  const attestOf = async (purpose?: string) => {
    const { claims } = await tokenFor({ persona: 'legevakt-doctor', purpose });
    return AttestDetail.parse((claims['authorization_details'] as unknown[])[0]);
  };
  expect(await attestOf()).toMatchObject({ relation: { purpose_of_use: { code: 'ETREAT' } }, patients: [] });
  expect((await attestOf('BTG')).relation).toMatchObject({
    purpose_of_use: { code: 'BTG' },
    decision_ref: { user_selected: true },
  });
});

it('a citizen is the person asked for, without organisation; a parent acts for the child', async () => {
  const pid = 'helseid://claims/identity/pid';
  const { claims: own } = await tokenFor({ persona: 'citizen', patient: '02915631153' });
  expect(own).toMatchObject({ [pid]: '02915631153', name: 'MODIG GRANSKOG', scope: ['kilde:api/citizen'] });
  expect(Object.keys(own).filter((it) => it.includes('orgnr'))).toEqual([]);
  expect(own.sub).not.toContain('02915631153');

  const { claims: parent } = await tokenFor({ persona: 'parent' });
  expect(parent).toMatchObject({ [pid]: '30818522025', subject: '21861761093' });
});

it('claims are merged last, and null takes one away', async () => {
  const { claims } = await tokenFor({ persona: 'gp', claims: { iss: 'https://other.example', name: null } });
  expect(claims.iss).toBe('https://other.example');
  expect(claims).not.toHaveProperty('name');
});

it('a thumbprint binds the token, and expiresIn may lie in the past', async () => {
  const jkt = 'a'.repeat(43);
  const bound = await tokenFor({ persona: 'gp', jkt, expiresIn: -60 });
  expect(bound).toMatchObject({ token_type: 'DPoP', expires_in: -60, claims: { cnf: { jkt } } });
  expect(bound.claims.exp).toBeLessThan(Date.now() / 1_000);
  const free = await tokenFor({ persona: 'gp' });
  expect(free.token_type).toBe('Bearer');
  expect(free.claims).not.toHaveProperty('cnf');
});

it.each<[string, unknown]>([
  ['an unknown persona', { persona: 'sekretær-77' }],
  ['no persona', {}],
  ['an unknown purpose', { persona: 'gp', purpose: 'sekretær-77' }],
  ['a patient who could be real', { persona: 'gp', patient: notSynthetic }],
  ['a patient with a wrong control digit', { persona: 'gp', patient: `${fjordarm.slice(0, 10)}2` }],
  ['a member that is not there', { persona: 'gp', 'sekretær-77': true }],
  ['a life too long', { persona: 'gp', expiresIn: 1e9 }],
  ['a thumbprint too short', { persona: 'gp', jkt: 'sekretær-77' }],
  ['text', 'sekretær-77'],
  ['a list', ['sekretær-77']],
  ['half an object', '{"persona": "sekretær-77'],
  ['a citizen who does not exist', { persona: 'citizen', patient: '08707925079' }],
  ['a parent of somebody without parents', { persona: 'parent', patient: fjordarm }],
])('POST /sandbox/token refuses %s with what was expected and not what came', async (_title, body) => {
  const answer = await send('POST', '/sandbox/token', body);
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { code: 'BAD_REQUEST', message: expect.stringMatching(/^Expected /) } },
  });
  for (const sent of ['sekretær-77', notSynthetic, '08707925079', fjordarm]) expect(answer.text).not.toContain(sent);
});

it('GET /sandbox/personas describes every persona in both languages', async () => {
  const { body } = await send('GET', '/sandbox/personas');
  expect(body.map(({ persona }: { persona: string }) => persona)).toEqual(personaNames);
  for (const { description } of body)
    expect(description).toEqual({ nb: expect.stringMatching(/^[^\n]+$/), en: expect.stringMatching(/^[^\n]+$/) });
});

it('GET /sandbox/patients lists people and why they exist, as many as asked for', async () => {
  const { body } = await send('GET', '/sandbox/patients');
  const { nationalId, birthDate, point, key } = population.byNationalId(fjordarm)!;
  expect(body).toContainEqual({ nationalId, name: 'STILLE FJORDARM', birthDate, point, key });
  expect((await send('GET', '/sandbox/patients?limit=3')).body).toHaveLength(3);
  for (const limit of ['0', 'abc', '2000'])
    expect(await send('GET', `/sandbox/patients?limit=${limit}`)).toMatchObject({ status: 400 });
});

it('a fault is set by a name in any case, shown, and healed one by one or all together', async () => {
  expect(await send('PUT', '/sandbox/sources/PPS', { status: 503, latencyMs: 5 })).toMatchObject({ status: 200 });
  expect(pps.fault.current).toEqual({ status: 503, latencyMs: 5 });
  await send('PUT', '/sandbox/sources/sfm', { garbage: 'html' });
  expect((await send('GET', '/sandbox/sources')).body).toEqual([
    { name: 'pps', fault: { status: 503, latencyMs: 5 } },
    { name: 'sfm', fault: { garbage: 'html' } },
  ]);
  expect(await send('DELETE', '/sandbox/sources/Pps')).toMatchObject({ status: 200 });
  expect([pps.fault.current, sfm.fault.current]).toEqual([{}, { garbage: 'html' }]);
  await send('DELETE', '/sandbox/sources');
  expect(sfm.fault.current).toEqual({});
});

it('an unknown source is not found, and a bad fault changes nothing', async () => {
  for (const method of ['PUT', 'DELETE']) {
    const answer = await send(method, '/sandbox/sources/sekretar77', method === 'PUT' ? {} : undefined);
    expect(answer).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
    expect(answer.text).not.toContain('sekretar77');
  }
  await send('PUT', '/sandbox/sources/pps', { hang: true });
  for (const fault of [{ status: 200 }, { sekretar77: 1 }, { garbage: 'sekretar77' }, '{"hang"']) {
    const answer = await send('PUT', '/sandbox/sources/pps', fault);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } });
    expect(answer.text).not.toContain('sekretar77');
  }
  expect(pps.fault.current).toEqual({ hang: true });
});

it('claimsFor gives a citizen’s token for a former national id too, and nothing for nobody', () => {
  const changed = population.people.find((it) => it.formerNationalIds.length > 0)!;
  const claims = claimsFor('citizen', { patient: changed.formerNationalIds[0] }, population);
  expect(claims).toMatchObject({ sub: changed.registerId });
  expect(claimsFor('citizen', { patient: '08707925079' }, population)).toBeNull();
});

it.each([
  ['signingKey', {}],
  ['issuer', { iss: 'https://helseid-sts.example' }],
  ['audience', { aud: 'nhn:another' }],
  ['expired', { exp: expect.any(Number) }],
  ['type', {}],
])('a token can be wrong in its %s, and is right in everything else', async (invalid, changed) => {
  const [{ claims: good }, { access_token, claims }] = [
    await tokenFor({ persona: 'gp' }),
    await tokenFor({ persona: 'gp', invalid }),
  ];
  const own = { iat: claims.iat, nbf: claims.nbf, exp: claims.exp, jti: claims.jti };
  const attest = { authorization_details: claims['authorization_details'] };
  expect(claims).toEqual({ ...good, ...own, ...attest, ...changed });
  expect(claims.exp! < Date.now() / 1_000).toBe(invalid === 'expired');
  expect(decodeProtectedHeader(access_token).typ).toBe(invalid === 'type' ? 'logout+jwt' : 'at+jwt');
  const keys = createLocalJWKSet((await (await fetch(issuer.jwksUri)).json()) as JSONWebKeySet);
  const isSigned = await compactVerify(access_token, keys).then(
    () => true,
    () => false,
  );
  expect(isSigned).toBe(invalid !== 'signingKey');
});
