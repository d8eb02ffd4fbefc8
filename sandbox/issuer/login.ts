import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeJwt } from 'jose';
import { type Configuration, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { claimsFor, type Persona, type PersonaName, personaNames, personas } from '../personas.ts';
import type { Population } from '../population/model.ts';
import { statedAttest } from './attest.ts';
import { organisationClaims } from './organisation.ts';
import { kildeAudience } from './resources.ts';

const scopeOf = (persona: Persona): string => {
  if (persona.kind === 'citizen' || persona.kind === 'parent') return 'kilde:api/citizen';
  return persona.kind === 'administrator' ? 'kilde:api/admin' : 'kilde:api/read';
};
/** Systems have no one to log in. */
const canLogIn = (name: unknown): name is PersonaName =>
  personaNames.some((it) => it === name && personas[it].kind !== 'system');

const refreshLifeSeconds = 8 * 60 * 60;
const workday = { Session: refreshLifeSeconds, Grant: refreshLifeSeconds, RefreshToken: refreshLifeSeconds };

/** The client's own words at the token endpoint, where the organisation and the attest are stated (reference 10.3, 11.1). */
const assertionOf = ({ oidc }: KoaContextWithOIDC) => decodeJwt(String(oidc.params?.['client_assertion']));

/** Claims of a token for the persona that has logged in, for the organisation and with the attest that the client states. */
const claimsOfLogin = (context: KoaContextWithOIDC, accountId: string, population: Population) => {
  const persona = personas[accountId as PersonaName];
  const assertion = assertionOf(context);
  const stated = organisationClaims(assertion, population);
  if (!stated) throw new errors.InvalidRequest('the organisation numbers are not usable');
  const attest = statedAttest(assertion, Math.floor(Date.now() / 1_000));
  if (attest === 'malformed') throw new errors.InvalidRequest('the attest does not follow the trust framework');
  if (attest === 'expired') throw new errors.CustomOIDCProviderError('attestation_has_expired');
  const { aud, scope, client_id, authorization_details, ...claims } =
    claimsFor(accountId as PersonaName, {}, population) ?? {};
  return {
    ...claims,
    ...(scopeOf(persona) === 'kilde:api/citizen' ? {} : stated),
    ...(attest ? { authorization_details: [attest] } : {}),
    'helseid://claims/client/client_name': context.oidc.client?.clientName ?? '',
  };
};

const attestOf = (token: object): unknown =>
  'extra' in token && typeof token.extra === 'object' && token.extra !== null && 'authorization_details' in token.extra
    ? token.extra.authorization_details
    : undefined;

/**
 * What the library needs for people who log in: authorization code with PKCE after a pushed request, refresh tokens with
 * `resource`, and clients that register their own key (HelseID has a portal for that).
 */
export const loginConfiguration = (population: Population, lifeSeconds: number) =>
  ({
    scopes: ['openid', 'profile', 'offline_access'],
    findAccount: (_context, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    interactions: { url: (_context, { uid }) => `/connect/login/${uid}` },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    // The library wants `prompt=consent` for `offline_access`, HelseID does not.
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    ttl: { ...workday, AccessToken: lifeSeconds, AuthorizationCode: 60, Interaction: 600, IdToken: lifeSeconds },
    clientDefaults: {
      token_endpoint_auth_method: 'private_key_jwt',
      id_token_signed_response_alg: 'PS256',
      dpop_bound_access_tokens: true,
    },
    extraTokenClaims: (context, token) =>
      'accountId' in token ? claimsOfLogin(context, String(token.accountId), population) : undefined,
    formats: {
      customizers: {
        jwt: (_context, token, { payload }) => {
          // The library puts its own, of a feature that is off, over what `extraTokenClaims` gives.
          Object.assign(payload ?? {}, { nbf: payload?.['iat'], authorization_details: attestOf(token) });
        },
      },
    },
  }) satisfies Configuration;

/** The one API that people log in for here. `resource` picks it, at each request for a token. */
export const resourceIndicators = (lifeSeconds: number) =>
  ({
    enabled: true,
    useGrantedResource: () => true,
    getResourceServerInfo: (_context, resource) => {
      if (resource !== kildeAudience) throw new errors.InvalidTarget();
      return {
        audience: kildeAudience,
        scope: 'kilde:api/read kilde:api/citizen kilde:api/admin',
        accessTokenFormat: 'jwt',
        accessTokenTTL: lifeSeconds,
        jwt: { sign: { alg: 'PS256' } },
      };
    },
  }) satisfies NonNullable<Configuration['features']>['resourceIndicators'];

/** HelseID tells how long a refresh token lives. */
export const tellRefreshLife = (provider: Provider): void => {
  provider.use(async (context, next) => {
    await next();
    const body: unknown = context.body;
    if (typeof body === 'object' && body !== null && 'refresh_token' in body)
      context.body = { ...body, rt_expires_in: refreshLifeSeconds };
  });
};

const page = (path: string) => `<!doctype html><html lang="nb"><meta charset="utf-8"><title>Sandkasse: logg inn</title>
<h1>Hvem er du?</h1><ul>${personaNames
  .filter(canLogIn)
  .map((name) => `<li><a href="${path}?persona=${name}">${personas[name].description.nb}</a></li>`)
  .join('')}</ul></html>`;

/**
 * The login page at `/connect/login/{uid}`: who to be. Nobody is asked for a secret; with the name of a persona as
 * `login_hint` nobody is asked at all. What the persona may not have of the scopes that were asked for, is not granted.
 */
export const answerLogin = async (
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://issuer');
  try {
    const { params } = await provider.interactionDetails(request, response);
    const accountId = searchParams.get('persona') ?? params['login_hint'];
    if (!canLogIn(accountId)) {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(page(pathname));
      return;
    }
    const asked = String(params['scope'] ?? '').split(' ');
    const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
    const ofTheApi = asked.filter((it) => it.startsWith(`${kildeAudience}/`));
    const own = scopeOf(personas[accountId]);
    grant.addOIDCScope(asked.filter((it) => !ofTheApi.includes(it)).join(' '));
    grant.addResourceScope(kildeAudience, ofTheApi.filter((it) => it === own).join(' '));
    grant.rejectResourceScope(kildeAudience, ofTheApi.filter((it) => it !== own).join(' '));
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(request, response, { login: { accountId }, consent });
  } catch {
    response.writeHead(400, { 'content-type': 'text/plain' }).end('This login is not known, or over');
  }
};
