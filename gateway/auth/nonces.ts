import { createHmac } from 'node:crypto';

export type Nonces = {
  current(nowMs: number): string;
  accepts(nonce: unknown, nowMs: number): boolean;
};

const rotationMs = 60_000;

/**
 * Nonces for DPoP proofs (RFC 9449 8), new every minute: nobody can make a proof for later. Nothing is kept, and whoever
 * has the same key gives and takes the same ones; that of the minute before is still good, and the next one's is, for a
 * replica whose clock is a little behind.
 */
export const createNonces = (key: Buffer): Nonces => {
  const at = (minute: number) => createHmac('sha256', key).update(String(minute)).digest('base64url').slice(0, 22);
  const minuteOf = (nowMs: number) => Math.floor(nowMs / rotationMs);
  let known: { minute: number; current: string; accepted: ReadonlySet<unknown> } | null = null;
  const of = (nowMs: number) => {
    const minute = minuteOf(nowMs);
    if (known?.minute !== minute) {
      const current = at(minute);
      known = { minute, current, accepted: new Set([at(minute - 1), current, at(minute + 1)]) };
    }
    return known;
  };
  return {
    current: (nowMs) => of(nowMs).current,
    accepts: (nonce, nowMs) => of(nowMs).accepted.has(nonce),
  };
};
