import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RouteAnswer, Subgraph } from '../../schema/subgraph.ts';
import { createDatabase } from '../../subgraphs/_shared/database.ts';
import { openDatabaseSource } from '../../subgraphs/_shared/databaseSource.ts';
import { readCloudEvent } from '../../subgraphs/hendelseslager/ingest/cloudEvent.ts';
import { type Append, appendEvents } from '../../subgraphs/hendelseslager/store/append.ts';
import { migrations } from '../../subgraphs/hendelseslager/store/migrations.ts';
import { createPersonKeys } from '../../subgraphs/hendelseslager/store/personKey.ts';
import hendelseslager from '../../subgraphs/hendelseslager/subgraph.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { callRoute, cloudEvent, environment, fjordarm, testdal } from './hendelseslagerSetup.ts';

let postgres: TestPostgres;
let pool: pg.Pool;
let subgraph: Subgraph;

beforeAll(async () => {
  postgres = await startTestPostgres();
  pool = createDatabase(postgres.url);
  subgraph = await hendelseslager.create(environment(postgres.url));
});
afterAll(async () => {
  await Promise.all([subgraph?.close(), pool?.end()]);
  await postgres?.stop();
});

const positions = async (after: string): Promise<string[]> => {
  const { rows } = await pool.query<{ position: string }>(
    'select position from hendelseslager.event where position > $1 order by position',
    [after],
  );
  return rows.map(({ position }) => position);
};
const lastPosition = async () =>
  (await pool.query<{ last: string }>('select last from hendelseslager.counter')).rows[0]!.last;

const append = (): Append => {
  const body = cloudEvent(fjordarm);
  const event = readCloudEvent(body, Buffer.from(JSON.stringify(body)), 'sandbox', new Date(), testdal);
  if (!event.ok) throw new Error('not an event');
  return { event: event.value, rows: { services: [], panels: [] }, appRec: null };
};
const origin = { legalEntity: testdal, pointOfCare: null, clientId: 'test', sourceSystem: 'Test' };
const store = (database: Parameters<typeof appendEvents>[0]) =>
  appendEvents(
    database,
    createPersonKeys(Buffer.alloc(32)),
    origin,
    [append()],
    new Date(),
    AbortSignal.timeout(5_000),
  );

/** Whether somebody waits for a lock: how the test knows, without sleeping, that the second writer has come to the first's. */
const someoneWaits = async (): Promise<boolean> => {
  const { rows } = await pool.query<{ waiting: boolean }>(
    'select exists (select from pg_locks where not granted) as waiting',
  );
  return rows[0]!.waiting;
};

it('a reader that polls by position never skips an event whose transaction commits late', async () => {
  const database = await openDatabaseSource({
    name: 'TEST',
    url: postgres.url,
    schema: 'hendelseslager',
    steps: migrations,
  });
  const before = await lastPosition();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let arrived = () => {};
  const atCommit = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  // The first writer has its position and is stopped right before it commits.
  const slow = store({
    ...database,
    transaction: (work, signal) =>
      database.transaction(async (client) => {
        const value = await work(client);
        arrived();
        await held;
        return value;
      }, signal),
  });
  await atCommit;
  const quick = store(database);
  while (!(await someoneWaits()));
  expect(await positions(before)).toEqual([]); // with a sequence, the quick one's position 2 would be here, and 1 come after
  release();
  const stored = await Promise.all([slow, quick]);
  expect(stored.every((it) => it.ok && it.value.ok)).toBe(true);
  expect(await positions(before)).toEqual([String(BigInt(before) + 1n), String(BigInt(before) + 2n)]);
  await database.close();
});

it('a poller sees every event once, in order, while many are written and some fail', async () => {
  const before = await lastPosition();
  const seen: string[] = [];
  let writing = true;
  const polling = (async () => {
    for (let more = true; more; ) {
      more = writing;
      seen.push(...(await positions(seen.at(-1) ?? before)));
    }
  })();
  const deliver = (i: number) => {
    const events = Array.from({ length: 1 + (i % 4) }, () => cloudEvent(fjordarm));
    // Every seventh holds one key with two bodies: refused inside the transaction, after the counter is locked.
    const body = i % 7 === 0 ? [...events, { ...events[0], type: 'other' }] : events;
    return callRoute(subgraph, { body, type: 'application/cloudevents-batch+json' });
  };
  const answers: RouteAnswer[] = [];
  // Twenty at a time: more writers than connections, and not so many that some are shed with 503.
  for (let wave = 0; wave < 10; wave += 1)
    answers.push(...(await Promise.all(Array.from({ length: 20 }, (_, i) => deliver(wave * 20 + i)))));
  writing = false;
  await polling;
  const acknowledged = answers.reduce(
    (count, { status, body }) => count + (status === 202 ? (body as { events: unknown[] }).events.length : 0),
    0,
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 409]));
  expect(seen).toEqual(Array.from({ length: acknowledged }, (_, i) => String(BigInt(before) + BigInt(i) + 1n)));
});

it('events cannot be changed, deleted or truncated', async () => {
  for (const statement of [
    "update hendelseslager.event set type = 'x'",
    'delete from hendelseslager.event',
    'delete from hendelseslager.event where false',
    'truncate hendelseslager.event',
  ])
    await expect(pool.query(statement)).rejects.toMatchObject({ code: '23001' });
});

it('every acknowledgement is committed with synchronous_commit on, whatever the server’s default is', async () => {
  await pool.query('alter role current_user set synchronous_commit = off');
  const database = await openDatabaseSource({
    name: 'TEST',
    url: postgres.url,
    schema: 'hendelseslager',
    steps: migrations,
  });
  const signal = AbortSignal.timeout(5_000);
  const show = 'show synchronous_commit';
  const inside = await database.transaction(async (client) => (await client.query(show)).rows[0], signal);
  expect(await database.query(show, [], signal)).toEqual({ ok: true, value: [{ synchronous_commit: 'off' }] });
  expect(inside).toEqual({ ok: true, value: { synchronous_commit: 'on' } });
  await database.close();
  await pool.query('alter role current_user reset synchronous_commit');
});
