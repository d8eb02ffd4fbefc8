import { createHash } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseNationalId } from '../../schema/nationalId.ts';
import type { RouteAnswer, Subgraph } from '../../schema/subgraph.ts';
import { createDatabase } from '../../subgraphs/_shared/database.ts';
import hendelseslager from '../../subgraphs/hendelseslager/subgraph.ts';
import { citizen, doctor } from '../support/ask.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import {
  callRoute,
  cloudEvent,
  environment,
  fjordarm,
  granskog,
  nordvik,
  serviceMessage,
  subject,
  systemOf,
  testdal,
} from './hendelseslagerSetup.ts';

const fhir = 'application/fhir+json';
const batchType = 'application/cloudevents-batch+json';
let postgres: TestPostgres;
let pool: pg.Pool;
let subgraph: Subgraph;
let otherReplica: Subgraph;

beforeAll(async () => {
  postgres = await startTestPostgres();
  pool = createDatabase(postgres.url);
  [subgraph, otherReplica] = await Promise.all([
    hendelseslager.create(environment(postgres.url)),
    hendelseslager.create(environment(postgres.url)),
  ]);
});
afterAll(async () => {
  await Promise.all([subgraph?.close(), otherReplica?.close(), pool?.end()]);
  await postgres?.stop();
});

const stored = async (): Promise<number> => {
  const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from hendelseslager.event');
  return rows[0]!.count;
};
const errorOf = ({ body }: RouteAnswer) =>
  (body as { error: { code: string; message: string; paths: string[] } }).error;
const idOf = ({ body }: RouteAnswer) => (body as { id: string }).id;
const send = (body: unknown, type = 'application/cloudevents+json') => callRoute(subgraph, { body, type });

it('POST /events takes a FHIR message, and answers with where its status is', async () => {
  const answer = await send(serviceMessage(fjordarm), fhir);
  expect(answer).toEqual({
    status: 202,
    headers: { location: `/events/${idOf(answer)}/status` },
    body: { id: idOf(answer), status: 'registered' },
  });
  const status = await callRoute(subgraph, { id: idOf(answer) });
  expect(status).toMatchObject({ status: 200, body: { read: null, failed: null } });
  const { registered, journaled } = status.body as { registered: string; journaled: string };
  expect(journaled).toBe(registered);
});

it('GET /events/{id}/status answers the legal entity that sent the event, and nobody else', async () => {
  const id = idOf(await send(cloudEvent(fjordarm)));
  expect((await callRoute(subgraph, { id })).body).toMatchObject({ journaled: null });
  const refused = [
    await callRoute(subgraph, { id, caller: systemOf(nordvik) }),
    await callRoute(subgraph, { id: '00000000-0000-4000-8000-000000000000' }),
    await callRoute(subgraph, { id: 'not-an-id' }),
  ];
  for (const answer of refused) expect(answer).toEqual(refused[0]);
  expect(refused[0]?.status).toBe(404);
});

it('an event is kept with its original bytes, its clinical time as written, and the server’s stamps', async () => {
  const text = `{ "specversion":"1.0","id":"bytes-1",  "source":"urn:test","type":"a.b","time":"2026-03-05T10:00:00Z",
    "datacontenttype":"application/fhir+json","sourcesystem":"pretender","data":${JSON.stringify(
      cloudEvent(fjordarm)['data'],
    )}}`;
  const { rows } = await pool.query('select * from hendelseslager.event where id = $1', [idOf(await send(text))]);
  expect(rows[0]).toMatchObject({
    legal_entity: testdal,
    client_id: 'fagsystem-1',
    source_system: 'Fagsystem',
    occurred: '2026-03-05T08:00:00+01:00',
    security_label: 'N',
    sha256: createHash('sha256').update(text).digest(),
  });
  expect(rows[0].original.toString()).toBe(text);
  expect(rows[0].person.toString('hex')).not.toContain(fjordarm);
});

it('the same event again, fifty times at once and from two replicas, is stored once and answered alike', async () => {
  const body = JSON.stringify(serviceMessage(fjordarm));
  const before = await stored();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => callRoute(i % 2 ? subgraph : otherReplica, { body, type: fhir })),
  );
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]?.status).toBe(202);
  expect(await stored()).toBe(before + 1);
});

it('the same key with another body is a conflict, and is free for another municipality', async () => {
  const event = cloudEvent(fjordarm, { id: 'key-1' });
  await send(event);
  const before = await stored();
  const other = { ...event, time: '2026-03-05T08:00:01+01:00' };
  const conflict = await send(other);
  expect(conflict).toMatchObject({ status: 409 });
  expect(errorOf(conflict).code).toBe('CONFLICT');
  const batch = await send([cloudEvent(fjordarm), other], batchType);
  expect([batch.status, errorOf(batch).paths]).toEqual([409, ['1']]);
  expect(await stored()).toBe(before);
  expect((await callRoute(subgraph, { body: other, caller: systemOf(nordvik) })).status).toBe(202);
});

it('a batch is stored whole or not at all, each event in its own bytes, and once though it is there twice', async () => {
  const [first, second] = [cloudEvent(fjordarm), cloudEvent(granskog, { type: 'with "quotes", ] and }' })];
  const text = `[ ${JSON.stringify(first)} ,\n ${JSON.stringify(second)}, ${JSON.stringify(first)} ]`;
  const before = await stored();
  const broken = await send(`[${JSON.stringify(cloudEvent(fjordarm))}, {"specversion":"1.0"}]`, batchType);
  expect([broken.status, errorOf(broken).paths]).toEqual([400, ['1.id', '1.source', '1.type', '1.time', '1.data']]);
  expect(await stored()).toBe(before);

  const answer = await send(text, batchType);
  const { events } = answer.body as { events: { id: string; status: string }[] };
  expect(events).toHaveLength(3);
  expect(events[2]).toEqual(events[0]);
  expect(await stored()).toBe(before + 2);
  const { rows } = await pool.query<{ original: Buffer }>('select original from hendelseslager.event where id = $1', [
    events[1]!.id,
  ]);
  expect(rows[0]!.original.toString()).toBe(JSON.stringify(second));
  expect(await send('[]', batchType)).toEqual({ status: 202, body: { events: [] } });
});

it('a document as VKP sends it is stored with the time of the alarm', async () => {
  const document = {
    resourceType: 'Bundle',
    type: 'document',
    identifier: { system: 'urn:demo:alarm-id', value: 'AL-000123' },
    timestamp: '2026-03-05T07:31:00Z',
    entry: [
      {
        resource: {
          resourceType: 'Composition',
          status: 'final',
          type: { coding: [{ system: 'http://ehelse.no/fhir/CodeSystem/vkp-alert-code-v090', code: '7' }] },
          subject: subject(fjordarm),
          date: '2026-03-05T07:31:00Z',
          event: [{ period: { start: '2026-03-05T07:28:10Z' } }],
        },
      },
    ],
  };
  const { rows } = await pool.query('select format, type, occurred from hendelseslager.event where id = $1', [
    idOf(await send(document, fhir)),
  ]);
  expect(rows[0]).toEqual({ format: 'fhir-document', type: '7', occurred: '2026-03-05T07:28:10Z' });
});

it('only systems of a municipality that is served here deliver events', async () => {
  const body = cloudEvent(fjordarm);
  for (const caller of [doctor(null), citizen(fjordarm), systemOf('310005010')])
    expect(await callRoute(subgraph, { body, caller })).toMatchObject({
      status: 403,
      body: { error: { code: 'FORBIDDEN' } },
    });
});

it('other content types are refused', async () => {
  for (const type of [
    'application/json',
    'text/plain',
    'application/xml; charset=iso-8859-1',
    '',
    'application/cloudevents',
  ])
    expect(errorOf(await send(cloudEvent(fjordarm), type)).code).toBe('UNSUPPORTED_MEDIA_TYPE');
  expect((await send(cloudEvent(fjordarm), 'Application/CloudEvents+JSON; charset=utf-8')).status).toBe(202);
});

/** An ordinary number, found when the test runs so that none is written down: 1 January 1900, an individual number of that century. */
const withoutSyntheticMonth = (): string => {
  for (let rest = 0; rest < 100_000; rest += 1) {
    const number = `010100${String(rest).padStart(5, '0')}`;
    if (parseNationalId(number)?.synthetic === false) return number;
  }
  throw new Error('there is none');
};

const wrongs: [name: string, body: unknown, type: string, path: string][] = [
  ['no JSON', '{"a":', fhir, ''],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), fhir, ''],
  ['nested without end', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, batchType, ''],
  ['NUL in a text', JSON.stringify(cloudEvent(fjordarm, { type: 'a\u0000b' })), 'application/cloudevents+json', ''],
  ['a bundle of another type', serviceMessage(fjordarm, { bundle: { type: 'batch' } }), fhir, 'type'],
  ['a bundle without identifier', serviceMessage(fjordarm, { bundle: { identifier: undefined } }), fhir, 'identifier'],
  [
    'a message without header',
    serviceMessage(fjordarm, { bundle: { entry: [{ resource: { resourceType: 'EpisodeOfCare' } }] } }),
    fhir,
    'entry.0.resource.resourceType',
  ],
  [
    'an episode in no known state',
    serviceMessage(fjordarm, { episode: { status: 'paused' } }),
    fhir,
    'entry.1.resource.status',
  ],
  [
    'a day that does not exist',
    serviceMessage(fjordarm, { episode: { period: { start: '2026-02-30' } } }),
    fhir,
    'entry.1.resource.period.start',
  ],
  ['a time ahead of now', cloudEvent(fjordarm, { time: '2199-01-01T00:00:00Z' }), '', 'time'],
  ['a time without offset', cloudEvent(fjordarm, { time: '2026-03-05T08:00:00' }), '', 'time'],
  ['nobody', cloudEvent(fjordarm, { data: { resourceType: 'Observation' } }), '', 'subject'],
  [
    'nobody by a local number',
    serviceMessage(fjordarm, { episode: { patient: { identifier: { system: 'urn:local', value: '17' } } } }),
    fhir,
    'subject',
  ],
  [
    'two people',
    serviceMessage(fjordarm, {
      bundle: {
        entry: [
          ...(serviceMessage(fjordarm)['entry'] as unknown[]),
          ...(serviceMessage(granskog)['entry'] as unknown[]),
        ],
      },
    }),
    fhir,
    'entry.1.resource.patient.identifier',
  ],
  [
    'a wrong control digit',
    cloudEvent(fjordarm, { data: { resourceType: 'Task', for: subject('14834841292') } }),
    '',
    'data.for.identifier',
  ],
  [
    'a D-number as fnr',
    cloudEvent(fjordarm, {
      data: {
        resourceType: 'Task',
        for: { identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.1', value: '51829135594' } },
      },
    }),
    '',
    'data.for.identifier',
  ],
  ['a national id in subject', cloudEvent(fjordarm, { subject: `person/${fjordarm}` }), '', 'subject'],
  ['a national id in id', cloudEvent(fjordarm, { id: `x-${fjordarm}` }), '', 'id'],
  ['a national id in type', cloudEvent(fjordarm, { type: `t.${fjordarm}` }), '', 'type'],
  [
    'a national id in source',
    cloudEvent(fjordarm, { source: `urn:${fjordarm.slice(0, 6)} ${fjordarm.slice(6)}` }),
    '',
    'source',
  ],
  ['a national id in an extension', cloudEvent(fjordarm, { correlationid: fjordarm }), '', 'correlationid'],
  [
    'a national id in Bundle.identifier',
    serviceMessage(fjordarm, { bundle: { identifier: { value: fjordarm } } }),
    fhir,
    'identifier',
  ],
  ['an unknown security label', cloudEvent(fjordarm, { securitylabel: 'SECRET' }), '', 'securitylabel'],
  ['a newer CloudEvents version', cloudEvent(fjordarm, { specversion: '2.0' }), '', 'specversion'],
  ['data in Base64', cloudEvent(fjordarm, { data: undefined, data_base64: 'e30=' }), '', 'data'],
  ['an object where a batch should be', cloudEvent(fjordarm), batchType, ''],
];
it.each(wrongs)(
  'POST /events refuses %s with the place, and repeats nothing of it',
  async (_name, body, type, path) => {
    const before = await stored();
    const answer = await send(body, type || 'application/cloudevents+json');
    expect(answer.status).toBe(400);
    expect(errorOf(answer).code).toBe('BAD_REQUEST');
    expect(errorOf(answer).paths).toContain(path);
    expect(JSON.stringify(answer)).not.toMatch(/\d{11}|paused|SECRET|2199/);
    expect(await stored()).toBe(before);
  },
);

it('a real person’s number is refused in the sandbox, and a synthetic one in production', async () => {
  const real = withoutSyntheticMonth();
  expect(errorOf(await send(cloudEvent(real))).paths).toEqual(['data.subject.identifier']);
  const production = await hendelseslager.create({ ...environment(postgres.url), KILDE_ENVIRONMENT: 'production' });
  const answer = await callRoute(production, { body: cloudEvent(fjordarm) });
  await production.close();
  expect(answer.status).toBe(400);
});

it('the number of another municipality in the envelope is refused', async () => {
  expect(await send(cloudEvent(fjordarm, { orgnrparent: nordvik }))).toMatchObject({ status: 403 });
  expect((await send(cloudEvent(fjordarm, { orgnrparent: testdal }))).status).toBe(202);
});
