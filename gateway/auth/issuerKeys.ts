import { type CryptoKey, createLocalJWKSet, errors, type FlattenedJWSInput, type JWTHeaderParameters } from 'jose';
import * as z from 'zod';
import { log } from '../log.ts';

/** The issuer's key for a token. @throws when there is none, or it cannot be known now */
export type IssuerKeys = (header: JWTHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

const times = {
  timeoutMs: 2_000,
  /** Keys older than this are looked at again, while the ones at hand are still used. */
  refreshMs: 5 * 60_000,
  /** Keys older than this are used no more: a withdrawn key must not live for as long as the issuer is down. */
  maxAgeMs: 60 * 60_000,
  /** Between two looks, whatever unknown keys tokens name. */
  restMs: 10_000,
  /** The same, while there is no usable key at all. */
  restWithoutKeysMs: 1_000,
};
const longestAnswerBytes = 256_000;

const Metadata = z.object({ issuer: z.string(), jwks_uri: z.url() });
const Jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });

/** Never follows a redirect, which could lead into our own network; stops reading what is too long for an answer. */
const getJson = async (url: string, signal: AbortSignal): Promise<unknown> => {
  const answer = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (answer.status !== 200 || !answer.body) throw new Error(`status ${answer.status}`);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body) {
    bytes += part.length;
    if (bytes > longestAnswerBytes) throw new Error('the answer is too long');
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
};

/**
 * The issuer's published keys, found through its metadata when first needed: the gateway starts also while the issuer is
 * down. A key that is not known has them looked up once more, but not more often than every 10 seconds, and everybody
 * waits for the same look. While the issuer does not answer, the last known keys serve for an hour, and then none.
 *
 * @param nowMs a clock that never goes back
 */
export const createIssuerKeys = (issuer: string, nowMs: () => number = () => performance.now()): IssuerKeys => {
  let held: { find: ReturnType<typeof createLocalJWKSet>; atMs: number } | null = null;
  let looking: Promise<void> | null = null;
  let lookedAtMs = Number.NEGATIVE_INFINITY;

  const load = async () => {
    const signal = AbortSignal.timeout(times.timeoutMs);
    const metadata = Metadata.parse(
      await getJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal),
    );
    if (metadata.issuer !== issuer) throw new Error('the metadata name another issuer');
    if (new URL(metadata.jwks_uri).origin !== new URL(issuer).origin) throw new Error('the keys are elsewhere');
    const { keys } = Jwks.parse(await getJson(metadata.jwks_uri, signal));
    const signing = keys.filter(({ use, kty }) => use !== 'enc' && kty !== 'oct');
    if (signing.length === 0) throw new Error('no keys are published');
    held = { find: createLocalJWKSet({ keys: signing }), atMs: nowMs() };
  };

  const look = (): Promise<void> => {
    lookedAtMs = nowMs();
    looking ??= load()
      .catch((error: Error) => log.warn({ error: error.name }, 'the issuer’s keys could not be read'))
      .finally(() => {
        looking = null;
      });
    return looking;
  };

  const usable = () => (held && nowMs() - held.atMs < times.maxAgeMs ? held : null);
  const mayLook = () => nowMs() - lookedAtMs >= (usable() ? times.restMs : times.restWithoutKeysMs);

  return async (header, token) => {
    if (!usable() && (looking || mayLook())) await look();
    const keys = usable();
    if (!keys) throw new errors.JWKSNoMatchingKey();
    if (nowMs() - keys.atMs > times.refreshMs && mayLook()) void look();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !(looking || mayLook())) throw error;
      await look();
      return await (usable() ?? keys).find(header, token);
    }
  };
};
