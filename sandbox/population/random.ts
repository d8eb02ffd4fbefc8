import { hash } from 'node:crypto';

/** A stream of chance that is the same for the same words, so that tests and documentation can rely on what it gives. */
export type Random = {
  /** At least 0, less than 1. */
  next(): number;
  /** Whole number, both ends included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
};

const digest = (parts: readonly (string | number)[]) => hash('sha256', parts.join('\u0000'), 'hex');

/** Mulberry32, seeded from `parts`. */
export const randomFor = (...parts: (string | number)[]): Random => {
  let state = Number.parseInt(digest(parts).slice(0, 8), 16);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (from) => from[between(0, from.length - 1)]!,
  };
};

/** A UUID that is the same for the same words. Never made from a national id. */
export const uuidFor = (...parts: (string | number)[]): string => {
  const hex = digest(['uuid', ...parts]);
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) % 4]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
