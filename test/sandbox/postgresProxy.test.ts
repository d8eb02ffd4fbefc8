import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type PostgresProxy, startPostgresProxy } from '../../sandbox/postgresProxy.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';

let postgres: TestPostgres;
let proxy: PostgresProxy;
beforeAll(async () => {
  postgres = await startTestPostgres();
  proxy = await startPostgresProxy({ name: 'hendelseslager', target: postgres.url });
});
afterAll(async () => {
  await proxy?.close();
  await postgres?.stop();
});
beforeEach(() => {
  proxy.fault.current = {};
});

const connected = async (): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: proxy.url, connectionTimeoutMillis: 3_000 });
  client.on('error', () => {});
  await client.connect();
  return client;
};

it('the proxy passes everything on, in order, also what is larger than one packet', async () => {
  const client = await connected();
  const { rows } = await client.query("select repeat('å', 2000000) as text, $1::text as echo", ['ø'.repeat(500_000)]);
  expect([rows[0].text.length, rows[0].echo]).toEqual([2_000_000, 'ø'.repeat(500_000)]);
  await client.end();
});

it('down resets the connections that are open and the new ones, until it is healed', async () => {
  const client = await connected();
  const ended = new Promise((resolve) => client.once('end', resolve));
  proxy.fault.current = { down: true };
  await ended;
  await expect(connected()).rejects.toThrow();
  proxy.fault.current = {};
  await (await connected()).end();
});

it('hang freezes open and new connections, which go on when it is healed', async () => {
  const client = await connected();
  proxy.fault.current = { hang: true };
  let answered = 0;
  const asked = client.query('select 1').then(() => (answered += 1));
  const joining = connected().then((joined) => {
    answered += 1;
    return joined;
  });
  // Another proxy's round trips are the clock: many of them pass, and the frozen one has said nothing.
  const other = await startPostgresProxy({ name: 'other', target: postgres.url });
  const clock = new pg.Client(other.url);
  await clock.connect();
  for (let i = 0; i < 50; i += 1) await clock.query('select 1');
  expect(answered).toBe(0);
  await clock.end();
  await other.close();
  proxy.fault.current = {};
  await asked;
  await (await joining).end();
  await client.end();
});

it('latencyMs delays each answer', async () => {
  const client = await connected();
  proxy.fault.current = { latencyMs: 200 };
  const started = performance.now();
  await client.query('select 1');
  expect(performance.now() - started).toBeGreaterThan(190);
  proxy.fault.current = {};
  const again = performance.now();
  await client.query('select 1');
  expect(performance.now() - again).toBeLessThan(190);
  await client.end();
});

it('errorRate resets that share of new connections and leaves open ones alone', async () => {
  const client = await connected();
  proxy.fault.current = { errorRate: 1 };
  await expect(connected()).rejects.toThrow();
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  proxy.fault.current = { errorRate: 0 };
  await (await connected()).end();
  await client.end();
});
