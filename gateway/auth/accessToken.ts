import { hash } from 'node:crypto';
import { compactVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { AccessTokenClaims } from '../../schema/caller.ts';
import { readCompactJws, readJsonPart } from './compactJws.ts';
import { createIssuerKeys, type IssuerKeys } from './issuerKeys.ts';
import { Forbidden, Unauthenticated } from './refusal.ts';

export type VerifiedToken = {
  claims: AccessTokenClaims;
  /** base64url(SHA-256(token)), which a proof of possession must name (RFC 9449 4.2, `ath`). */
  digest: string;
};

/** How long a checked token is taken as checked, milliseconds. */
const rememberedMs = 30_000;
/** A token with an attest has about 3 kB; Node takes 16 kB for all headers together. */
const longestToken = 8_192;
/** Between our clock and the issuer's (HelseID: no more than a few seconds). */
const leewaySeconds = 5;
/** Longer-lived tokens than HelseID's. What a withdrawn right still allows ends with the token. */
const longestLifeSeconds = 3_600;

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

/** What must be right before anything else in the token is believed. Whole seconds: what is not, no issuer has written. */
const Registered = z.object({
  iss: z.string(),
  aud: z.string(),
  exp: z.int().positive(),
  iat: z.int().positive(),
  nbf: z.int().positive().optional(),
});

const checkRegistered = (payload: unknown, issuer: string, audience: string): void => {
  const { data, error } = Registered.safeParse(payload);
  if (!data) throw new Unauthenticated(`${String(error.issues[0]?.path[0] ?? 'payload')} is missing or malformed`);
  if (data.iss !== issuer) throw new Unauthenticated('iss is another');
  if (data.aud !== audience) throw new Unauthenticated('aud is another');
  const now = Date.now() / 1_000;
  if (data.exp + leewaySeconds < now) throw new Unauthenticated('the token has expired');
  if ((data.nbf ?? 0) - leewaySeconds > now) throw new Unauthenticated('nbf is to come');
  if (data.iat - leewaySeconds > now) throw new Unauthenticated('iat is to come');
  if (data.exp - data.iat > longestLifeSeconds) throw new Unauthenticated('the token lives too long');
};

const checkScope = ({ scope }: AccessTokenClaims, audience: string): void => {
  if (!scope.some((it) => it.startsWith(`${audience}/`)))
    throw new Forbidden('caller/scope', 'The token has no scope for this API', null);
};

/**
 * Checks access tokens as HelseID prescribes, in its order (reference 10.5): type, algorithm from a closed list, signature
 * by published key, exact issuer, exact and single audience, times with 5 s of leeway, scope.
 *
 * @param keys the issuer's own unless told otherwise
 */
export const createTokenCheck = (
  { issuer, audience }: { issuer: string; audience: string },
  keys: IssuerKeys = createIssuerKeys(issuer),
) => {
  // A token that was good a moment ago need not be checked again for each question of a busy client. The time is short,
  // because it is also how long a withdrawn key still works. Keyed by hash: the token itself is kept nowhere.
  const recent = new LRUCache<string, AccessTokenClaims>({ max: 10_000, ttl: rememberedMs });

  const check = async (token: string): Promise<AccessTokenClaims> => {
    const jws = readCompactJws(token, longestToken);
    if (!jws) throw new Unauthenticated('not a token');
    const { typ, alg } = jws.header;
    if (typ !== 'at+jwt' && typ !== 'JWT') throw new Unauthenticated('typ is another');
    if (!algorithms.includes(String(alg))) throw new Unauthenticated('alg is not accepted');
    await compactVerify(token, keys, { algorithms }).catch(() => {
      throw new Unauthenticated('the signature is not by a key of the issuer');
    });
    const payload = readJsonPart(jws.payloadText);
    checkRegistered(payload, issuer, audience);
    const claims = AccessTokenClaims.safeParse(payload);
    if (!claims.success) throw new Unauthenticated('claims are missing or malformed');
    checkScope(claims.data, audience);
    return claims.data;
  };

  /** @throws Unauthenticated, Forbidden */
  return async (token: string): Promise<VerifiedToken> => {
    const digest = hash('sha256', token, 'base64url');
    const known = recent.get(digest);
    if (known && known.exp + leewaySeconds > Date.now() / 1_000) return { claims: known, digest };
    const claims = await check(token);
    recent.set(digest, claims);
    return { claims, digest };
  };
};
