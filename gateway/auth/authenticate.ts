import { randomBytes, randomUUID } from 'node:crypto';
import type { Caller } from '../../schema/caller.ts';
import { deriveKey } from '../../schema/keys.ts';
import type { RedisLink } from '../../schema/redis.ts';
import type { AccessLog } from '../audit/accessLog.ts';
import type { Config } from '../config.ts';
import { createTokenCheck, type VerifiedToken } from './accessToken.ts';
import { toCaller } from './caller.ts';
import { createNonces } from './nonces.ts';
import { createProofCheck } from './proof.ts';
import { Forbidden, Unauthenticated, Unverifiable } from './refusal.ts';
import { createReplayGuard } from './replay.ts';

/** What of a request says who asks. */
export type Asking = {
  method: string;
  /** Without query. */
  path: string;
  /** Names and values in turn, as Node has read them: two headers of one name are still two. */
  rawHeaders: readonly string[];
  /** Port of ours that the request came in at. */
  localPort: number | undefined;
  traceId: string;
};

export type Authenticated = {
  caller: Caller;
  token: string;
  /** The nonce for the client's next proof, when that is another than it has used. */
  nextNonce: string | null;
};

/** @throws Unauthenticated, Forbidden, Unverifiable */
export type Authenticate = (asking: Asking) => Promise<Authenticated>;

const credentials = /^(Bearer|DPoP) ([A-Za-z0-9._-]+)$/;
/** Clocks of replicas and of Redis may differ by as much. */
const replaySlackSeconds = 10;

const valuesOf = (rawHeaders: readonly string[], name: string): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);

const readCredentials = (rawHeaders: readonly string[]) => {
  const [header, ...others] = valuesOf(rawHeaders, 'authorization');
  if (header === undefined) throw new Unauthenticated('no access token', 'none');
  const [, scheme, token] = credentials.exec(header) ?? [];
  if (!scheme || !token || others.length > 0) throw new Unauthenticated('not one access token');
  return { scheme, token };
};

export type AuthenticationParts = {
  config: Pick<Config, 'helseId' | 'rootKey' | 'environment' | 'host' | 'publicUrl' | 'dpop'>;
  /** What replicas share; `null` for one process alone. */
  redis: Pick<RedisLink, 'run'> | null;
  accessLog: Pick<AccessLog, 'write'>;
};

/**
 * Finds out who asks, in HelseID's order (reference 10.5): access token, proof of possession, person, organisation, attest.
 * A token that is bound to a key comes with the scheme `DPoP` and a proof; one that is not, as `Bearer`, in the sandbox
 * only. Refusals that name a person are written to the access log.
 */
export const createAuthenticate = ({ config, redis, accessLog }: AuthenticationParts): Authenticate => {
  const { pastSeconds, futureSeconds, nonce: nonceMode } = config.dpop;
  const checkToken = createTokenCheck(config.helseId);
  const checkProof = createProofCheck(config.dpop);
  const replay = createReplayGuard({ ttlMs: (pastSeconds + futureSeconds + replaySlackSeconds) * 1_000, redis });
  // Where nonces stand in for Redis, one of another replica must not do: that replica's memory is not ours.
  const nonces = createNonces(nonceMode === 'always' ? deriveKey(config.rootKey, 'dpop-nonce') : randomBytes(32));

  const demandNonce = (): never => {
    throw new Unauthenticated('a nonce of this server is required', 'use_dpop_nonce', nonces.current(Date.now()));
  };

  const ownHost = ['0.0.0.0', '::'].includes(config.host) ? 'localhost' : config.host;
  const urlOf = ({ path, localPort }: Asking): string => {
    return `${config.publicUrl ?? `http://${ownHost}:${localPort}`}${path}`;
  };

  /** @returns the next nonce, when there is a newer one */
  const prove = async (asking: Asking, { claims, digest }: VerifiedToken): Promise<string | null> => {
    const jkt = claims.cnf?.jkt;
    if (!jkt) throw new Unauthenticated('the token is not bound to a key');
    const [proof, ...others] = valuesOf(asking.rawHeaders, 'dpop');
    if (!proof || others.length > 0) throw new Unauthenticated('not one proof', 'invalid_dpop_proof');
    const { jti, nonce } = checkProof(proof, {
      method: asking.method,
      url: urlOf(asking),
      tokenDigest: digest,
      jkt,
    });
    const isOurs = nonceMode !== 'never' && nonces.accepts(nonce, Date.now());
    // A nonce that another replica has given, while Redis was away, was perhaps used there.
    const isForeign = nonceMode === 'withoutRedis' && nonce !== undefined && !isOurs;
    if ((nonceMode === 'always' && !isOurs) || isForeign) demandNonce();
    const { here, everywhere } = await replay.use(jkt, jti);
    if (everywhere === 'again') throw new Unauthenticated('the proof has been used', 'invalid_dpop_proof');
    if (here === 'unknown') throw new Unverifiable('too many proofs');
    if (everywhere === 'unknown') {
      if (nonceMode !== 'withoutRedis') throw new Unverifiable('Redis');
      if (!isOurs) demandNonce();
    }
    if (nonceMode !== 'always') return null;
    const next = nonces.current(Date.now());
    return next === nonce ? null : next;
  };

  const log = async ({ rule, caller }: Forbidden, traceId: string): Promise<void> => {
    if (!caller) return;
    await accessLog
      .write({
        scope: { caller, traceId, eventId: randomUUID() },
        person: null,
        decision: { mayKnow: false, rule, categories: new Map() },
        categories: new Set(),
        sources: [],
        at: new Date(),
      })
      .catch(() => {}); // the log has said so itself, and a refusal releases nothing
  };

  return async (asking) => {
    const { scheme, token } = readCredentials(asking.rawHeaders);
    if (scheme === 'Bearer' && config.environment === 'production')
      throw new Unauthenticated('tokens must be bound to a key');
    const verified = await checkToken(token);
    if (scheme === 'Bearer' && verified.claims.cnf) throw new Unauthenticated('the token is bound to a key');
    const nextNonce = scheme === 'DPoP' ? await prove(asking, verified) : null;
    try {
      return { caller: toCaller(verified.claims, Date.now() / 1_000), token, nextNonce };
    } catch (error) {
      if (error instanceof Forbidden) await log(error, asking.traceId);
      throw error;
    }
  };
};
