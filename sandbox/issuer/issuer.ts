import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { errors, Provider, type TokenEndpointGrantContext } from 'oidc-provider';
import validateDpop, { checkDpopReplay } from 'oidc-provider/lib/helpers/validate_dpop.js';
import { type Listen, onLoopback } from '../_shared/listen.ts';
import type { Population } from '../population/model.ts';
import { exchangedClaims } from './exchange.ts';
import { makeSigningKey, publicPart } from './keys.ts';
import { answerLogin, loginConfiguration, resourceIndicators, tellRefreshLife } from './login.ts';
import { organisationClaims } from './organisation.ts';
import { kildeAudience, scopesOf } from './resources.ts';
import { createStore } from './store.ts';

const tokenLifeSeconds = 600; // inferred: HelseID documents none (reference 10.6)
const assertionLifeSeconds = 60;

export type Issuer = {
  /** The issuer identifier: `iss` of all tokens, and the address of discovery. */
  url: string;
  jwksUri: string;
  /** The one registered client: Kilde's. `key` is private. */
  client: { id: string; key: JWK };
  /**
   * Signs a token with the issuer's key. `claims` go over all that the issuer sets itself, and `null` or `undefined`
   * takes a claim away: for tokens that must be refused. `expiresIn` is seconds, and may be negative; `byStranger` signs
   * with a key that nobody publishes.
   */
  sign(
    claims: Record<string, unknown>,
    options: { audience: string; header?: Record<string, string>; expiresIn?: number; byStranger?: boolean },
  ): Promise<string>;
  close(): Promise<void>;
};

const clientId = 'kilde-sandbox';
const clientClaims = {
  client_id: clientId,
  'helseid://claims/client/client_name': 'Kilde (sandkasse)',
  'helseid://claims/client/amr': 'private_key_jwt',
  'helseid://claims/client/claims/client_tenancy': 'multi-tenant',
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** What HelseID asks of a client assertion beyond the library's own checks (reference 10.2). */
const checkAssertion = (url: string, claims: Record<string, unknown>, header: Record<string, unknown>) => {
  const { aud, exp } = claims;
  if (header['typ'] !== 'client-authentication+jwt') throw new errors.InvalidClientAuth('typ is wrong');
  if (aud !== url) throw new errors.InvalidClientAuth('aud must be the issuer');
  if (typeof exp !== 'number' || exp > Date.now() / 1_000 + assertionLifeSeconds + 1)
    throw new errors.InvalidClientAuth('the assertion lives too long');
};

/**
 * A HelseID-like OpenID provider on loopback: HelseID's paths, `private_key_jwt`, DPoP with nonce, client credentials,
 * token exchange and login, JWT access tokens with one audience. People log in by authorization code with PKCE after a
 * pushed request, as the persona that they choose; `POST /sandbox/token` gives such a token without all that. Clients
 * register themselves at `/connect/register`; Kilde's own, the one for exchange, is there from the start.
 *
 * @param clientKey private key of Kilde's client, with `kid` and `alg`; a new one unless given
 */
export const startIssuer = async ({
  population,
  listen = onLoopback,
  clientKey,
}: {
  population: Population;
  listen?: Listen | undefined;
  clientKey?: JWK | undefined;
}): Promise<Issuer> => {
  // A name of its own at each start: readers keep keys by name, and would not look again for one that they know.
  const signingKey = await makeSigningKey(`sandbox-${randomUUID()}`);
  const strangersKey = await importJWK(await makeSigningKey(signingKey.kid));
  const [privateKey, publicKey] = await Promise.all([importJWK(signingKey), importJWK(publicPart(signingKey))]);
  const client = clientKey ?? (await makeSigningKey(`${clientId}-1`));
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const url = `http://${listen.publicHost}:${(server.address() as AddressInfo).port}`;

  const sign: Issuer['sign'] = (claims, { audience, header, expiresIn = tokenLifeSeconds, byStranger }) => {
    const now = Math.floor(Date.now() / 1_000);
    const own = { iss: url, aud: audience, iat: now, nbf: now, exp: now + expiresIn, jti: randomUUID() };
    const payload = Object.fromEntries(
      Object.entries({ ...own, ...claims }).filter(([, value]) => value !== null && value !== undefined),
    );
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'PS256', kid: signingKey.kid, typ: 'at+jwt', ...header })
      .sign(byStranger ? strangersKey : privateKey);
  };

  const provider = new Provider(url, {
    ...loginConfiguration(population, tokenLifeSeconds),
    adapter: createStore(),
    jwks: { keys: [signingKey] },
    clients: [
      {
        client_id: clientId,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [publicPart(client)] },
        grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        response_types: [],
        redirect_uris: [],
        id_token_signed_response_alg: 'PS256',
      },
    ],
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['PS256', 'ES256'],
      dPoPSigningAlgValues: ['PS256', 'ES256'],
      idTokenSigningAlgValues: ['PS256'],
    },
    assertJwtClientAuthClaimsAndHeader: (_context, claims, header) => checkAssertion(url, claims, header),
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: resourceIndicators(tokenLifeSeconds),
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    },
    routes: {
      authorization: '/connect/authorize',
      end_session: '/connect/endsession',
      jwks: '/.well-known/openid-configuration/jwks',
      pushed_authorization_request: '/connect/par',
      registration: '/connect/register',
      token: '/connect/token',
    },
  });

  type Parameters = Record<string, unknown>;
  /** Proof, audience and scope are the same for both grants; `claimsOf` is what they differ in. */
  const register = (
    grantType: string,
    names: readonly string[],
    claimsOf: (parameters: Parameters, audience: string) => Promise<Record<string, unknown>>,
  ) =>
    provider.registerGrantType(
      grantType,
      async (context: TokenEndpointGrantContext) => {
        if (context.oidc.client?.clientId !== clientId) throw new errors.UnauthorizedClient();
        const proof = await validateDpop(provider, context);
        if (!proof) throw new errors.InvalidDpopProof('a DPoP proof is required');
        await checkDpopReplay(provider, context, proof, clientId);
        const { params } = context.oidc;
        const audience = isText(params.resource) ? params.resource : '';
        const known = scopesOf(audience);
        if (!known) throw new errors.InvalidTarget();
        const scope = params.scope?.split(' ') ?? [];
        if (scope.length === 0 || !scope.every((it) => known.includes(it)))
          throw new errors.InvalidScope('scope is missing, or not of this resource', params.scope ?? '');
        const claims = await claimsOf(params, audience);
        context.body = {
          access_token: await sign(
            { ...claims, ...clientClaims, scope, cnf: { jkt: proof.thumbprint } },
            { audience, expiresIn: tokenLifeSeconds },
          ),
          token_type: 'DPoP',
          expires_in: tokenLifeSeconds,
          scope: scope.join(' '),
          ...(grantType === 'client_credentials'
            ? {}
            : { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' }),
        };
      },
      ['resource', 'scope', ...names],
    );

  register('client_credentials', [], async ({ client_assertion: assertion }) => {
    const organisation = organisationClaims(decodeJwt(String(assertion)), population);
    if (!organisation) throw new errors.InvalidRequest('the organisation numbers are not usable');
    return { sub: clientId, ...organisation };
  });

  register(
    'urn:ietf:params:oauth:grant-type:token-exchange',
    ['subject_token', 'subject_token_type'],
    async ({ subject_token: token, subject_token_type: type }, audience) => {
      if (!isText(token) || type !== 'urn:ietf:params:oauth:token-type:access_token')
        throw new errors.InvalidRequest('an access token is expected as subject_token');
      const subject = await jwtVerify(token, publicKey, {
        issuer: url,
        audience: kildeAudience,
        algorithms: ['PS256'],
        typ: 'at+jwt',
      }).catch(() => null);
      if (!subject || Array.isArray(subject.payload.aud)) throw new errors.InvalidGrant();
      const claims = exchangedClaims(subject.payload, audience, Date.now() / 1_000);
      if (!claims) throw new errors.CustomOIDCProviderError('attestation_has_expired');
      return claims;
    },
  );

  tellRefreshLife(provider);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    const isLogin = request.method === 'GET' && request.url?.startsWith('/connect/login/');
    return isLogin ? answerLogin(provider, request, response) : answer(request, response);
  });
  return {
    url,
    jwksUri: provider.urlFor('jwks'),
    client: { id: clientId, key: client },
    sign,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
