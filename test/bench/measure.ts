import { Pool } from 'undici';

/** Headers for one request to this URL, a proof of its own among them. */
export type Caller = (url: string) => Promise<Record<string, string>>;

export type Load = {
  url: string;
  /** Several, in turn: answers that one caller may share with itself must not count for all of them. */
  callers: readonly Caller[];
  body: string;
};

/** The time that counts begins when the request is sent: making its proof is the client's work. */
const createAsk = ({ url, callers, body }: Load, connections: number) => {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  const ask = async (turn: number) => {
    const headers = await callers[turn % callers.length]!(url);
    const sentAt = performance.now();
    const response = await pool.request({ method: 'POST', path: pathname, headers, body });
    const answer = await response.body.text();
    return { sentAt, refusal: response.statusCode === 200 ? null : `${response.statusCode}: ${answer.slice(0, 300)}` };
  };
  return { ask, close: () => pool.close() };
};

export type Driven = {
  latenciesMs: number[];
  /** Requests that were answered with something else than 200. */
  refused: number;
};

/**
 * Closed loop: `connections` that each send the next request when the last is answered.
 *
 * @throws when one is refused: so few at a time are nobody's too many
 */
export const drive = async (load: Load, connections: number, durationMs: number): Promise<Driven> => {
  const { ask, close } = createAsk(load, connections);
  const latenciesMs: number[] = [];
  const end = performance.now() + durationMs;
  const connection = async (turn: number) => {
    while (performance.now() < end) {
      const { sentAt, refusal } = await ask(turn);
      if (refusal) throw new Error(`${load.url} answered ${refusal}`);
      latenciesMs.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, turn) => connection(turn)));
  await close();
  return { latenciesMs, refused: 0 };
};

/**
 * Open loop: a request each `1000 / perSecond` ms whether or not others have been answered, and its time counted from when it
 * was due, so that a slow answer is not hidden by the requests that then were not sent. Whoever is asked too much may
 * refuse: that is counted.
 */
export const driveAtRate = async (load: Load, perSecond: number, durationMs: number): Promise<Driven> => {
  const { ask, close } = createAsk(load, 256);
  const begin = performance.now();
  const count = Math.floor((durationMs / 1_000) * perSecond);
  let refused = 0;
  const latenciesMs = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const due = begin + (i * 1_000) / perSecond;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      const { refusal } = await ask(i);
      if (refusal) refused += 1;
      return performance.now() - due;
    }),
  );
  await close();
  return { latenciesMs, refused };
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
