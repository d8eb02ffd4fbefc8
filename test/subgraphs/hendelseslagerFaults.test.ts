import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type PostgresProxy, startPostgresProxy } from '../../sandbox/postgresProxy.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import hendelseslager from '../../subgraphs/hendelseslager/subgraph.ts';
import { patientOf } from '../support/ask.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { asking, callRoute, cloudEvent, environment, fjordarm, patientIn } from './hendelseslagerSetup.ts';

let postgres: TestPostgres;
let proxy: PostgresProxy;
let subgraph: Subgraph;
const patient = patientOf(fjordarm);
const fields = 'events { status nodes { id } }';

beforeAll(async () => {
  postgres = await startTestPostgres();
  proxy = await startPostgresProxy({ name: 'hendelseslager', target: postgres.url });
  subgraph = await hendelseslager.create(environment(proxy.url));
});
afterAll(async () => {
  if (proxy) proxy.fault.current = {};
  await subgraph?.close();
  await proxy?.close();
  await postgres?.stop();
});
beforeEach(async () => {
  proxy.fault.current = {};
  await expect.poll(subgraph.health).toEqual([{ source: 'HENDELSESLAGER', up: true }]);
});

const unavailable = {
  code: 'SOURCE_UNAVAILABLE',
  absence: 'SOURCE_UNAVAILABLE',
  source: 'HENDELSESLAGER',
  retryable: true,
};
const timed = async <T>(work: Promise<T>): Promise<{ value: T; ms: number }> => {
  const started = performance.now();
  return { value: await work, ms: performance.now() - started };
};

it('a database that is down is unavailable at once, nothing is acknowledged, and it heals by itself', async () => {
  const event = cloudEvent(fjordarm);
  proxy.fault.current = { down: true };
  const { value: answer, ms } = await timed(asking(subgraph, patient, fields));
  expect(ms).toBeLessThan(1_000);
  expect(patientIn(answer)).toEqual({ events: null });
  expect(answer.errors?.[0]?.extensions).toMatchObject(unavailable);
  expect(await callRoute(subgraph, { body: event })).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    body: { error: { code: 'SOURCE_UNAVAILABLE' } },
  });
  expect(await callRoute(subgraph, { id: '00000000-0000-4000-8000-000000000000' })).toMatchObject({ status: 503 });
  expect(await subgraph.health()).toEqual([{ source: 'HENDELSESLAGER', up: false }]);
  proxy.fault.current = {};
  await expect.poll(subgraph.health).toEqual([{ source: 'HENDELSESLAGER', up: true }]);
  expect(await callRoute(subgraph, { body: event })).toMatchObject({ status: 202 });
  expect(patientIn(await asking(subgraph, patient, fields)).events.nodes).toHaveLength(1);
});

it('a database that hangs costs no more than the request’s deadline', async () => {
  proxy.fault.current = { hang: true };
  const { value: answer, ms } = await timed(asking(subgraph, patient, fields, { deadline: Date.now() + 300 }));
  expect(ms).toBeLessThan(800);
  expect(answer.errors?.[0]?.extensions).toMatchObject(unavailable);
  const ingest = await timed(callRoute(subgraph, { body: cloudEvent(fjordarm), signal: AbortSignal.timeout(200) }));
  expect(ingest.value.status).toBe(503);
  expect(ingest.ms).toBeLessThan(700);
  const health = await timed(subgraph.health());
  expect(health.value).toEqual([{ source: 'HENDELSESLAGER', up: false }]);
  expect(health.ms).toBeLessThan(1_500);
});

it('a query that takes longer than the statement may is a timeout, and so is one that waits past its deadline', async () => {
  proxy.fault.current = { latencyMs: 5_000 };
  const { value: answer, ms } = await timed(asking(subgraph, patient, fields, { deadline: Date.now() + 4_000 }));
  expect(answer.errors?.[0]?.extensions).toMatchObject(unavailable);
  expect(ms).toBeLessThan(3_500);
});

it('an ingest whose connection breaks in the middle is not acknowledged, and is stored once when sent again', async () => {
  const event = cloudEvent(fjordarm, { id: 'broken-1' });
  proxy.fault.current = { latencyMs: 30 }; // several round trips: the break falls between them
  const first = callRoute(subgraph, { body: event });
  setTimeout(() => {
    proxy.fault.current = { down: true };
  }, 100);
  expect((await first).status).toBe(503);
  proxy.fault.current = {};
  const answers = [await callRoute(subgraph, { body: event }), await callRoute(subgraph, { body: event })];
  expect(answers[0]).toMatchObject({ status: 202 });
  expect(answers[1]).toEqual(answers[0]);
  const { nodes } = patientIn(await asking(subgraph, patient, 'events(first: 100) { nodes { content } }')).events;
  expect(nodes.filter(({ content }: { content: string }) => content.includes('broken-1'))).toHaveLength(1);
});

it('a database that is not there at the start does not stop the start, and is used when it comes', async () => {
  proxy.fault.current = { down: true };
  const late = await hendelseslager.create(environment(proxy.url));
  expect(await late.health()).toEqual([{ source: 'HENDELSESLAGER', up: false }]);
  proxy.fault.current = {};
  await expect.poll(late.health).toEqual([{ source: 'HENDELSESLAGER', up: true }]);
  await late.close();
});

it('PostgreSQL itself killed is unavailable', async () => {
  const own = await startTestPostgres();
  const doomed = await hendelseslager.create(environment(own.url));
  expect(await doomed.health()).toEqual([{ source: 'HENDELSESLAGER', up: true }]);
  await own.stop();
  const answer = await asking(doomed, patient, fields);
  expect(answer.errors?.[0]?.extensions).toMatchObject(unavailable);
  await doomed.close();
});
