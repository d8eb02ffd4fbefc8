import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DatabaseSource, openDatabaseSource } from '../../../subgraphs/_shared/databaseSource.ts';
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts';

let postgres: TestPostgres;
let source: DatabaseSource;
const connections = 10;

beforeAll(async () => {
  postgres = await startTestPostgres();
  source = await openDatabaseSource({ name: 'STORE', url: postgres.url, schema: 'store', steps: [] });
});
afterAll(async () => {
  await source?.close();
  await postgres?.stop();
});

const soon = () => AbortSignal.timeout(2_000);
const timeout = { ok: false, error: { kind: 'timeout', source: 'STORE' } };
const running = async (text: string): Promise<number> => {
  const found = await source.query<{ count: number }>(
    `select count(*)::int from pg_stat_activity where state = 'active' and query = $1`,
    [text],
    soon(),
  );
  return found.ok ? found.value[0]!.count : Number.NaN;
};

it('a query gives its rows, and is prepared once on a connection, whatever it is asked with', async () => {
  const text = 'select $1::int + 1 as next';
  for (const value of [1, 2, 3])
    expect(await source.query(text, [value], soon())).toEqual({ ok: true, value: [{ next: value + 1 }] });
  const prepared = await source.query<{ statement: string }>(
    'select statement from pg_prepared_statements',
    [],
    soon(),
  );
  expect(prepared.ok && prepared.value.filter(({ statement }) => statement === text)).toHaveLength(1);
});

it('queries that nobody waits for any more give up their places at once', async () => {
  const text = 'select pg_sleep(1.5)';
  const client = new AbortController();
  const left = Array.from({ length: connections - 1 }, () => source.query(text, [], client.signal));
  await expect.poll(() => running(text)).toBe(connections - 1);
  const started = performance.now();
  client.abort(new DOMException('gone', 'AbortError'));
  expect(await Promise.all(left)).toMatchObject(left.map(() => timeout));
  const next = await Promise.all(
    Array.from({ length: connections }, () => source.query('select 1 as one', [], soon())),
  );
  expect(next).toEqual(next.map(() => ({ ok: true, value: [{ one: 1 }] })));
  expect(performance.now() - started).toBeLessThan(1_000); // before the first sleep is over
});

it('queries that never got a place take none when their request has ended', async () => {
  const text = 'select pg_sleep(0.3)';
  const busy = Array.from({ length: connections }, () => source.query(text, [], soon()));
  const client = new AbortController();
  const waiting = busy.map(() => source.query('select 2 as two', [], client.signal));
  client.abort(new DOMException('gone', 'AbortError'));
  expect(await Promise.all(waiting)).toMatchObject(waiting.map(() => timeout));
  expect((await Promise.all(busy)).every(({ ok }) => ok)).toBe(true);
  const all = await Promise.all(Array.from({ length: connections }, () => source.query(text, [], soon())));
  expect(all.every(({ ok }) => ok)).toBe(true);
});

it('a query that PostgreSQL refuses for what it says throws, and leaves its connection usable', async () => {
  const backends = new Set<number>();
  const note = async () => {
    const found = await source.query<{ pid: number }>('select pg_backend_pid() as pid', [], soon());
    if (found.ok) backends.add(found.value[0]!.pid);
  };
  await note();
  await expect(source.query('select nothing from nowhere', [], soon())).rejects.toThrow('nowhere');
  await note();
  expect(backends.size).toBe(1);
});
