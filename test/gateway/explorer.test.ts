import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExplorer } from '../../gateway/explorer/build.ts';
import { parseExample } from '../../gateway/explorer/exampleOperation.ts';
import { readManifest } from '../../gateway/explorer/manifest.ts';
import type { Answer, GraphQLResult } from '../../gateway/explorer/page/answers.ts';
import { toExtensions } from '../../gateway/explorer/page/elevating.ts';
import { createFetcher } from '../../gateway/explorer/page/fetcher.ts';
import { createLayoutStorage } from '../../gateway/explorer/page/layoutStorage.ts';
import { readSchema } from '../../gateway/explorer/page/schema.ts';
import { type Choice, createSession } from '../../gateway/explorer/page/session.ts';
import { registerExplorer } from '../../gateway/explorer/routes.ts';
import { startExplorerServer } from '../support/explorerServer.ts';

describe('buildExplorer', () => {
  it('writes every file the page names, and does nothing when all is up to date', async () => {
    const outdir = join(await mkdtemp(join(tmpdir(), 'kilde-explorer-')), 'explorer/');
    await buildExplorer({ outdir });
    const { script, preload, styles, stamp } = (await readManifest(outdir))!;
    const files = await readdir(outdir);
    expect(files).toEqual(expect.arrayContaining([script, ...preload, ...styles]));
    const scripts = files.filter((file) => file.endsWith('.js'));
    const text = (await Promise.all(scripts.map((file) => readFile(join(outdir, file), 'utf8')))).join('\n');
    for (const label of ['editor', 'graphql', 'json'])
      expect(files).toContain(new RegExp(`/explorer/(worker-${label}-\\w+\\.js)`).exec(text)?.[1]);

    const builtAt = (await stat(outdir)).mtimeMs;
    await buildExplorer({ outdir });
    expect((await stat(outdir)).mtimeMs).toBe(builtAt);

    await writeFile(
      join(outdir, 'manifest.json'),
      JSON.stringify({ script, preload, styles, stamp: 'of older sources' }),
    );
    await buildExplorer({ outdir });
    expect((await readManifest(outdir))!.stamp).toBe(stamp);
    await rm(outdir, { recursive: true });
  });
});

describe('registerExplorer', () => {
  let server: Awaited<ReturnType<typeof startExplorerServer>>;
  beforeAll(async () => {
    server = await startExplorerServer();
  });
  afterAll(() => server.close());

  const manifest = async () => (await readManifest(new URL('../../.kilde/explorer', import.meta.url).pathname))!;

  it('serves a page without inline script, never stored, and says whether it is the sandbox', async () => {
    const answer = await server.app.inject('/');
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toContain('<html lang="en" data-sandbox="true">');
    expect(answer.body.match(/<script[^>]*>[^<]/g)).toBeNull();
    expect(answer.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  it('sends the security headers on every answer, scripts from here only', async () => {
    const { script } = await manifest();
    for (const path of ['/', `/explorer/${script}`, '/explorer/operations', '/explorer/nothing']) {
      const { headers } = await server.app.inject(path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe-eval|https?:|script-src[^;]*unsafe|\*/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
    }
  });

  it('leaves the answers of other routes alone', async () => {
    const { headers } = await server.app.inject('/sandbox/personas');
    expect(headers['content-security-policy']).toBeUndefined();
  });

  it('serves its files for good, with their types, compressed for those who can', async () => {
    const { script, styles } = await manifest();
    const plain = await server.app.inject(`/explorer/${script}`);
    expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['content-encoding']).toBeUndefined();
    const zipped = await server.app.inject({ url: `/explorer/${script}`, headers: { 'accept-encoding': 'br, gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2);
    const style = await server.app.inject(`/explorer/${styles[0]}`);
    expect(style.headers['content-type']).toBe('text/css; charset=utf-8');
    const font = /\/?([\w-]+\.woff2)/.exec(style.body)![1];
    expect((await server.app.inject(`/explorer/${font}`)).headers['content-type']).toBe('font/woff2');
  });

  it.each([
    '/explorer/manifest.json',
    '/explorer/../manifest.json',
    '/explorer/%2e%2e/%2e%2e/package.json',
    '/explorer/..%2f..%2fpackage.json',
    '/explorer/....//package.json',
    '/explorer/%00',
    '/explorer/__proto__',
  ])('does not serve %s', async (path) => {
    const answer = await server.app.inject(path);
    expect(answer.statusCode).toBe(404);
    expect(answer.body).not.toContain('kilde');
  });

  it('lists the examples with their settings, and their text without them', async () => {
    const [first, second] = (await server.app.inject('/explorer/operations')).json();
    expect(first).toEqual({
      id: 'emergency-summary',
      title: 'Emergency summary',
      for: 'The emergency team that has never met the patient',
      persona: 'legevakt-doctor',
      patient: 'vanlig-1',
      variables: { patient: '11835601481' },
      query: expect.stringMatching(/^query EmergencySummary/),
    });
    expect(second.query).toContain('# who is next');
  });

  it('does not start on a folder where nothing is built', async () => {
    const app = Fastify();
    const empty = await mkdtemp(join(tmpdir(), 'kilde-explorer-'));
    registerExplorer(app, { root: empty, examples: empty, sandbox: false });
    await expect(app.ready()).rejects.toThrow('the explorer is not built');
    await rm(empty, { recursive: true });
  });
});

describe('parseExample', () => {
  it('takes its settings from the comments before the operation only', () => {
    const example = parseExample('one', '# title: One\n\nquery One {\n  # title: not this\n  __typename\n}\n');
    expect(example).toMatchObject({ id: 'one', title: 'One', persona: null, patient: null, variables: {} });
    expect(example.query).toBe('query One {\n  # title: not this\n  __typename\n}\n');
  });

  it('refuses variables that are no JSON object', () => {
    expect(() => parseExample('one', '# variables: [1]\n{ __typename }')).toThrow('not a JSON object');
  });
});

describe('createSession', () => {
  const choice: Choice = { persona: 'gp', patient: null, purpose: null };
  const counting = (expiresInSeconds: number) => {
    let issued = 0;
    return async () => ({ authorization: `Bearer ${++issued}`, expiresInSeconds });
  };

  it('gives the token until it is about to expire, then a new one', async () => {
    let nowMs = 0;
    const session = createSession(counting(60), () => nowMs);
    expect(await session.authorization()).toBeNull();
    await session.signIn(choice);
    expect(await session.authorization()).toBe('Bearer 1');
    nowMs = 49_000;
    expect(await session.authorization()).toBe('Bearer 1');
    nowMs = 50_000;
    expect(await session.authorization()).toBe('Bearer 2');
    expect(session.state.get()).toEqual({ status: 'in', choice });
  });

  it('keeps the later of two sign-ins, in whatever order they are answered', async () => {
    const answers: ((it: { authorization: string; expiresInSeconds: number }) => void)[] = [];
    const session = createSession(() => new Promise((resolve) => answers.push(resolve)));
    const both = [session.signIn(choice), session.signIn({ ...choice, persona: 'citizen' })];
    answers[1]!({ authorization: 'Bearer second', expiresInSeconds: 60 });
    answers[0]!({ authorization: 'Bearer first', expiresInSeconds: 60 });
    await Promise.all(both);
    expect(await session.authorization()).toBe('Bearer second');
  });

  it('holds nothing after a failed sign-in or a sign-out', async () => {
    const session = createSession(() => Promise.reject(new Error('no such persona')));
    await session.signIn(choice);
    expect(session.state.get()).toEqual({ status: 'failed', reason: 'no such persona' });
    expect(await session.authorization()).toBeNull();
    session.takeToken('from-elsewhere');
    expect(await session.authorization()).toBe('Bearer from-elsewhere');
    expect(await session.renew()).toBe(false);
    session.signOut();
    expect(await session.authorization()).toBeNull();
  });
});

describe('createFetcher', () => {
  type Reply = { status?: number; type: string; chunks: string[]; open?: boolean };
  const closers: (() => void)[] = [];
  afterAll(() => {
    for (const close of closers) close();
  });

  /** Real HTTP: what the page would read off the wire, in the pieces given. */
  const gateway = async (replies: Reply[], extensions?: () => object) => {
    const authorizations: (string | undefined)[] = [];
    const bodies: unknown[] = [];
    let closed = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const server = createServer((request, response) => {
      authorizations.push(request.headers.authorization);
      request.setEncoding('utf8').on('data', (text) => bodies.push(JSON.parse(text)));
      const { status = 200, type, chunks, open } = replies.shift()!;
      response.writeHead(status, { 'content-type': type });
      for (const chunk of chunks) response.write(chunk);
      if (open) response.on('close', closed);
      else response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answers: Answer[] = [];
    let renewals = 0;
    const fetcher = createFetcher({
      authorization: async () => `Bearer ${renewals}`,
      renew: async () => ++renewals === 1,
      observe: (answer) => answers.push(answer),
      ...(extensions ? { extensions } : {}),
      fetch: (path, init) => fetch(new URL(String(path), base), init),
    });
    return { fetcher, answers, authorizations, bodies, gone };
  };

  const kilde = (source: string, status: 'FRESH' | 'UNAVAILABLE') => ({
    kilde: { traceId: 'trace', sources: [{ source, status, asOf: null, count: null, absence: null }] },
  });
  const all = async (answer: GraphQLResult | AsyncIterable<GraphQLResult>) => {
    const results: GraphQLResult[] = [];
    for await (const result of answer as AsyncIterable<GraphQLResult>) results.push(result);
    return results;
  };

  it('sends what opens restricted data, and why, with each question but introspection', async () => {
    const reply = () => ({ type: 'application/json', chunks: ['{"data":{}}'] });
    const elevating = { accessBasis: 'FORHOYET_AKUTT', reason: ' bevisstløs ' };
    const { fetcher, bodies } = await gateway([reply(), reply()], () => toExtensions(elevating));
    await fetcher({ query: 'query A { a }', operationName: 'A' });
    await fetcher({ query: 'query IntrospectionQuery { a }', operationName: 'IntrospectionQuery' });
    expect(bodies).toEqual([
      {
        query: 'query A { a }',
        operationName: 'A',
        extensions: { kilde: { accessBasis: 'FORHOYET_AKUTT', reason: 'bevisstløs' } },
      },
      { query: 'query IntrospectionQuery { a }', operationName: 'IntrospectionQuery' },
    ]);
    expect(toExtensions({ accessBasis: '', reason: ' ' })).toEqual({});
  });

  it('tells of a JSON answer: its sources, errors and trace', async () => {
    const body = {
      data: null,
      errors: [{ message: 'x', extensions: { code: 'FORBIDDEN' } }],
      extensions: kilde('A', 'FRESH'),
    };
    const { fetcher, answers } = await gateway([
      { type: 'application/graphql-response+json; charset=utf-8', chunks: [JSON.stringify(body)] },
    ]);
    expect(await fetcher({ query: '{ a }' })).toEqual(body);
    expect(answers.map(({ status }) => status)).toEqual(['waiting', 'done']);
    expect(answers.at(-1)).toMatchObject({ traceId: 'trace', errors: body.errors, sources: [{ source: 'A' }] });
  });

  it('says nothing of introspection', async () => {
    const { fetcher, answers } = await gateway([{ type: 'application/json', chunks: ['{"data":{}}'] }]);
    await fetcher({ query: 'query IntrospectionQuery { a }', operationName: 'IntrospectionQuery' });
    expect(answers).toEqual([]);
  });

  it('names the operation that the text holds, not one that it held before', async () => {
    const reply = { type: 'application/json', chunks: ['{}'] };
    const { fetcher, bodies } = await gateway([reply, { ...reply }, { ...reply }]);
    await fetcher({ query: 'query New { a }', operationName: 'Old' });
    await fetcher({ query: 'query One { a } query Two { a }', operationName: 'Two' });
    await fetcher({ query: 'query One { a } query Two { a }', operationName: 'Old' });
    expect(bodies).toMatchObject([{ operationName: 'New' }, { operationName: 'Two' }, {}]);
    expect(bodies[2]).not.toHaveProperty('operationName');
  });

  it('signs in once more on 401, and only once', async () => {
    const refused = { status: 401, type: 'application/json', chunks: ['{"errors":[{"message":"no"}]}'] };
    const { fetcher, answers, authorizations } = await gateway([refused, refused]);
    await fetcher({ query: '{ a }' });
    expect(authorizations).toEqual(['Bearer 0', 'Bearer 1']);
    expect(answers.at(-1)!.errors).toEqual([{ message: 'no' }]);
  });

  it('adds up the parts of a deferred answer, wherever the pieces are cut', async () => {
    const parts = [
      { data: { a: 1 }, hasNext: true, extensions: kilde('A', 'FRESH') },
      { incremental: [{ path: [], data: { b: 2 }, errors: [{ message: 'late' }] }], hasNext: true },
      { hasNext: false, extensions: kilde('B', 'UNAVAILABLE') },
    ];
    const text = `${parts.map((it) => `\r\n--one-two\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(it)}`).join('')}\r\n--one-two--\r\n`;
    const { fetcher, answers } = await gateway([
      {
        type: 'multipart/mixed; boundary="one-two"; deferSpec=20220824',
        chunks: [text.slice(0, 9), text.slice(9, 150), text.slice(150)],
      },
    ]);
    expect(await all(await fetcher({ query: '{ a ... @defer { b } }' }))).toEqual(parts);
    expect(answers.at(-1)).toMatchObject({
      status: 'done',
      errors: [{ message: 'late' }],
      sources: [{ source: 'A' }, { source: 'B' }],
    });
  });

  it('shows each event of a subscription by itself, and ends on complete', async () => {
    const next = (result: unknown) => `event: next\ndata: ${JSON.stringify(result)}\n\n`;
    const { fetcher, answers } = await gateway([
      {
        type: 'text/event-stream',
        chunks: [
          ':\n\n',
          next({ data: 1, errors: [{ message: 'first' }] }),
          next({ data: 2 }),
          'event: complete\ndata:\n\n',
        ],
        open: true,
      },
    ]);
    expect(await all(await fetcher({ query: 'subscription { a }' }))).toEqual([
      { data: 1, errors: [{ message: 'first' }] },
      { data: 2 },
    ]);
    expect(answers.at(-1)).toMatchObject({ status: 'done', errors: [] });
  });

  it('closes the connection when a stream is stopped, without waiting for its next event', async () => {
    const { fetcher, gone } = await gateway([{ type: 'text/event-stream', chunks: [':\n\n'], open: true }]);
    const stream = (await fetcher({ query: 'subscription { a }' })) as AsyncIterable<GraphQLResult>;
    const iterator = stream[Symbol.asyncIterator]();
    const pending = iterator.next();
    await iterator.return!();
    expect(await pending).toEqual({ done: true, value: undefined });
    await gone;
  });

  it.each([
    ['HTML', { status: 502, type: 'text/html', chunks: ['<h1>Bad gateway</h1>'] }, 'answered 502 with text/html'],
    ['truncated JSON', { type: 'application/json', chunks: ['{"data":'] }, 'JSON'],
  ])('fails in words on %s', async (_name, reply, words) => {
    const { fetcher, answers } = await gateway([reply]);
    await expect(fetcher({ query: '{ a }' })).rejects.toThrow(words);
    expect(answers.at(-1)).toMatchObject({ status: 'failed', failure: expect.stringContaining(words) });
  });
});

it('createLayoutStorage writes down the panes’ sizes and nothing of what was asked or answered', () => {
  const written = new Map<string, string>();
  const lasting = {
    getItem: (key: string) => written.get(key) ?? null,
    setItem: (key: string, value: string) => void written.set(key, value),
    removeItem: (key: string) => void written.delete(key),
    clear: () => written.clear(),
    key: () => null,
    length: 0,
  };
  const storage = createLayoutStorage(lasting);
  for (const key of ['query', 'variables', 'headers', 'tabState', 'queries', 'favorites', 'editorFlex'])
    storage.setItem(`graphiql:${key}`, 'x');
  expect([...written.keys()]).toEqual(['graphiql:editorFlex']);
  expect(storage.getItem('graphiql:variables')).toBe('x');
  storage.clear();
  expect(written.size).toBe(0);
  expect(storage.getItem('graphiql:variables')).toBeNull();
});

it('readSchema says each field’s source and category where its description is read', () => {
  const schema = readSchema(`
    directive @source(name: String!) on FIELD_DEFINITION
    directive @policy(policies: [[String!]!]!) on FIELD_DEFINITION
    type Query { "Name. «Navn»" name: String @source(name: "REGISTER") @policy(policies: [["person"]]) plain: String }
  `);
  const { name, plain } = schema.getQueryType()!.getFields();
  expect(name!.description).toBe('Name. «Navn»\n\nSource: `REGISTER` · Category: `person`');
  expect(plain!.description).toBeUndefined();
});
