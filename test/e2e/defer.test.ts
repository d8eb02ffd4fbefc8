import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { createClient } from 'graphql-sse';
import { meros } from 'meros/browser';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../gateway/config.ts';
import { type Running, startGateway } from '../../gateway/main.ts';
import { seed } from '../../sandbox/seed.ts';
import { type GraphQLAnswer, type Kilde, startKilde } from '../support/kilde.ts';
import { listOf, makeGatewayKeys, type SubgraphServers, serveSubgraphs } from '../support/overHttp.ts';

const patient = '14834841291';
const timeoutMs = 3_000;

const why = 'status absence { code }';
/** The person at once; laboratory, medication and critical information when they come. */
const query = `query Deferred($patient: PatientIdentifier!, $later: Boolean = true) {
  patient(identifier: $patient) {
    id
    name { text }
    ... @defer(label: "laboratory", if: $later) { id labReports(first: 2) { ${why} nodes { code { text } } } }
    ...medication @defer(label: "medication", if: $later)
    ... @defer(label: "critical", if: $later) { criticalInformation { ${why} allergies { criticality } } }
  }
}
fragment medication on Patient { medication { ${why} inUse { dosage } } }`;

type ErrorOfOne = NonNullable<GraphQLAnswer['errors']>[number];
type Payload = {
  data?: Record<string, unknown> | null;
  errors?: ErrorOfOne[];
  hasNext?: boolean;
  pending?: { id: string; path: string[]; label?: string }[];
  incremental?: {
    id?: string;
    path?: string[];
    subPath?: string[];
    label?: string;
    data: Record<string, unknown> | null;
    errors?: ErrorOfOne[];
  }[];
  completed?: { id: string; errors?: ErrorOfOne[] }[];
  extensions?: GraphQLAnswer['extensions'];
};

let kilde: Kilde;
let servers: SubgraphServers;
let overHttp: Running;
let startOver: (urls: Iterable<readonly [name: string, url: string]>) => Promise<Running>;
let database: pg.Client;
let token: string;
beforeAll(async () => {
  const [started, keys] = await Promise.all([startKilde({ REQUEST_TIMEOUT_MS: String(timeoutMs) }), makeGatewayKeys()]);
  kilde = started;
  servers = await serveSubgraphs(kilde.sandbox.env, keys.publicJwk);
  startOver = (urls) => {
    const env = {
      ...kilde.sandbox.env,
      HOST: '127.0.0.1',
      PORT: '0',
      REQUEST_TIMEOUT_MS: String(timeoutMs),
      SUBGRAPHS: listOf(urls),
      GATEWAY_SIGNING_KEY: JSON.stringify(keys.privateJwk),
    };
    return startGateway(loadConfig(env), env);
  };
  overHttp = await startOver(servers.urls);
  await seed({ sandbox: kilde.sandbox, gatewayUrl: kilde.url });
  database = new pg.Client({ connectionString: kilde.postgres.url });
  await database.connect();
  token = await kilde.token({ persona: 'legevakt-doctor', patient });
  for (const url of [kilde.url, overHttp.url]) await (await send(url, { accept: 'application/json' })).text(); // tokens and the person are known
});
afterEach(() => fetch(`${kilde.url}/sandbox/sources`, { method: 'DELETE' }));
afterAll(async () => {
  await database?.end();
  await overHttp?.stop();
  await servers?.close();
  await kilde?.stop();
});

const fault = (source: string, change: Record<string, unknown>) =>
  fetch(`${kilde.url}/sandbox/sources/${source}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change),
  });

type Sending = {
  accept?: string | undefined;
  text?: string;
  variables?: Record<string, unknown>;
  bearer?: string;
  signal?: AbortSignal;
};
const send = (url: string, { accept, text = query, variables = { patient }, bearer = token, signal }: Sending) =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${bearer}`,
      ...(accept === undefined ? {} : { accept }),
    },
    body: JSON.stringify({ query: text, variables }),
    ...(signal ? { signal } : {}),
  });

const legacy = 'multipart/mixed;deferSpec=20220824, application/json';
const current = 'multipart/mixed;incrementalSpec=v0.2, application/json';
const events = 'text/event-stream';

/** Parts as a library that clients use reads them, with the time when each came. */
const readParts = async (response: Response): Promise<{ payload: Payload; atMs: number }[]> => {
  const parts = await meros<Payload>(response);
  if (parts instanceof Response) throw new Error(`no parts: ${await parts.text()}`);
  const read: { payload: Payload; atMs: number }[] = [];
  for await (const part of parts) {
    if (!part.json) throw new Error('a part that is not JSON');
    read.push({ payload: part.body, atMs: performance.now() });
  }
  return read;
};
const payloadsOf = async (response: Response) => (await readParts(response)).map(({ payload }) => payload);
const ask = async (sending: Sending, url = kilde.url) => payloadsOf(await send(url, { accept: legacy, ...sending }));

/** Parts put together: what the client has in the end. */
const merge = (into: Record<string, unknown>, from: Record<string, unknown>) => {
  for (const [key, value] of Object.entries(from)) {
    const there = into[key];
    const bothObjects = [there, value].every((it) => typeof it === 'object' && it !== null && !Array.isArray(it));
    if (bothObjects) merge(there as Record<string, unknown>, value as Record<string, unknown>);
    else into[key] = value;
  }
};
const together = ([first, ...rest]: readonly Payload[]): Record<string, unknown> => {
  const data = structuredClone(first!.data!);
  const paths = new Map<string, string[]>();
  for (const payload of [first!, ...rest]) {
    for (const { id, path } of payload.pending ?? []) paths.set(id, path);
    for (const part of payload.incremental ?? []) {
      const path = part.path ?? [...paths.get(part.id!)!, ...(part.subPath ?? [])];
      const at = path.reduce<Record<string, unknown>>((it, key) => it[key] as Record<string, unknown>, data);
      if (part.data) merge(at, part.data);
    }
  }
  return data;
};

/** What differs from one answer to the next: when the source was asked. */
const lasting = (answer: unknown) =>
  JSON.parse(JSON.stringify(answer, (key, value: unknown) => (key === 'retrieved' ? undefined : value))) as unknown;

const entriesOf = async (traceId: string) => {
  const { rows } = await database.query<{
    categories_granted: string[];
    categories_denied: string[];
    sources: string[];
    outcome: string;
    event_id: string;
  }>(
    'select categories_granted, categories_denied, sources, outcome, event_id from personvern.access where trace_id = $1 order by sequence',
    [traceId],
  );
  return rows;
};

describe.each([
  ['with everything in one process', () => kilde.url],
  ['with subgraphs over HTTP', () => overHttp.url],
])('a deferred answer %s', (_name, urlOf) => {
  it('gives the first part while every other source hangs, and at the deadline says what did not come', async () => {
    for (const source of ['provesvar', 'eresept', 'kjernejournal']) await fault(source, { hang: true });
    const started = performance.now();
    const [first, ...rest] = await readParts(await send(urlOf(), { accept: legacy }));
    expect(first!.atMs - started).toBeLessThan(timeoutMs / 4);
    expect(first!.payload).toMatchObject({ data: { patient: { name: { text: expect.any(String) } } }, hasNext: true });
    expect(first!.payload.extensions?.kilde.traceId).toMatch(/^[0-9a-f]{32}$/);

    expect(rest.at(-1)!.atMs - started).toBeGreaterThan(timeoutMs / 2);
    expect(rest.at(-1)!.atMs - started).toBeLessThan(timeoutMs + 1_000);
    const parts = rest.flatMap(({ payload }) => payload.incremental ?? []);
    expect(parts.map(({ label }) => label).sort()).toEqual(['critical', 'laboratory', 'medication']);
    for (const { data, errors, path } of parts) {
      expect(path).toEqual(['patient']);
      expect(Object.values(data!)).toEqual([
        expect.objectContaining({ status: 'UNAVAILABLE', absence: { code: 'SOURCE_UNAVAILABLE' } }),
      ]);
      expect(errors).toMatchObject([
        {
          path: ['patient', Object.keys(data!)[0]],
          extensions: { code: 'SOURCE_UNAVAILABLE', traceId: first!.payload.extensions?.kilde.traceId },
        },
      ]);
    }
    const { hasNext, extensions } = rest.at(-1)!.payload;
    expect(hasNext).toBe(false);
    expect(extensions?.kilde.sources.map(({ source, absence }) => [source, absence])).toEqual([
      ['ERESEPT', 'SOURCE_UNAVAILABLE'],
      ['KJERNEJOURNAL', 'SOURCE_UNAVAILABLE'],
      ['PERSONTJENESTEN', null],
      ['PROVESVAR', 'SOURCE_UNAVAILABLE'],
    ]);
  });

  it('gives parts in the order in which they are ready, not the order in which they were asked for', async () => {
    await fault('provesvar', { latencyMs: 1_200 });
    await fault('eresept', { latencyMs: 600 });
    const labels = (await ask({}, urlOf())).flatMap(({ incremental = [] }) => incremental.map(({ label }) => label));
    expect(labels).toEqual(['critical', 'medication', 'laboratory']);
  });

  it.each([
    ['as Apollo Client 3 and urql read it', legacy],
    ['in the current format', current],
    ['without a named format', 'multipart/mixed'],
  ])('put together, %s, is the answer in one piece', async (_format, accept) => {
    const whole = (await (await send(urlOf(), { accept: 'application/json' })).json()) as Payload;
    const parts = await payloadsOf(await send(urlOf(), { accept }));
    expect(parts.length).toBeGreaterThan(1);
    expect(lasting(together(parts))).toEqual(lasting(whole.data));
    expect(parts.at(-1)!.extensions?.kilde.sources.map(({ source, status, count }) => [source, status, count])).toEqual(
      whole.extensions?.kilde.sources.map(({ source, status, count }) => [source, status, count]),
    );
    expect(parts.map(({ hasNext }) => hasNext)).toEqual(parts.map((_, i) => i < parts.length - 1));
  });
});

describe('formats of a deferred answer', () => {
  it('multipart/mixed byte by byte: each part with its closing delimiter, nothing to be kept on the way', async () => {
    const response = await send(kilde.url, { accept: legacy });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'multipart/mixed; boundary="-"; deferSpec=20220824',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'transfer-encoding': 'chunked',
    });
    const chunks: string[] = [];
    for await (const chunk of response.body!) chunks.push(Buffer.from(chunk).toString());
    expect(chunks[0]).toMatch(/^\r\n---\r\ncontent-type: application\/json; charset=utf-8\r\n\r\n\{.*\}\r\n---\r\n$/);
    expect(chunks.at(-1)).toMatch(/\r\n-----\r\n$/);
    const bodies = chunks
      .join('')
      .split(/\r\n---(?:--)?\r\n/)
      .filter((it) => it !== '');
    for (const body of bodies) {
      const [headers, json, ...more] = body.split('\r\n\r\n');
      expect([headers, more]).toEqual(['content-type: application/json; charset=utf-8', []]);
      expect(JSON.parse(json!)).toHaveProperty('hasNext');
    }
  });

  it('text/event-stream byte by byte: one event for each payload, then complete', async () => {
    const response = await send(kilde.url, { accept: events });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const text = await response.text();
    expect(text).toMatch(/^(event: next\ndata: \{.*\}\n\n)+event: complete\ndata:\n\n$/);
    const payloads = [...text.matchAll(/^data: (.+)$/gm)].map(([, json]) => JSON.parse(json!) as Payload);
    expect(payloads[0]!.pending?.map(({ label, path }) => [label, path])).toEqual([
      ['laboratory', ['patient']],
      ['medication', ['patient']],
      ['critical', ['patient']],
    ]);
    expect(payloads.flatMap(({ completed = [] }) => completed.map(({ id }) => id)).sort()).toEqual(
      payloads[0]!.pending?.map(({ id }) => id).sort(),
    );
  });

  it('is read by graphql-sse', async () => {
    const client = createClient({ url: `${kilde.url}/graphql`, headers: { authorization: `Bearer ${token}` } });
    const payloads: Payload[] = [];
    for await (const it of client.iterate({ query, variables: { patient } }))
      payloads.push(JSON.parse(JSON.stringify(it)) as Payload);
    client.dispose();
    const whole = (await (await send(kilde.url, { accept: 'application/json' })).json()) as Payload;
    expect(lasting(together(payloads))).toEqual(lasting(whole.data));
  });

  it.each([
    ['Defer20220824Handler', new Defer20220824Handler(), 'deferSpec=20220824'],
    ['GraphQL17Alpha9Handler', new GraphQL17Alpha9Handler(), 'incrementalSpec=v0.2'],
  ])('is read by Apollo Client with its %s, part by part', async (_name, incrementalHandler, parameter) => {
    await fault('provesvar', { latencyMs: 800 });
    const types: (string | null)[] = [];
    const link = new HttpLink({
      uri: `${kilde.url}/graphql`,
      headers: { authorization: `Bearer ${token}` },
      fetch: async (...given) => {
        const response = await fetch(...given);
        types.push(response.headers.get('content-type'));
        return response;
      },
    });
    const client = new ApolloClient({
      link,
      cache: new InMemoryCache(),
      incrementalHandler: incrementalHandler as never, // its types contradict each other under exactOptionalPropertyTypes
    });
    const seen: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      const observable = client.watchQuery({ query: gql(query), variables: { patient }, errorPolicy: 'all' });
      observable.subscribe({
        next: ({ data, error, networkStatus }) => {
          if (error) reject(error);
          if (data) seen.push(structuredClone(data));
          if (networkStatus === 7) resolve();
        },
        error: reject,
      });
    });
    client.stop();
    expect(types).toEqual([expect.stringContaining(parameter)]);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen[0]).toMatchObject({ patient: { name: { text: expect.any(String) } } });
    expect(seen[0]).not.toHaveProperty('patient.labReports');
    const { data } = (await (await send(kilde.url, { accept: 'application/json' })).json()) as Payload;
    const typeless = JSON.parse(
      JSON.stringify(seen.at(-1), (key, value: unknown) => (key === '__typename' ? undefined : value)),
    ) as unknown;
    expect(typeless).toEqual(data);
  });

  it.each([
    ['nothing', undefined],
    ['anything', '*/*'],
    ['JSON', 'application/json'],
    ['a draft that nobody speaks here', 'application/json, multipart/mixed;deferSpec=20300101'],
    ['parts of subscriptions', 'application/json, multipart/mixed;subscriptionSpec=1.0'],
    ['parts not at all', 'application/json, multipart/mixed;deferSpec=20220824;q=0'],
  ])('a client that accepts %s gets one complete answer', async (_name, accept) => {
    const response = await send(kilde.url, { accept });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toMatchObject({
      data: { patient: { labReports: { status: 'FRESH' }, medication: { status: 'FRESH' } } },
      extensions: { kilde: { sources: expect.arrayContaining([expect.objectContaining({ source: 'PROVESVAR' })]) } },
    });
  });

  it('what is deferred by a variable that is false comes in one piece', async () => {
    const response = await send(kilde.url, { accept: legacy, variables: { patient, later: false } });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toMatchObject({ data: { patient: { labReports: { status: 'FRESH' } } } });
  });

  it.each([
    ['an operation that defers nothing', '{ viewer { role } }', { data: { viewer: { role: 'doctor' } } }],
    ['an operation that does not fit', '{ nobody }', { errors: [{ extensions: { code: 'BAD_REQUEST' } }] }],
    [
      'an operation that asks too much',
      `{ ${'a:'.repeat(1)}viewer { role } ${Array.from({ length: 6 }, (_, i) => `a${i}: viewer { role }`).join(' ')} }`,
      { errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] },
    ],
  ])('%s is one event for a client that reads events only', async (_name, text, expected) => {
    const response = await send(kilde.url, { accept: events, text, variables: {} });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const [, json, end] = /^event: next\ndata: (.*)\n\n(event: complete\ndata:\n\n)$/.exec(await response.text()) ?? [];
    expect(JSON.parse(json!)).toMatchObject(expected);
    expect(end).toBeDefined();
  });
});

describe('@defer in the schema', () => {
  it('is in /schema.graphql and in introspection; @stream is not', async () => {
    expect(await (await fetch(`${kilde.url}/schema.graphql`)).text()).toMatch(
      /directive @defer\([\s\S]*if: Boolean! = true[\s\S]*label: String[\s\S]*\) on FRAGMENT_SPREAD \| INLINE_FRAGMENT/,
    );
    const { data } = await kilde.ask(token, '{ __schema { directives { name locations } } }');
    const { directives } = (data as { __schema: { directives: { name: string; locations: string[] }[] } }).__schema;
    expect(directives).toContainEqual({ name: 'defer', locations: ['FRAGMENT_SPREAD', 'INLINE_FRAGMENT'] });
    expect(directives.map(({ name }) => name)).not.toContain('stream');
  });

  it.each([
    ['on a field', '{ viewer @defer { role } }'],
    ['with a label that is a variable', 'query ($it: String) { ... @defer(label: $it) { viewer { role } } }'],
    [
      'with a label twice',
      '{ ... @defer(label: "it") { viewer { role } } ... @defer(label: "it") { viewer { name } } }',
    ],
    ['with if: null', '{ ... @defer(if: null) { viewer { role } } }'],
    ['with fields that do not merge', '{ viewer { it: role } ... @defer { viewer { it: name } } }'],
    ['as @stream', '{ viewer { organisations @stream } }'],
  ])('%s is refused', async (_name, text) => {
    const response = await send(kilde.url, { accept: legacy, text, variables: {} });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });
});

describe('what is deferred', () => {
  it('comes with what is around it in groups and lists: one source has one answer', async () => {
    const text = `query ($patient: PatientIdentifier!) {
      patient(identifier: $patient) {
        labReports(first: 2) { ... @defer(label: "g") { ${why} nodes { ... @defer(label: "l") { code { text } } } } }
      }
    }`;
    const response = await send(kilde.url, { accept: legacy, text });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const { data } = (await response.json()) as Payload;
    expect(data).toMatchObject({ patient: { labReports: { status: 'FRESH', nodes: [{ code: {} }, { code: {} }] } } });
  });

  it('may hold fragments that are deferred once more, which come after it', async () => {
    const text = `query ($patient: PatientIdentifier!) {
      ... @defer(label: "outer") {
        patient(identifier: $patient) { id ... @defer(label: "inner") { labReports(first: 1) { ${why} } } }
      }
    }`;
    await fault('provesvar', { latencyMs: 300 });
    for (const accept of [legacy, current]) {
      const payloads = await payloadsOf(await send(kilde.url, { accept, text }));
      expect(payloads[0]!.data).toEqual({});
      expect(together(payloads)).toMatchObject({
        patient: { id: expect.any(String), labReports: { status: 'FRESH' } },
      });
      const order = payloads.flatMap(({ incremental = [], pending = [] }) => [
        ...incremental.flatMap(({ label, path }) => (label ? [[label, path]] : [])),
        ...pending.map(({ label, path }) => [label, path]),
      ]);
      expect(order).toEqual([
        ['outer', []],
        ['inner', ['patient']],
      ]);
    }
  });

  it('adds to an object that is there already, and repeats none of its fields', async () => {
    const text = `query ($patient: PatientIdentifier!) {
      patient(identifier: $patient) { id name { text } }
      ... @defer(label: "more") {
        patient(identifier: $patient) { id name { text family } labReports(first: 1) { ${why} } }
        viewer { role }
      }
    }`;
    const [first, ...rest] = await payloadsOf(await send(kilde.url, { accept: current, text }));
    expect(first!.data).toMatchObject({ patient: { name: { text: expect.any(String), family: expect.any(String) } } });
    expect(rest.flatMap(({ incremental = [] }) => incremental)).toEqual([
      { id: '1', data: { viewer: { role: 'doctor' } } },
      { id: '1', subPath: ['patient'], data: { labReports: { status: 'FRESH', absence: null } } },
    ]);
  });
});

describe('the same fields, deferred in any way', () => {
  const fields = [
    'id',
    'name { text }',
    'birthDate',
    'type: __typename',
    `criticalInformation { ${why} allergies { criticality code { text } } }`,
    `medication { ${why} inUse { dosage } }`,
    `labReports(first: 3) { ${why} nodes { id code { text } } }`,
    `lab: labReports(first: 1) { ${why} nodes { issued } }`,
    `earlyWarningScores(first: 2) { ${why} nodes { score } }`,
    `generalPractitioners { ${why} }`,
  ];
  const whole = `query ($patient: PatientIdentifier!) { patient(identifier: $patient) { ${fields.join(' ')} } }`;

  /** Fields and, in between, fragments with some of the same fields, a few of them deferred; repeatable by its seed. */
  const makeQuery = (seedOfOne: number): string => {
    let state = seedOfOne;
    const below = (limit: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * limit);
    };
    let left = 7; // one is at the root
    const defer = (): string => {
      if (left === 0 || below(3) === 0) return '';
      return `@defer(label: "d${left--}", if: ${below(4) > 0})`;
    };
    const fragment = (inner: string): string => `... on Patient ${defer()} { ${inner} }`;
    const selection = (depth: number): string => {
      const some = fields.filter(() => below(3) === 0);
      const fragments = Array.from({ length: depth < 3 ? below(3) : 0 }, () => fragment(selection(depth + 1)));
      return ['id', ...some, ...fragments].join(' ');
    };
    const all = fields.map((field) => (below(2) ? field : fragment(field)));
    return `query ($patient: PatientIdentifier!) {
      patient(identifier: $patient) { ${all.slice(0, 5).join(' ')} ${selection(0)} }
      ... @defer { patient(identifier: $patient) { ${all.slice(5).join(' ')} ${selection(1)} } }
    }`;
  };

  it('give, put together, the same answer', async () => {
    const { data } = (await (await send(kilde.url, { accept: 'application/json', text: whole })).json()) as Payload;
    let streamed = 0;
    for (let i = 1; i <= 40; i++) {
      const text = makeQuery(i);
      const response = await send(kilde.url, { accept: i % 2 ? legacy : current, text });
      expect([response.status, text]).toEqual([200, text]);
      const isStream = response.headers.get('content-type')?.startsWith('multipart/');
      const payloads = isStream ? await payloadsOf(response) : [(await response.json()) as Payload];
      if (isStream) streamed++;
      const errors = payloads.flatMap((it) => [
        ...(it.errors ?? []),
        ...(it.incremental ?? []).flatMap((one) => one.errors ?? []),
      ]);
      expect([text, errors]).toEqual([text, []]);
      expect([text, lasting(together(payloads))]).toEqual([text, lasting(data)]);
    }
    expect(streamed).toBeGreaterThan(20);
  });
});

describe('a deferred answer keeps what an answer in one piece promises', () => {
  const callsOf = (source: string) => kilde.sandbox.simulators.get(source)!.calls.length;

  it('a field that is denied is never fetched, also in a fragment that comes later', async () => {
    const bearer = await kilde.token({ persona: 'service-allocation-officer', patient });
    const before = ['provesvar', 'eresept', 'kjernejournal'].map(callsOf);
    const payloads = await ask({ bearer });
    expect(['provesvar', 'eresept', 'kjernejournal'].map(callsOf)).toEqual(before);
    for (const { data, errors } of payloads.flatMap(({ incremental = [] }) => incremental)) {
      expect(Object.values(data!)).toMatchObject([{ status: 'NOT_ASKED', absence: { code: 'NO_ACCESS' } }]);
      expect(errors).toMatchObject([{ path: ['patient', Object.keys(data!)[0]], extensions: { code: 'FORBIDDEN' } }]);
    }
    const [entry] = await entriesOf(payloads[0]!.extensions!.kilde.traceId);
    expect(entry!.categories_denied.sort()).toEqual(['criticalInformation', 'laboratory', 'medication']);
  });

  it('an unknown person and one who is not the caller’s get the same, in every format', async () => {
    const bearer = await kilde.token({ persona: 'legevakt-doctor', patient: '11835601481' });
    const rooted = `query ($patient: PatientIdentifier!) {
      viewer { role }
      ... @defer(label: "later") { patient(identifier: $patient) { id labReports(first: 1) { ${why} } } }
    }`;
    const normal = (text: string) => text.replace(/"traceId":"[0-9a-f]{32}"/g, '"traceId":""');
    for (const text of [query, rooted])
      for (const accept of [legacy, current, events]) {
        const variables = [{ patient }, { patient: '15813250214' }]; // somebody else's patient; nobody
        const [denied, unknown] = await Promise.all(
          variables.map(async (it) => (await send(kilde.url, { accept, text, variables: it, bearer })).text()),
        );
        expect(normal(denied!)).toBe(normal(unknown!));
        expect(denied).toContain('NOT_FOUND');
        expect(denied).toContain('"sources":[]');
        expect(denied).not.toContain('labReports');
      }
  });

  it('each part has its entry in the access log before it is sent, all under one event', async () => {
    await fault('provesvar', { latencyMs: 700 });
    await fault('eresept', { latencyMs: 350 });
    const response = await send(kilde.url, { accept: legacy });
    const parts = await meros<Payload>(response);
    if (parts instanceof Response) throw new Error('no parts');
    const after: string[][] = [];
    let traceId = '';
    for await (const part of parts) {
      const { extensions } = part.body as Payload;
      traceId ||= extensions!.kilde.traceId;
      after.push((await entriesOf(traceId)).flatMap((it) => it.categories_granted));
    }
    expect(after).toEqual([
      ['person'],
      ['person', 'criticalInformation'],
      ['person', 'criticalInformation', 'medication'],
      ['person', 'criticalInformation', 'medication', 'laboratory'],
    ]);
    const entries = await entriesOf(traceId);
    expect(new Set(entries.map((it) => it.event_id)).size).toBe(1);
    expect(entries.map((it) => it.sources)).toEqual([
      ['PERSONTJENESTEN'],
      ['KJERNEJOURNAL'],
      ['ERESEPT'],
      ['PROVESVAR'],
    ]);
  });

  it.each([
    ['multipart', legacy],
    ['multipart in the current format', current],
  ])('an access log that fails in the middle ends the stream without data: %s', async (_name, accept) => {
    await fault('provesvar', { latencyMs: 1_000 });
    await fault('eresept', { latencyMs: 1_000 });
    await fault('kjernejournal', { latencyMs: 1_000 });
    const parts = await meros<Payload>(await send(kilde.url, { accept }));
    if (parts instanceof Response) throw new Error('no parts');
    const payloads: Payload[] = [];
    try {
      for await (const part of parts) {
        payloads.push(part.body as Payload);
        if (payloads.length === 1) await database.query('alter table personvern.access rename to access_away');
      }
    } finally {
      await database.query('alter table personvern.access_away rename to access');
    }
    expect(payloads).toHaveLength(2);
    const { hasNext, incremental = [], completed = [], extensions } = payloads[1]!;
    expect([hasNext, extensions]).toEqual([false, undefined]);
    const told = accept === legacy ? incremental : completed;
    expect(told).toHaveLength(3);
    for (const it of told)
      expect(it).toMatchObject({ errors: [{ path: ['patient'], extensions: { code: 'AUDIT_UNAVAILABLE' } }] });
    expect(incremental.flatMap(({ data }) => data ?? [])).toEqual([]);
  });

  it('an access log that fails at once answers 503 and nothing else', async () => {
    await database.query('alter table personvern.access rename to access_away');
    try {
      const response = await send(kilde.url, { accept: legacy });
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'AUDIT_UNAVAILABLE' } }] });
    } finally {
      await database.query('alter table personvern.access_away rename to access');
    }
  });

  it('nothing goes on being asked for a client that has gone', async () => {
    let asked = 0;
    let hungUp = 0;
    const laboratory = createServer((_request, response) => {
      asked++;
      response.once('close', () => void hungUp++);
    });
    await new Promise<void>((resolve) => laboratory.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(laboratory.address() as AddressInfo).port}`;
    const gateway = await startOver([...servers.urls, ['provesvar', url]]);
    try {
      const leaving = new AbortController();
      const response = await send(gateway.url, { accept: legacy, signal: leaving.signal });
      const first = Buffer.from((await response.body!.getReader().read()).value!).toString();
      const [, traceId] = /"traceId":"([0-9a-f]{32})"/.exec(first) ?? [];
      await vi.waitFor(() => expect(asked).toBe(1), { timeout: timeoutMs, interval: 10 });
      expect(hungUp).toBe(0);
      leaving.abort();
      const left = performance.now();
      await vi.waitFor(() => expect(hungUp).toBe(1), { timeout: timeoutMs, interval: 10 });
      expect(performance.now() - left).toBeLessThan(timeoutMs / 3);
      expect((await entriesOf(traceId!)).flatMap((it) => it.categories_granted)).not.toContain('laboratory');
    } finally {
      await gateway.stop();
      laboratory.closeAllConnections();
      laboratory.close();
    }
  });
});
