import { Pool } from 'undici';

export type Load = {
  url: string;
  /** Headers of several callers, in turn: answers that one caller may share with itself must not count for all of them. */
  callers: readonly Record<string, string>[];
  body: string;
};

const createAsk = ({ url, callers, body }: Load, connections: number) => {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  const ask = async (turn: number) => {
    const headers = callers[turn % callers.length] ?? {};
    const response = await pool.request({ method: 'POST', path: pathname, headers, body });
    const answer = await response.body.text();
    if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}: ${answer.slice(0, 300)}`);
  };
  return { ask, close: () => pool.close() };
};

/** Closed loop: `connections` that each send the next request when the last is answered. @returns milliseconds of each */
export const drive = async (load: Load, connections: number, durationMs: number): Promise<number[]> => {
  const { ask, close } = createAsk(load, connections);
  const latenciesMs: number[] = [];
  const end = performance.now() + durationMs;
  const connection = async (turn: number) => {
    while (performance.now() < end) {
      const start = performance.now();
      await ask(turn);
      latenciesMs.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, turn) => connection(turn)));
  await close();
  return latenciesMs;
};

/**
 * Open loop: a request each `1000 / perSecond` ms whether or not others have been answered, and its time counted from when it
 * was due, so that a slow answer is not hidden by the requests that then were not sent. @returns milliseconds of each
 */
export const driveAtRate = async (load: Load, perSecond: number, durationMs: number): Promise<number[]> => {
  const { ask, close } = createAsk(load, 256);
  const begin = performance.now();
  const count = Math.floor((durationMs / 1_000) * perSecond);
  const latenciesMs = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const due = begin + (i * 1_000) / perSecond;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      await ask(i);
      return performance.now() - due;
    }),
  );
  await close();
  return latenciesMs;
};

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};
