import { createHash, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAccessCheck } from '../../sandbox/_shared/access.ts';
import { type Issuer, startIssuer } from '../../sandbox/issuer/issuer.ts';
import { claimsFor, type PersonaName } from '../../sandbox/personas.ts';
import { createPopulation } from '../../sandbox/population/population.ts';

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const pps = { resource: 'nhn:pps', scope: 'nhn:pps/provesvar-read' };
const fjordarm = '14834841291';
const population = createPopulation();
const proofKeys = await generateKeyPair('ES256', { extractable: true });
const proofJwk = await exportJWK(proofKeys.publicKey);
const nowSeconds = () => Math.floor(Date.now() / 1_000);

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer({ population });
});
afterAll(() => issuer.close());

type Changes = {
  form?: Record<string, string>;
  assertion?: Record<string, unknown>;
  assertionHeader?: Record<string, string>;
  key?: JWK;
  proof?: string | null;
};

const makeAssertion = async ({ assertion, assertionHeader, key = issuer.client.key }: Changes) =>
  new SignJWT({
    iss: issuer.client.id,
    sub: issuer.client.id,
    aud: issuer.url,
    jti: randomUUID(),
    iat: nowSeconds(),
    exp: nowSeconds() + 60,
    ...assertion,
  })
    .setProtectedHeader({ alg: 'PS256', kid: String(key.kid), typ: 'client-authentication+jwt', ...assertionHeader })
    .sign(await importJWK(key, 'PS256'));

const makeProof = (claims: Record<string, unknown>) =>
  new SignJWT({ jti: randomUUID(), iat: nowSeconds(), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: proofJwk })
    .sign(proofKeys.privateKey);

const tokenEndpoint = () => `${issuer.url}/connect/token`;
const proofForToken = (nonce?: string) => makeProof({ htm: 'POST', htu: tokenEndpoint(), ...(nonce ? { nonce } : {}) });

const send = async (changes: Changes = {}) => {
  const proof = changes.proof === undefined ? await proofForToken(await nonce()) : changes.proof;
  const response = await fetch(tokenEndpoint(), {
    method: 'POST',
    headers: proof === null ? {} : { dpop: proof },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await makeAssertion(changes),
      ...pps,
      ...changes.form,
    }),
  });
  return {
    status: response.status,
    nonce: response.headers.get('dpop-nonce'),
    body: (await response.json()) as Record<string, unknown>,
  };
};
const nonce = async () => (await send({ proof: await proofForToken() })).nonce ?? undefined;

const subjectToken = (persona: PersonaName, changed: Record<string, unknown> = {}, expiresIn = 600) =>
  issuer.sign(
    { ...claimsFor(persona, { patient: persona === 'parent' ? undefined : fjordarm }, population), ...changed },
    { audience: 'kilde:api', expiresIn },
  );
const exchange = async (token: string, form: Record<string, string> = {}) =>
  send({
    form: {
      grant_type: exchangeGrant,
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...form,
    },
  });
const claimsOf = ({ body }: { body: Record<string, unknown> }) => decodeJwt(String(body['access_token']));

const organisation = (value: string, type = 'ENH') => [
  {
    type: 'helseid_authorization',
    practitioner_role: { organization: { identifier: { system: 'urn:oid:1.0.6523', type, value } } },
  },
];
const parent = 'helseid://claims/client/claims/orgnr_parent';
const child = 'helseid://claims/client/claims/orgnr_child';

it('discovery names HelseID’s paths and what the issuer supports', async () => {
  const discovery = await (await fetch(`${issuer.url}/.well-known/openid-configuration`)).json();
  expect(discovery).toMatchObject({
    issuer: issuer.url,
    token_endpoint: `${issuer.url}/connect/token`,
    authorization_endpoint: `${issuer.url}/connect/authorize`,
    pushed_authorization_request_endpoint: `${issuer.url}/connect/par`,
    end_session_endpoint: `${issuer.url}/connect/endsession`,
    jwks_uri: issuer.jwksUri,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['PS256', 'ES256'],
    require_pushed_authorization_requests: true,
  });
});

it('the published keys hold no private part', async () => {
  const { keys } = (await (await fetch(issuer.jwksUri)).json()) as { keys: JWK[] };
  expect(keys).toHaveLength(1);
  expect(keys[0]).not.toHaveProperty('d');
});

it('the token endpoint asks for a nonce first, and then gives a bound token of one audience', async () => {
  const challenged = await send({ proof: await proofForToken() });
  expect(challenged).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
  expect(challenged.nonce).toEqual(expect.any(String));

  const granted = await send({ proof: await proofForToken(String(challenged.nonce)) });
  expect(granted).toMatchObject({ status: 200, body: { token_type: 'DPoP', expires_in: 600 } });
  expect(decodeProtectedHeader(String(granted.body['access_token']))).toMatchObject({ alg: 'PS256', typ: 'at+jwt' });
  const claims = claimsOf(granted);
  expect(claims).toMatchObject({
    iss: issuer.url,
    aud: 'nhn:pps',
    client_id: 'kilde-sandbox',
    scope: ['nhn:pps/provesvar-read'],
    cnf: { jkt: await calculateJwkThumbprint(proofJwk) },
    'helseid://claims/client/amr': 'private_key_jwt',
  });
  expect(claims.exp! - claims.iat!).toBe(600);
  expect(claims).not.toHaveProperty([parent]);
});

it('a request without a proof, and a proof used twice, are refused', async () => {
  expect(await send({ proof: null })).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
  const proof = await proofForToken(await nonce());
  expect((await send({ proof })).status).toBe(200);
  expect(await send({ proof })).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

it.each<[string, Changes]>([
  ['that lives longer than a minute', { assertion: { exp: nowSeconds() + 3_600 } }],
  ['that has expired', { assertion: { exp: nowSeconds() - 60 } }],
  ['for the token endpoint instead of the issuer', { assertion: { aud: 'token endpoint' } }],
  ['of another type', { assertionHeader: { typ: 'JWT' } }],
])('a client assertion %s is refused', async (_title, changes) => {
  const aud = changes.assertion?.['aud'] ? { aud: tokenEndpoint() } : {};
  const answer = await send({ ...changes, assertion: { ...changes.assertion, ...aud } });
  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

it('a client assertion is good for one request', async () => {
  const assertion = { jti: randomUUID() };
  const good = await nonce();
  expect((await send({ assertion, proof: await proofForToken(good) })).status).toBe(200);
  expect(await send({ assertion, proof: await proofForToken(good) })).toMatchObject({ status: 401 });
});

it('a client assertion signed with another key is refused', async () => {
  const { privateKey } = await generateKeyPair('PS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: String(issuer.client.key.kid) };
  expect(await send({ key })).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

it.each(['authorization_details', 'assertion_details'])('organisation numbers are taken from %s', async (member) => {
  const answer = await send({ assertion: { [member]: organisation('NO:ORGNR:310000019:310003018') } });
  expect(claimsOf(answer)).toMatchObject({ [parent]: '310000019', [child]: '310003018' });
});

it('a legal entity may stand alone', async () => {
  const claims = claimsOf(await send({ assertion: { authorization_details: organisation('NO:ORGNR:310005010') } }));
  expect(claims[parent]).toBe('310005010');
  expect(claims).not.toHaveProperty([child]);
});

it.each([
  ['of nobody', { authorization_details: organisation('NO:ORGNR:399999999') }],
  ['of a unit under another entity', { authorization_details: organisation('NO:ORGNR:310004014:310003018') }],
  ['of another kind', { authorization_details: organisation('NO:ORGNR:310000019', 'HER') }],
  [
    'sent twice',
    {
      authorization_details: organisation('NO:ORGNR:310000019'),
      assertion_details: organisation('NO:ORGNR:310000019'),
    },
  ],
])('organisation numbers %s are refused', async (_title, assertion) => {
  expect(await send({ assertion })).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
});

it('unknown audiences and scopes of another audience are refused', async () => {
  const target = { status: 400, body: { error: 'invalid_target' } };
  expect(await send({ form: { resource: 'nhn:nothing' } })).toMatchObject(target);
  expect(await send({ form: { resource: 'kilde:api', scope: 'kilde:api/read' } })).toMatchObject(target);
  expect(await send({ form: { scope: 'nhn:jft/api' } })).toMatchObject({
    status: 400,
    body: { error: 'invalid_scope' },
  });
  expect(await send({ form: { scope: `${pps.scope} nhn:jft/api` } })).toMatchObject({ status: 400 });
});

it('a professional’s token is exchanged with person, organisation and attest, and with the journal for SFM only', async () => {
  const token = await subjectToken('home-nurse');
  const { authorization_details: attest, name } = decodeJwt(token);
  const forPps = claimsOf(await exchange(token));
  expect(forPps).toMatchObject({
    aud: 'nhn:pps',
    client_id: 'kilde-sandbox',
    sub: 'home-nurse',
    name,
    'helseid://claims/identity/pid': population.practitioners.find((it) => it.hprNumber === '9990002')?.nationalId,
    'helseid://claims/identity/security_level': '4',
    'helseid://claims/hpr/hpr_number': '9990002',
    [parent]: '310000019',
    [child]: '310002011',
    authorization_details: attest,
    cnf: { jkt: await calculateJwkThumbprint(proofJwk) },
  });

  const sfm = { resource: 'e-helse:sfm.api', scope: 'e-helse:sfm.api/sfm.api2' };
  expect(claimsOf(await exchange(token, sfm))['authorization_details']).toEqual([
    ...(attest as unknown[]),
    { type: 'nhn:sfm:journal-id', value: { journal_id: expect.stringMatching(/^[0-9a-f-]{36}$/) } },
  ]);
});

it('a citizen’s token is exchanged without organisation, and a parent’s with the child as subject', async () => {
  const own = claimsOf(await exchange(await subjectToken('citizen')));
  expect(own['helseid://claims/identity/pid']).toBe(fjordarm);
  expect(own).not.toHaveProperty([parent]);
  expect(own).not.toHaveProperty('subject');

  const forChild = claimsOf(await exchange(await subjectToken('parent')));
  expect(forChild).toMatchObject({ subject: '21861761093', 'helseid://claims/identity/pid': '30818522025' });
});

it.each<[string, () => Promise<string>]>([
  ['has expired', () => subjectToken('gp', {}, -1)],
  ['is for somebody else', () => issuer.sign({ sub: 'gp' }, { audience: 'nhn:pps' })],
  ['has two audiences', () => subjectToken('gp', { aud: ['kilde:api', 'nhn:pps'] })],
  ['is of another type', () => issuer.sign({ sub: 'gp' }, { audience: 'kilde:api', header: { typ: 'JWT' } })],
  [
    'is signed by another',
    async () => {
      const { privateKey } = await generateKeyPair('PS256');
      return new SignJWT({ sub: 'gp', exp: nowSeconds() + 60, aud: 'kilde:api', iss: issuer.url })
        .setProtectedHeader({ alg: 'PS256', typ: 'at+jwt', kid: 'sandbox-1' })
        .sign(privateKey);
    },
  ],
])('a subject token that %s is not exchanged', async (_title, make) => {
  expect(await exchange(await make())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

it('an attest older than an hour is not exchanged', async () => {
  const detail = { type: 'nhn:tillitsrammeverk:parameters', attestation: { toa: nowSeconds() - 3_700 } };
  const token = await subjectToken('gp', { authorization_details: [detail] });
  expect(await exchange(token)).toMatchObject({ status: 400, body: { error: 'attestation_has_expired' } });
});

it('a service accepts the exchanged token for its own audience and no other, and a proof once', async () => {
  const token = String((await exchange(await subjectToken('home-nurse'))).body['access_token']);
  const checkAccess = createAccessCheck({ issuer: issuer.url, jwksUri: issuer.jwksUri });
  const call = { method: 'POST', url: 'https://pps.example/Observation/_search' };
  const ath = createHash('sha256').update(token).digest('base64url');
  const dpop = () => makeProof({ htm: call.method, htu: call.url, ath });
  const check = async (audience: string, proof: string) =>
    checkAccess(
      { ...call, headers: { authorization: `DPoP ${token}`, dpop: proof } },
      { audience, scopes: [pps.scope], as: 'user', organisation: 'both', hprNumber: true },
    );

  const proof = await dpop();
  expect(await check('nhn:pps', proof)).toMatchObject({
    ok: true,
    access: { kind: 'professional', hprNumber: '9990002', orgnrChild: '310002011' },
  });
  expect(await check('nhn:pps', proof)).toMatchObject({ ok: false, refusal: { status: 401 } });
  expect(await check('nhn:jft', await dpop())).toMatchObject({ ok: false, refusal: { status: 401 } });
});

it('sign lets a claim be changed or taken away', async () => {
  const claims = decodeJwt(await issuer.sign({ jti: null, iss: 'https://somebody.example' }, { audience: 'a' }));
  expect(claims).toMatchObject({ aud: 'a', iss: 'https://somebody.example' });
  expect(claims).not.toHaveProperty('jti');
});
