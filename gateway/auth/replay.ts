import { hash } from 'node:crypto';
import type { RedisLink } from '../../schema/redis.ts';

/** `unknown`: it cannot be told. Only `first` may be let in. */
export type Use = 'first' | 'again' | 'unknown';

export type ReplayGuard = {
  /** Takes note of a proof's `jti` under its key's thumbprint, in one step with finding out whether it was there. */
  use(jkt: string, jti: string): Promise<{ here: Use; everywhere: Use }>;
};

/**
 * What this process has seen in the last `ttlMs`. When full it says `unknown` and forgets nothing: forgetting would let
 * a flood make room for a replay. By a clock that never goes back.
 */
const createMemory = (ttlMs: number, capacity: number, nowMs: () => number) => {
  const seen = new Map<string, number>(); // in the order of time, because all live equally long
  return (key: string): Use => {
    const now = nowMs();
    for (const [old, until] of seen) {
      if (until > now) break;
      seen.delete(old);
    }
    if (seen.has(key)) return 'again';
    if (seen.size >= capacity) return 'unknown';
    seen.set(key, now + ttlMs);
    return 'first';
  };
};

/**
 * Remembers used proofs: here, and with `redis` for all replicas, by one atomic `SET … NX PX`. Here too, so that a write
 * that Redis loses when its master fails lets nothing in twice at the same replica. Keys are hashes: Redis learns neither
 * key nor proof.
 *
 * @param ttlMs the whole time in which a proof could be accepted, and more
 */
export const createReplayGuard = ({
  ttlMs,
  redis,
  capacity = 250_000,
  nowMs = () => performance.now(),
}: {
  ttlMs: number;
  redis: Pick<RedisLink, 'run'> | null;
  capacity?: number;
  nowMs?: () => number;
}): ReplayGuard => {
  const noteHere = createMemory(ttlMs, capacity, nowMs);
  return {
    async use(jkt, jti) {
      const key = hash('sha256', `${jkt}${jti}`, 'base64url'); // a thumbprint has always 43 characters
      const here = noteHere(key);
      if (!redis || here !== 'first') return { here, everywhere: here };
      const answer = await redis.run((it) => it.set(`kilde:dpop:${key}`, '1', 'PX', ttlMs, 'NX'));
      if (!answer.ok) return { here, everywhere: 'unknown' };
      return { here, everywhere: answer.value === 'OK' ? 'first' : 'again' };
    },
  };
};
