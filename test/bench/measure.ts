import type { ChildProcess } from 'node:child_process';
import { Pool } from 'undici';

/** What a process under test has used since it started, by its own account. */
export type Usage = { cpuMs: number; rssMb: number };

/** Answers `usage` questions of the parent; every program under test calls it once. */
export const reportUsage = (): void => {
  process.on('message', (message) => {
    if (message !== 'usage') return;
    const { user, system } = process.cpuUsage();
    process.send?.({ usage: { cpuMs: (user + system) / 1_000, rssMb: process.memoryUsage.rss() / 1_048_576 } });
  });
};

export const usageOf = (child: ChildProcess): Promise<Usage> =>
  new Promise((resolve) => {
    const listen = (message: unknown) => {
      if (typeof message !== 'object' || message === null || !('usage' in message)) return;
      child.off('message', listen);
      resolve(message.usage as Usage);
    };
    child.on('message', listen);
    child.send('usage');
  });

export type Load = {
  url: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  requests: number;
  connections: number;
};

/** Sends `requests` over `connections` that are never idle. @returns milliseconds of each, sorted, and the last answer */
export const drive = async ({
  url,
  path,
  headers,
  body,
  requests,
  connections,
}: Load): Promise<{ latenciesMs: number[]; answer: string }> => {
  const pool = new Pool(url, { connections });
  const latenciesMs: number[] = [];
  let left = requests;
  let answer = '';
  const worker = async () => {
    while (left-- > 0) {
      const start = performance.now();
      const response = await pool.request({ method: 'POST', path, headers, body });
      answer = await response.body.text();
      latenciesMs.push(performance.now() - start);
      if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}: ${answer.slice(0, 300)}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  await pool.close();
  return { latenciesMs: latenciesMs.sort((a, b) => a - b), answer };
};

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export const median = (values: readonly number[]): number =>
  percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
