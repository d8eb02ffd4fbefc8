import { hash } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { AccessTokenClaims } from '../../schema/caller.ts';

export type Verified = { claims: AccessTokenClaims; token: string };

/** The caller is not known: 401. `reason` is for the protected log; callers all get the same answer. */
export class Unauthenticated extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super('A valid access token is required');
    this.reason = reason;
  }
}

/** How long a checked token is taken as checked, milliseconds. */
const rememberedMs = 30_000;

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

const Metadata = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** The issuer's keys, found through its metadata when first needed: the gateway starts also while the issuer is down. */
const createKeys = (issuer: string): JWTVerifyGetKey => {
  let keys: Promise<JWTVerifyGetKey> | null = null;
  const discover = async () => {
    const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(2_000),
      redirect: 'error',
    });
    const metadata = Metadata.parse(await answer.json());
    if (metadata.issuer !== issuer) throw new Error('the metadata names another issuer');
    return createRemoteJWKSet(new URL(metadata.jwks_uri), { timeoutDuration: 2_000, cooldownDuration: 10_000 });
  };
  return async (header, token) => {
    keys ??= discover();
    try {
      return await (await keys)(header, token);
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) keys = null; // not found yet: look again next time
      throw error;
    }
  };
};

/**
 * Checks access tokens as HelseID prescribes (reference 10.5): type, algorithm from a closed list, signature by published
 * key, exact issuer, exact and single audience, times with 5 s of leeway, binding.
 *
 * A token that is bound to a key is refused as Bearer; proofs of possession are not accepted yet, so bound tokens are
 * refused altogether.
 */
export const createVerifier = ({ issuer, audience }: { issuer: string; audience: string }) => {
  const keys = createKeys(issuer);
  // A token that was good a moment ago need not be checked again for each question of a busy client. The time is short,
  // because it is also how long a withdrawn key still works. Keyed by hash: the token itself is kept nowhere.
  const recent = new LRUCache<string, Verified['claims']>({ max: 10_000, ttl: rememberedMs });

  const check = async (token: string): Promise<AccessTokenClaims> => {
    try {
      const { typ } = decodeProtectedHeader(token);
      if (typ !== 'at+jwt' && typ !== 'JWT') throw new Unauthenticated('typ');
      const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms, clockTolerance: 5 });
      if (Array.isArray(payload.aud)) throw new Unauthenticated('several audiences');
      const claims = AccessTokenClaims.safeParse(payload);
      if (!claims.success) throw new Unauthenticated('claims');
      if (claims.data.cnf) throw new Unauthenticated('bound token as bearer');
      return claims.data;
    } catch (error) {
      if (error instanceof Unauthenticated) throw error;
      throw new Unauthenticated((error as { code?: string }).code ?? 'invalid');
    }
  };

  /** @throws Unauthenticated */
  return async (authorization: string | undefined): Promise<Verified> => {
    const [scheme, token, ...rest] = authorization?.split(' ') ?? [];
    if (scheme !== 'Bearer' || !token || rest.length > 0) throw new Unauthenticated('no bearer token');
    const key = hash('sha256', token, 'base64url');
    const known = recent.get(key);
    if (known && known.exp * 1_000 > Date.now()) return { claims: known, token };
    const claims = await check(token);
    recent.set(key, claims);
    return { claims, token };
  };
};
