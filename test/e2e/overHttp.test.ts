import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../gateway/config.ts';
import { createSigner } from '../../gateway/execute/subgraphs.ts';
import { parseExample } from '../../gateway/explorer/exampleOperation.ts';
import { type Running, startGateway } from '../../gateway/main.ts';
import { seed } from '../../sandbox/seed.ts';
import type { Assertion } from '../../schema/assertion.ts';
import { serveSubgraph } from '../../subgraphs/_shared/serve.ts';
import { type GraphQLAnswer, type Kilde, startKilde } from '../support/kilde.ts';
import { listOf, makeGatewayKeys, moduleOf, type SubgraphServers, serveSubgraphs } from '../support/overHttp.ts';

const patient = '14834841291';
const timeoutMs = 3_000;
const home = new URL('../../examples/operations/', import.meta.url);
const examples = readdirSync(home).map((file) =>
  parseExample(file.replace('.graphql', ''), readFileSync(new URL(file, home), 'utf8')),
);
const emergency = examples.find(({ id }) => id === 'emergency-summary')!;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Stands between the gateway and the subgraphs' servers, and answers in their place where `instead` says so. */
const startFront = async (urls: ReadonlyMap<string, string>) => {
  const instead = new Map<string, Answer>();
  const server = createServer({ maxHeaderSize: 64_000 }, (request, response) => {
    const [, name = '', path = ''] = /^\/([^/]+)(.*)$/.exec(request.url ?? '') ?? [];
    const answer = instead.get(name);
    if (answer) return answer(request, response);
    const pass = async () => {
      const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>;
      const body = request.method === 'POST' ? await text(request) : null;
      const given = await fetch(`${urls.get(name)}${path}`, { method: request.method ?? 'GET', headers, body });
      const { status } = given;
      response.writeHead(status, Object.fromEntries([...given.headers].filter(([key]) => key !== 'connection')));
      response.end(await given.text());
    };
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    urls: [...urls.keys()].map((name) => [name, `${url}/${name}`] as const),
    instead,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

let inProcess: Kilde;
let keys: { privateJwk: JWK; publicJwk: JWK };
let servers: SubgraphServers;
let front: Awaited<ReturnType<typeof startFront>>;
let overHttp: Running;
const startOver = (urls: Iterable<readonly [string, string]>): Promise<Running> => {
  const env = {
    ...inProcess.sandbox.env,
    HOST: '127.0.0.1',
    PORT: '0',
    REQUEST_TIMEOUT_MS: String(timeoutMs),
    SUBGRAPHS: listOf(urls),
    GATEWAY_SIGNING_KEY: JSON.stringify(keys.privateJwk),
  };
  return startGateway(loadConfig(env), env);
};
beforeAll(async () => {
  [inProcess, keys] = await Promise.all([startKilde(), makeGatewayKeys()]);
  servers = await serveSubgraphs(inProcess.sandbox.env, keys.publicJwk);
  front = await startFront(servers.urls);
  overHttp = await startOver(front.urls);
  await seed({ sandbox: inProcess.sandbox, gatewayUrl: overHttp.url });
});
afterEach(async () => {
  front.instead.clear();
  await fetch(`${inProcess.url}/sandbox/sources`, { method: 'DELETE' });
});
afterAll(async () => {
  await overHttp?.stop();
  await front?.close();
  await servers?.close();
  await inProcess?.stop();
});

const ask = async (
  url: string,
  token: string,
  query: string,
  variables: Record<string, unknown>,
): Promise<GraphQLAnswer> => {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  return { status: answer.status, ...((await answer.json()) as Omit<GraphQLAnswer, 'status'>) };
};

/** What differs from one answer to the next, wherever it is asked: times, and cursors, which are sealed. */
const lasting = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(lasting);
  if (typeof value !== 'object' || value === null) return value;
  const { retrieved: _retrieved, endCursor: _endCursor, accessLog, ...rest } = value as Record<string, unknown>;
  const { nodes: _nodes, pageInfo: _pageInfo, ...log } = (accessLog ?? {}) as Record<string, unknown>;
  return {
    ...Object.fromEntries(Object.entries(rest).map(([key, it]) => [key, lasting(it)])),
    ...(accessLog ? { accessLog: log } : {}), // being asked adds to it
  };
};

describe('six subgraphs over HTTP', () => {
  it.each(examples.map((example) => [example.id, example] as const))(
    'answer %s as they do in process',
    async (_id, { query, variables, persona }) => {
      const token = await inProcess.token({ persona, patient: variables['patient'] ?? variables['me'] });
      const here = await ask(inProcess.url, token, query, variables);
      const there = await ask(overHttp.url, token, query, variables);
      expect(there.errors).toBeUndefined();
      expect(there.data?.['patient']).not.toBeNull();
      expect(lasting(there.data)).toEqual(lasting(here.data));
      const reported = ({ extensions }: GraphQLAnswer) =>
        extensions?.kilde.sources.map(({ source, count, absence }) =>
          source === 'PERSONVERN' ? [source, absence] : [source, absence, count],
        );
      expect(reported(there)).toEqual(reported(here));
    },
  );

  it('say who has looked, however the gateway reached them', async () => {
    const { query, variables } = examples.find(({ id }) => id === 'my-overview')!;
    const doctor = await inProcess.token({ persona: 'legevakt-doctor', patient });
    await ask(overHttp.url, doctor, emergency.query, emergency.variables);
    const { data } = await ask(overHttp.url, await inProcess.token({ persona: 'citizen', patient }), query, variables);
    const { nodes } = (data as { patient: { accessLog: { nodes: { role: string | null }[] } } }).patient.accessLog;
    expect(nodes.length).toBeGreaterThan(0);
  });

  describe('given a cursor', () => {
    const { query, variables, persona } = examples.find(({ id }) => id === 'lab-and-imaging')!;
    type Page = { nodes: { id: string }[] | null; pageInfo: { endCursor: string } };
    const page = async (url: string, of: unknown, after: string | null) => {
      const token = await inProcess.token({ persona, patient: of });
      const { data, errors } = await ask(url, token, query, { ...variables, patient: of, first: 2, after });
      return { errors, ...(data as { patient: { labReports: Page } }).patient.labReports };
    };

    it('made in process go on from there', async () => {
      const first = await page(inProcess.url, variables['patient'], null);
      const second = await page(overHttp.url, variables['patient'], first.pageInfo.endCursor);
      const here = await page(inProcess.url, variables['patient'], first.pageInfo.endCursor);
      expect(second.nodes).toHaveLength(2);
      expect(second.nodes).toEqual(here.nodes);
      expect(second.nodes).not.toEqual(first.nodes);
    });

    it('of another patient refuse it with the same error', async () => {
      const { pageInfo } = await page(overHttp.url, variables['patient'], null);
      const there = await page(overHttp.url, '30864000041', pageInfo.endCursor);
      expect(there.errors?.[0]).toMatchObject({ path: ['patient', 'labReports'], extensions: { code: 'BAD_REQUEST' } });
      const here = await page(inProcess.url, '30864000041', pageInfo.endCursor);
      expect(there.errors?.[0]?.message).toBe(here.errors?.[0]?.message);
    });
  });

  it('take a caller’s token of the length that the gateway takes', async () => {
    const claims = { 'urn:padding': 'x'.repeat(4_000) }; // the door takes 8 kB
    const token = await inProcess.token({ persona: 'legevakt-doctor', patient, claims });
    const { status, errors } = await ask(overHttp.url, token, emergency.query, emergency.variables);
    expect([status, errors]).toEqual([200, undefined]);
  });

  it.each(['personvern', 'kjernejournal'])(
    'are asked again when %s closes an idle connection as it is taken',
    async (name) => {
      let closed = 0;
      front.instead.set(name, (request) => {
        closed += 1;
        front.instead.delete(name);
        request.socket.destroy();
      });
      const token = await inProcess.token({ persona: 'legevakt-doctor', patient });
      const { status, errors } = await ask(overHttp.url, token, emergency.query, emergency.variables);
      expect([closed, status, errors]).toEqual([1, 200, undefined]);
    },
  );

  it('are healthy as seen from the gateway', async () => {
    const ready = await fetch(`${overHttp.url}/health/ready`);
    const { sources } = (await ready.json()) as { sources: { source: string; up: boolean }[] };
    expect(sources.filter(({ up }) => !up)).toEqual([]);
    expect(sources.map(({ source }) => source)).toEqual(expect.arrayContaining(['KJERNEJOURNAL', 'HENDELSESLAGER']));
    front.instead.set('kjernejournal', (_request, response) => void response.writeHead(500).end());
    const degraded = await fetch(`${overHttp.url}/health/ready`);
    expect(degraded.status).toBe(200);
    expect((await degraded.json()) as object).toMatchObject({
      sources: expect.arrayContaining([{ source: 'kjernejournal', up: false }]),
    });
  });
});

describe('POST /events to a hendelseslager over HTTP', () => {
  const event = JSON.stringify({
    specversion: '1.0',
    id: 'over-http-1',
    source: 'urn:kilde:test',
    type: 'no.kommune.helse.test.v1',
    subject: 'person/5b0a1d0e-4f1b-4c53-9e0e-8f6f5a2f6c11',
    time: '2026-01-05T08:00:00+01:00',
    data: { note: 'test' },
  });
  const post = async (url: string, body: string, type = 'application/cloudevents+json') => {
    const authorization = `Bearer ${await inProcess.token({ persona: 'system-ingest' })}`;
    const answer = await fetch(`${url}/events`, {
      method: 'POST',
      headers: { 'content-type': type, authorization },
      body,
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as unknown, authorization };
  };

  it('is acknowledged with an address, where its state is', async () => {
    const { status, headers, body, authorization } = await post(overHttp.url, event);
    expect([status, body]).toEqual([202, { id: expect.any(String), status: 'registered' }]);
    const again = await post(inProcess.url, event);
    expect([again.status, again.body]).toEqual([202, body]); // one store, whichever way
    expect(again.headers.get('content-type')).toBe(headers.get('content-type'));
    const state = await fetch(`${overHttp.url}${headers.get('location')}`, { headers: { authorization } });
    expect(await state.json()).toMatchObject({ registered: expect.any(String) });
  });

  it.each([
    ['a body that is no event', '{}', 'application/cloudevents+json', 400],
    ['another type', event, 'text/plain', 415],
    ['another body under the same key', event.replace('"test"', '"other"'), 'application/cloudevents+json', 409],
    ['more than a megabyte', `"${'x'.repeat(1_000_000)}"`, 'application/cloudevents+json', 413],
  ])('refuses %s as in process', async (_name, body, type, status) => {
    const there = await post(overHttp.url, body, type);
    const here = await post(inProcess.url, body, type);
    expect([there.status, there.body]).toEqual([status, here.body]);
  });

  it('is not acknowledged while the store is down, and says when to try again', async () => {
    await fetch(`${inProcess.url}/sandbox/sources/hendelseslager`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ down: true }),
    });
    const { status, headers } = await post(overHttp.url, event);
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  });

  it.each<[string, Answer]>([
    ['is gone', (request) => request.socket.destroy()],
    ['does not know the gateway', (_request, response) => void response.writeHead(401).end('{}')],
  ])('is sent once, and not acknowledged, while the subgraph %s', async (_name, answer) => {
    let sent = 0;
    front.instead.set('hendelseslager', (request, response) => {
      sent += 1;
      answer(request, response);
    });
    const { status, headers, body } = await post(overHttp.url, event);
    expect(sent).toBe(1);
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    expect(body).toMatchObject({ errors: [{ extensions: { code: 'SOURCE_UNAVAILABLE', retryable: true } }] });
  });
});

describe('a subgraph reached without the gateway', () => {
  const assertion: Assertion = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    eventId: '0b9f2a35-1c8d-4a52-9d5e-5a8b0f0f7c11',
    caller: {
      kind: 'system',
      role: 'system',
      clientId: 'test',
      clientName: 'Test',
      organisation: { legalEntity: '310000019', pointOfCare: null },
    },
    patients: [],
    categories: [],
    purpose: null,
    accessBasis: 'UNNTAK',
    deadline: Date.now() + 60_000,
  };
  const now = () => Math.floor(Date.now() / 1_000);
  const forge = async (
    subgraph: string,
    key: JWK,
    { issued = 0, ...change }: { issued?: number; aud?: string; iss?: string; typ?: string; assertion?: unknown } = {},
  ) => {
    const { typ = 'kilde-assertion+jwt', ...claims } = change;
    const iat = now() + issued;
    return new SignJWT({ assertion, iss: 'kilde-gateway', aud: subgraph, iat, exp: iat + 3_600, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ })
      .sign(await importJWK(key, 'ES256'));
  };
  const bearers: [string, (subgraph: string) => Promise<string | undefined>][] = [
    ['nothing', async () => undefined],
    ['nonsense', async () => 'Bearer abc'],
    ['another scheme', async (it) => `DPoP ${await forge(it, keys.privateJwk)}`],
    ['an assertion for another subgraph', async () => `Bearer ${await forge('another', keys.privateJwk)}`],
    ['an assertion of another issuer', async (it) => `Bearer ${await forge(it, keys.privateJwk, { iss: 'me' })}`],
    ['an assertion older than a minute', async (it) => `Bearer ${await forge(it, keys.privateJwk, { issued: -70 })}`],
    ['an assertion from the future', async (it) => `Bearer ${await forge(it, keys.privateJwk, { issued: 60 })}`],
    ['a token of another type', async (it) => `Bearer ${await forge(it, keys.privateJwk, { typ: 'at+jwt' })}`],
    ['a token without assertion', async (it) => `Bearer ${await forge(it, keys.privateJwk, { assertion: undefined })}`],
    [
      'an assertion signed by another key',
      async (it) => `Bearer ${await forge(it, (await makeGatewayKeys()).privateJwk)}`,
    ],
    [
      'an assertion with alg none',
      async (it) =>
        `Bearer ${new UnsecuredJWT({ assertion }).setIssuer('kilde-gateway').setAudience(it).setIssuedAt().setExpirationTime('60s').encode()}`,
    ],
    [
      'an assertion signed with the public key as a secret',
      async (it) => {
        const token = new SignJWT({ assertion, iss: 'kilde-gateway', aud: it, iat: now(), exp: now() + 60 });
        const secret = new TextEncoder().encode(JSON.stringify(keys.publicJwk));
        return `Bearer ${await token.setProtectedHeader({ alg: 'HS256', typ: 'kilde-assertion+jwt' }).sign(secret)}`;
      },
    ],
    ['the caller’s own token', async () => `Bearer ${await inProcess.token({ persona: 'legevakt-doctor', patient })}`],
  ];
  const send = (url: string, path: string, body: string, authorization: string | undefined) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
      body,
    });
  const sdl = JSON.stringify({ query: '{ _service { sdl } }' });
  const entities = JSON.stringify({
    query: 'query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }',
    variables: { representations: [{ __typename: 'Patient', id: '5b0a1d0e-4f1b-4c53-9e0e-8f6f5a2f6c11' }] },
  });

  it('at an address that cannot be read repeats nothing of it', async () => {
    const [url] = servers.urls.values();
    const answer = await fetch(`${url}/events/14834841291%zz/status`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).not.toContain('14834841291');
  });

  it.each(bearers)('with %s answers 401, to everything', async (_name, bearerFor) => {
    for (const [name, url] of servers.urls) {
      const bearer = await bearerFor(name);
      for (const body of [sdl, entities, '{', `"${'x'.repeat(2_000_000)}"`]) {
        // A refusal may come before a large body is sent; then there is no connection left to read it from.
        const answer = await send(url, '/graphql', body, bearer).catch(() => null);
        if (!answer && body.length > 1_000_000) continue;
        expect([name, answer?.status]).toEqual([name, 401]);
        expect(await answer?.json()).toEqual({
          errors: [
            {
              message: 'The gateway’s assertion is required',
              extensions: { code: 'UNAUTHENTICATED', retryable: false },
            },
          ],
        });
      }
    }
    const events = await send(
      servers.urls.get('hendelseslager')!,
      '/routes/events',
      '{}',
      await bearerFor('hendelseslager'),
    );
    expect(events.status).toBe(401);
  });

  it('with the gateway’s assertion answers, so that the above says something', async () => {
    const sign = await createSigner(keys.privateJwk);
    for (const [name, url] of servers.urls) {
      const answer = await send(url, '/graphql', sdl, `Bearer ${await sign(assertion, name)}`);
      expect([name, answer.status]).toEqual([name, 200]);
      expect(await answer.json()).toMatchObject({ data: { _service: { sdl: expect.stringContaining('type') } } });
      const forged = await send(url, '/graphql', sdl, `Bearer ${await forge(name, keys.privateJwk)}`);
      expect([name, forged.status]).toEqual([name, 200]);
    }
  });

  it('shows on its open addresses nothing but health and metrics', async () => {
    for (const url of servers.urls.values()) {
      expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: 'up' });
      expect(await (await fetch(`${url}/health`)).json()).toEqual(expect.any(Array));
      const metrics = await (await fetch(`${url}/metrics`)).text();
      for (const person of inProcess.sandbox.population.people) expect(metrics).not.toContain(person.nationalId);
      for (const path of ['/', '/graphql', '/schema.graphql', '/events'])
        expect((await fetch(`${url}${path}`)).status).toBe(404);
    }
  });

  it.each([
    ['none', undefined],
    ['nonsense', 'secret-text'],
    ['a private one', 'private'],
  ])('does not start with %s for the gateway’s key', async (_name, given) => {
    const key = given === 'private' ? JSON.stringify(keys.privateJwk) : given;
    const env = { ...inProcess.sandbox.env, HOST: '127.0.0.1', PORT: '0', GATEWAY_PUBLIC_KEY: key };
    const started = serveSubgraph(await moduleOf('eresept'), env);
    await expect(started).rejects.toThrow('GATEWAY_PUBLIC_KEY');
    await expect(started).rejects.not.toThrow(/secret-text|"d"/);
  });
});

describe('a subgraph’s server that fails', () => {
  const groups = {
    kjernejournal: ['criticalInformation', 'documents'],
    others: ['medication', 'labReports', 'earlyWarningScores', 'municipalServices', 'generalPractitioners'],
  };
  const summary = async (url: string) => {
    const token = await inProcess.token({ persona: 'legevakt-doctor', patient });
    const start = performance.now();
    const answer = await ask(url, token, emergency.query, emergency.variables);
    expect(performance.now() - start).toBeLessThan(timeoutMs + 500);
    return answer;
  };
  const expectOnlyKjernejournalMissing = ({ status, data, errors, extensions }: GraphQLAnswer, code: string) => {
    expect(status).toBe(200);
    const answered = data?.['patient'] as Record<string, { status: string; absence: { code: string } | null }>;
    for (const group of groups.kjernejournal)
      expect([group, answered[group]]).toMatchObject([group, { status: 'UNAVAILABLE', absence: { code } }]);
    for (const group of groups.others)
      expect([group, answered[group]]).toMatchObject([group, { status: 'FRESH', absence: null }]);
    expect(errors?.map(({ path, extensions: it }) => [path?.[1], it['code'], it['source']]).sort()).toEqual([
      ['criticalInformation', code, 'KJERNEJOURNAL'],
      ['documents', code, 'JOURNALDOKUMENTER'],
    ]);
    for (const source of ['KJERNEJOURNAL', 'JOURNALDOKUMENTER'])
      expect(extensions?.kilde.sources).toContainEqual(
        expect.objectContaining({ source, status: 'UNAVAILABLE', absence: code }),
      );
  };

  const say =
    (body: string, status = 200, type = 'application/json'): Answer =>
    (_request, response) =>
      void response.writeHead(status, { 'content-type': type }).end(body);
  const own = (data: unknown) => JSON.stringify({ data, sources: [] });
  const person = { __typename: 'Patient', criticalInformation: { status: 'FRESH' }, documents: { status: 'FRESH' } };
  const failures: [string, Answer, string][] = [
    ['refuses the connection', (request) => request.socket.destroy(), 'SOURCE_UNAVAILABLE'],
    ['hangs', () => {}, 'SOURCE_UNAVAILABLE'],
    [
      'hangs in the middle of its answer',
      (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"data":'),
      'SOURCE_UNAVAILABLE',
    ],
    [
      'breaks off in the middle of its answer',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"data":');
        setImmediate(() => response.destroy());
      },
      'SOURCE_UNAVAILABLE',
    ],
    ['answers 500', say('{}', 500), 'SOURCE_UNAVAILABLE'],
    ['does not know the gateway', say('{}', 401), 'SOURCE_UNAVAILABLE'],
    ['sends the gateway elsewhere', say(own({ _entities: [person] }), 307), 'SOURCE_UNAVAILABLE'],
    ['answers HTML', say('<!DOCTYPE html><h1>Hei</h1>', 200, 'text/html'), 'SOURCE_INVALID'],
    ['answers half its JSON', say('{"data":{"_entities":[{"__typ'), 'SOURCE_INVALID'],
    ['answers nothing', say(''), 'SOURCE_INVALID'],
    ['answers JSON of another kind', say('[]'), 'SOURCE_INVALID'],
    ['answers without its report', say('{"data":{"_entities":[{}]}}'), 'SOURCE_INVALID'],
    ['answers without entities', say(own({})), 'SOURCE_INVALID'],
    ['answers with entities of another kind', say(own({ _entities: 'Patient' })), 'SOURCE_INVALID'],
    ['answers with an entity too few', say(own({ _entities: [] })), 'SOURCE_INVALID'],
    ['answers with an entity too many', say(own({ _entities: [person, person] })), 'SOURCE_INVALID'],
    [
      'answers with an error of its own making',
      say(JSON.stringify({ errors: [{ message: 'x', extensions: { code: 'EVIL' } }], sources: [] })),
      'SOURCE_INVALID',
    ],
    ['answers more than 16 MB', say(own({ _entities: [{ x: 'x'.repeat(16_000_001) }] })), 'SOURCE_INVALID'],
  ];

  it.each(failures)('%s: says so in time and leaves the others whole', async (_name, answer, code) => {
    front.instead.set('kjernejournal', answer);
    expectOnlyKjernejournalMissing(await summary(overHttp.url), code);
  });

  it('answers whole again when it is back', async () => {
    expect((await summary(overHttp.url)).errors).toBeUndefined();
  });

  it.each([
    ['is gone', (request: IncomingMessage) => void request.socket.destroy(), 'SOURCE_UNAVAILABLE'],
    ['hangs', () => {}, 'SOURCE_UNAVAILABLE'],
    ['answers HTML', say('<html></html>'), 'SOURCE_INVALID'],
  ] satisfies [string, Answer, string][])(
    'with the register, %s: says that nobody can be looked up',
    async (_name, answer, code) => {
      front.instead.set('grunndata', answer);
      const { status, data, errors } = await summary(overHttp.url);
      expect(status).toBe(503);
      expect(data ?? null).toBeNull();
      expect(errors).toMatchObject([{ extensions: { code } }]);
    },
  );

  it('is killed while it works: says so at once and leaves the others whole', async () => {
    const file = fileURLToPath(new URL('../../subgraphs/_shared/serve.ts', import.meta.url));
    const child: ChildProcess = spawn(process.execPath, [file, 'kjernejournal'], {
      env: {
        ...process.env,
        ...inProcess.sandbox.env,
        LOG_LEVEL: 'info',
        HOST: '127.0.0.1',
        PORT: '0',
        GATEWAY_PUBLIC_KEY: JSON.stringify(keys.publicJwk),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let gateway: Running | undefined;
    try {
      let url = '';
      for await (const line of createInterface({ input: child.stdout! })) {
        ({ url = '' } = JSON.parse(line) as { url?: string });
        if (url) break;
      }
      gateway = await startOver([...servers.urls, ['kjernejournal', url]]);
      expect((await summary(gateway.url)).errors).toBeUndefined();

      const source = inProcess.sandbox.simulators.get('kjernejournal')!;
      source.fault.current = { hang: true };
      const before = source.calls.length;
      const answer = summary(gateway.url);
      await vi.waitFor(() => expect(source.calls.length).toBeGreaterThan(before), { timeout: timeoutMs, interval: 10 });
      child.kill('SIGKILL');
      const killed = performance.now();
      expectOnlyKjernejournalMissing(await answer, 'SOURCE_UNAVAILABLE');
      expect(performance.now() - killed).toBeLessThan(1_000);
      expectOnlyKjernejournalMissing(await summary(gateway.url), 'SOURCE_UNAVAILABLE'); // and while it stays away
    } finally {
      child.kill('SIGKILL');
      await gateway?.stop();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  });
});
