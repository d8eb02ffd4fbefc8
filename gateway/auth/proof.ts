import { LRUCache } from 'lru-cache';
import { log } from '../log.ts';
import { readCompactJws, readJsonPart } from './compactJws.ts';
import { type ProofKey, readProofKey } from './proofKey.ts';
import { Unauthenticated } from './refusal.ts';

/** The request that a proof must be for. */
export type Proven = {
  method: string;
  /** As clients know it, of the configuration and the path: never of a header that a client or a proxy sends. */
  url: string;
  /** base64url(SHA-256(access token)). */
  tokenDigest: string;
  /** `cnf.jkt` of the access token. */
  jkt: string;
};

/** How far `iat` may lie from our clock. */
export type ProofWindow = { pastSeconds: number; futureSeconds: number };

const longestProof = 4_096;
const longestJti = 256;
const refuse = (reason: string): never => {
  throw new Unauthenticated(reason, 'invalid_dpop_proof');
};

/** Query and fragment are not part of what a proof is for (RFC 9449 4.3); case and default port are the URL's own matter. */
const isSameAddress = (htu: unknown, url: string): boolean => {
  if (htu === url) return true;
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false;
  const parsed = new URL(htu);
  parsed.search = '';
  parsed.hash = '';
  return parsed.href === new URL(url).href;
};

/**
 * Checks DPoP proofs in HelseID's order (reference 2.1, 10.4; RFC 9449 4.3): type, algorithm and key; thumbprint; signature;
 * `ath`, `jti`, `htm`, `htu`, `iat`. Whether the proof was used before, and its nonce, are the caller's to check.
 *
 * Signatures are verified on this thread and keys kept by the header's text: a third of what the same costs with `jose`.
 */
export const createProofCheck = ({ pastSeconds, futureSeconds }: ProofWindow) => {
  const keys = new LRUCache<string, ProofKey>({ max: 5_000 });
  let latest = 0;

  /**
   * Were our clock set back, a proof could be good again after it is forgotten. So the oldest that is taken is judged by the
   * latest time that the clock has shown: none is taken twice, at the price of taking none until the clock is there again.
   */
  const isTimely = (iat: unknown): boolean => {
    const now = Date.now() / 1_000;
    if (now < latest - futureSeconds) log.error({ seconds: Math.round(latest - now) }, 'the clock has been set back');
    latest = Math.max(latest, now);
    return typeof iat === 'number' && iat <= now + futureSeconds && iat >= latest - pastSeconds;
  };

  /** @throws Unauthenticated */
  return (proof: string, { method, url, tokenDigest, jkt }: Proven): { jti: string; nonce: unknown } => {
    const jws = readCompactJws(proof, longestProof) ?? refuse('not a proof');
    const key = keys.get(jws.headerText) ?? readProofKey(jws.header) ?? refuse('typ, alg or jwk is not accepted');
    keys.set(jws.headerText, key);
    if (key.jkt !== jkt) refuse('the key is not the one that the token is bound to');
    if (!key.isSignedBy(jws.signed, jws.signature)) refuse('the signature is not by the key in jwk');
    const { ath, jti, htm, htu, iat, nonce } = readJsonPart(jws.payloadText) ?? refuse('not a proof');
    if (ath !== tokenDigest) refuse('ath is of another token');
    if (typeof jti !== 'string' || jti === '' || jti.length > longestJti) return refuse('jti is missing or too long');
    if (htm !== method) refuse('htm is another method');
    if (!isSameAddress(htu, url)) refuse('htu is another address');
    if (!isTimely(iat)) refuse('iat is too old or to come');
    return { jti, nonce };
  };
};
