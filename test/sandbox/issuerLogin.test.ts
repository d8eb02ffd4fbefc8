import { randomUUID } from 'node:crypto';
import { decodeJwt, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Issuer, startIssuer } from '../../sandbox/issuer/issuer.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { graphqlUrl, openDoor } from '../support/door.ts';
import { digestOf } from '../support/proofs.ts';
import { attest, nowSeconds, place } from '../support/testIssuer.ts';

// A vendor's client as it would be with HelseID: it registers, pushes its request, sends its user to log in, and takes
// tokens for Kilde with `openid-client`.

const redirectUri = 'https://epj.example/callback';
const population = createPopulation();
let issuer: Issuer;
let clientKey: Awaited<ReturnType<typeof generateKeyPair>>;
let registered: { client_id: string };

const register = async (more: object = {}) => {
  const jwk: JWK = { ...(await exportJWK(clientKey.publicKey)), kid: 'epj-1', alg: 'PS256', use: 'sig' };
  const answer = await fetch(`${issuer.url}/connect/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Test EPJ',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      jwks: { keys: [jwk] },
      ...more,
    }),
  });
  return { status: answer.status, body: (await answer.json()) as { client_id: string } };
};

beforeAll(async () => {
  issuer = await startIssuer({ population });
  clientKey = await generateKeyPair('PS256', { extractable: true });
  const { status, body } = await register();
  expect(status).toBe(201);
  registered = body;
});
afterAll(() => issuer.close());

const proofKeys = await oidc.randomDPoPKeyPair('ES256', { extractable: true });

/** The client, which states these details in its assertions. */
const client = async (details: unknown[] = [], change: Record<string, unknown> = {}, id = registered.client_id) => {
  const authentication = oidc.PrivateKeyJwt(
    { key: clientKey.privateKey, kid: 'epj-1' },
    {
      [oidc.modifyAssertion]: (header, payload) => {
        header['typ'] = 'client-authentication+jwt';
        Object.assign(payload, details.length > 0 ? { authorization_details: details as oidc.JsonValue } : {}, change);
      },
    },
  );
  return oidc.discovery(new URL(issuer.url), id, undefined, authentication, {
    execute: [oidc.allowInsecureRequests],
  });
};

/** A browser: follows what it is sent, with its cookies, until it is back at the client. */
const browse = async (start: URL): Promise<URL> => {
  const cookies = new Map<string, string>();
  let at = start;
  for (let steps = 0; steps < 10; steps++) {
    if (at.href.startsWith(redirectUri)) return at;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (!location) {
      const link = /href="([^"]+persona=home-nurse)"/.exec(await answer.text())?.[1];
      if (!link) throw new Error(`stuck at ${at.pathname} with ${answer.status}`);
      at = new URL(link, at);
    } else at = new URL(location, at);
  }
  throw new Error('in a circle');
};

const scope = 'openid offline_access kilde:api/read kilde:api/citizen';
const logIn = async (
  configuration: oidc.Configuration,
  hint: Record<string, string> = { login_hint: 'home-nurse' },
) => {
  const DPoP = oidc.getDPoPHandle(configuration, proofKeys);
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const address = await oidc.buildAuthorizationUrlWithPAR(
    configuration,
    {
      redirect_uri: redirectUri,
      scope,
      state,
      resource: 'kilde:api',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...hint,
    },
    { DPoP },
  );
  const back = await browse(address);
  const checks = { pkceCodeVerifier, expectedState: state };
  const tokens = await oidc.authorizationCodeGrant(configuration, back, checks, { resource: 'kilde:api' }, { DPoP });
  return { tokens, DPoP, address };
};

const organisation = {
  type: 'helseid_authorization',
  practitioner_role: {
    organization: {
      identifier: { system: 'urn:oid:1.0.6523', type: 'ENH', value: `NO:ORGNR:${place.legalEntity}:${place.unit}` },
    },
  },
};
const stated = () => {
  const { attestation: _ofTheIssuer, ...rest } = attest();
  return [organisation, rest];
};

it('a user logs in by a pushed request, and the token opens Kilde’s door with a proof', async () => {
  const { tokens, address } = await logIn(await client(stated()));
  expect([...address.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']); // nothing else in the address
  expect(tokens).toMatchObject({ token_type: 'dpop', expires_in: 600, rt_expires_in: 28_800 });
  const claims = decodeJwt(tokens.access_token);
  expect(claims).toMatchObject({
    iss: issuer.url,
    aud: 'kilde:api',
    client_id: registered.client_id,
    scope: 'kilde:api/read', // a nurse is no citizen here
    'helseid://claims/client/client_name': 'Test EPJ',
    'helseid://claims/hpr/hpr_number': '9990002',
  });

  const proof = await new SignJWT({
    jti: randomUUID(),
    htm: 'POST',
    htu: graphqlUrl,
    ath: digestOf(tokens.access_token),
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(proofKeys.publicKey) })
    .setIssuedAt()
    .sign(proofKeys.privateKey);
  const answer = await openDoor(issuer).dpop(tokens.access_token, proof);
  expect(answer).toMatchObject({
    status: 200,
    caller: { role: 'nurse', attest: { patient: '21861761093', purpose: 'TREAT', healthcareService: 'KP02' } },
  });
});

it('without a login hint the user is asked who to be', async () => {
  const { tokens } = await logIn(await client(), {});
  expect(decodeJwt(tokens.access_token)).toMatchObject({ sub: 'home-nurse' });
});

describe('a refresh token', () => {
  it('gives a token for another unit and patient without a new login, each time a new one, and none twice', async () => {
    const { tokens, DPoP } = await logIn(await client());
    expect(decodeJwt(tokens.access_token)).not.toHaveProperty('authorization_details');
    const refresh = async (token: string | undefined, details: unknown[] = []) =>
      oidc.refreshTokenGrant(await client(details), String(token), { resource: 'kilde:api' }, { DPoP });

    const second = await refresh(tokens.refresh_token, stated());
    const claims = decodeJwt(second.access_token);
    expect(claims['helseid://claims/client/claims/orgnr_child']).toBe(place.unit);
    expect(claims['authorization_details']).toMatchObject([{ attestation: { toa: expect.any(Number) } }]);
    expect(claims.jti).not.toBe(decodeJwt(tokens.access_token).jti);
    await expect(refresh(tokens.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(refresh(second.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' }); // all of them are over
  });

  it('gives tokens bound to the key of its request, and for Kilde only', async () => {
    const configuration = await client();
    const { tokens, DPoP } = await logIn(configuration);
    const other = oidc.getDPoPHandle(configuration, await oidc.randomDPoPKeyPair('ES256'));
    const refresh = (token: string | undefined, resource: string, handle: oidc.DPoPHandle) =>
      oidc.refreshTokenGrant(configuration, String(token), { resource }, { DPoP: handle });
    const second = await refresh(tokens.refresh_token, 'kilde:api', other);
    expect(decodeJwt(second.access_token)['cnf']).not.toEqual(decodeJwt(tokens.access_token)['cnf']);
    await expect(refresh(second.refresh_token, 'nhn:pps', DPoP)).rejects.toMatchObject({ error: 'invalid_target' });
  });

  it('gives no token with an attest that is old', async () => {
    const { tokens, DPoP } = await logIn(await client());
    const refresh = async (details: unknown[]) =>
      oidc.refreshTokenGrant(await client(details), String(tokens.refresh_token), { resource: 'kilde:api' }, { DPoP });
    const old = { ...attest(), attestation: { toa: nowSeconds() - 3_700 } };
    await expect(refresh([old])).rejects.toMatchObject({ error: 'attestation_has_expired' });
  });

  it.each([
    ['malformed', () => [{ type: 'nhn:tillitsrammeverk:parameters' }]],
    ['two', () => [attest(), attest()]],
  ])('gives no token with attests that are %s', async (_title, details) => {
    await expect(logIn(await client(details()))).rejects.toMatchObject({ error: 'invalid_request' });
  });
});

describe('a client', () => {
  it('must push its request', async () => {
    const configuration = await client();
    const direct = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope,
      resource: 'kilde:api',
    });
    expect((await browse(direct)).searchParams.get('error')).toBe('invalid_request');
  });

  it('authenticates with its key, for the issuer, once', async () => {
    await expect(logIn(await client([], { aud: 'https://other.example' }))).rejects.toMatchObject({
      error: 'invalid_client',
    });
    const jti = randomUUID();
    await expect(logIn(await client([], { jti }))).rejects.toMatchObject({ error: 'invalid_client' }); // pushed, then used up
  });

  it('gets neither machine tokens nor exchanged ones: those are Kilde’s own', async () => {
    const greedy = ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'];
    const { status, body } = await register({ grant_types: [...greedy, 'authorization_code'] });
    expect(status).toBe(201);
    const configuration = await client([], {}, body.client_id);
    const DPoP = oidc.getDPoPHandle(configuration, proofKeys);
    const parameters = { resource: 'nhn:pps', scope: 'nhn:pps/provesvar-read' };
    const unauthorized = { error: 'unauthorized_client' };
    await expect(oidc.clientCredentialsGrant(configuration, parameters, { DPoP })).rejects.toMatchObject(unauthorized);
    const exchange = {
      ...parameters,
      subject_token: 'x',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
    await expect(oidc.genericGrantRequest(configuration, greedy[1] ?? '', exchange, { DPoP })).rejects.toMatchObject(
      unauthorized,
    );
  });

  it('cannot register without a key', async () => {
    expect((await register({ jwks: undefined })).status).toBe(400);
    expect((await register({ token_endpoint_auth_method: 'none' })).status).toBe(400);
  });
});

it('a login that nobody began is refused', async () => {
  const answer = await fetch(`${issuer.url}/connect/login/unknown?persona=gp`, { redirect: 'manual' });
  expect(answer.status).toBe(400);
});
