import { Pool } from 'undici';

export type Load = {
  url: string;
  headers: Record<string, string>;
  body: string;
  connections: number;
  durationMs: number;
};

/** Closed loop: `connections` that each send the next request when the last is answered. @returns milliseconds of each */
export const drive = async ({ url, headers, body, connections, durationMs }: Load): Promise<number[]> => {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections });
  const latenciesMs: number[] = [];
  const end = performance.now() + durationMs;
  const connection = async () => {
    while (performance.now() < end) {
      const start = performance.now();
      const response = await pool.request({ method: 'POST', path: pathname, headers, body });
      const answer = await response.body.text();
      latenciesMs.push(performance.now() - start);
      if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}: ${answer.slice(0, 300)}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  await pool.close();
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
