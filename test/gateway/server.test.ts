import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../gateway/config.ts';
import type { KildeGateway } from '../../gateway/execute/gateway.ts';
import { limits } from '../../gateway/operation/limits.ts';
import { hashOf, readTrusted } from '../../gateway/operation/trusted.ts';
import { createServer } from '../../gateway/server.ts';
import { citizen } from '../support/ask.ts';

const folder = mkdtempSync(join(tmpdir(), 'kilde-server-'));
const known = '{ text }';
const introspection = '{ __schema { queryType { name } } }';
const manifest = join(folder, 'manifest.json');
writeFileSync(manifest, JSON.stringify(Object.fromEntries([known, introspection].map((text) => [hashOf(text), text]))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const caller = citizen('14834841291');

const apiSchema = buildSchema('type Query { text: String }');

/** A gateway that answers every operation with a text, and counts them. */
const answering = (characters: () => number) => {
  const state = { asked: 0 };
  let tell: Parameters<NonNullable<KildeGateway['onSchemaLoadOrUpdate']>>[0] = () => {};
  const gateway: KildeGateway = {
    onSchemaLoadOrUpdate: (callback) => {
      tell = callback;
      return () => {};
    },
    load: async () => {
      tell({ apiSchema, coreSupergraphSdl: '' });
      return {
        schema: apiSchema,
        executor: async () => {
          state.asked++;
          return { data: { text: `å${'x'.repeat(characters())}` } }; // two bytes and so many more
        },
      };
    },
    stop: async () => {},
    schema: () => apiSchema,
    update: async () => false,
    facts: () => {
      throw new Error('nobody asks');
    },
  };
  return { gateway, state };
};

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

const start = async (environment: 'sandbox' | 'production', characters = () => 0) => {
  const { gateway, state } = answering(characters);
  const config = loadConfig({
    KILDE_ENVIRONMENT: environment,
    KILDE_KEY: Buffer.alloc(32, 7).toString('base64'),
    HELSEID_ISSUER: 'https://helseid.example',
    PUBLIC_URL: 'https://kilde.example',
    AUDIT_CHECKPOINTS: 'checkpoints',
    DATABASE_URL: 'postgres://localhost/kilde',
    TRUSTED_DOCUMENTS: manifest,
  });
  const server = await createServer({
    config,
    gateway,
    trusted: readTrusted(manifest, environment === 'production'),
    authenticate: async () => ({ caller, token: 'token', nextNonce: null }),
    mounted: new Map(),
    ownHealth: async () => [],
  });
  stop = server.stop;
  const send = async (body: object, headers: Record<string, string> = {}) => {
    const answer = await server.app.inject({ method: 'POST', url: '/graphql', payload: body, headers });
    const read = answer.json<{ data?: unknown; errors?: { message: string; extensions: { code: string } }[] }>();
    return { status: answer.statusCode, type: answer.headers['content-type'], text: answer.body, ...read };
  };
  return { send, state };
};

describe('an answer', () => {
  it('of 2 MB is given; of one byte more it is refused whole, as a limit and not as our fault', async () => {
    let characters = 0;
    const { send } = await start('sandbox', () => characters);
    const around = Buffer.byteLength((await send({ query: known })).text);
    characters = limits.responseBytes - around;
    const full = await send({ query: known });
    expect([full.status, Buffer.byteLength(full.text)]).toEqual([200, limits.responseBytes]);
    characters++;
    const more = await send({ query: known });
    expect(more).toMatchObject({
      status: 400,
      errors: [{ message: 'Bytes of an answer: 2000000 at most', extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
    expect(more.data).toBeUndefined();
    expect(more.text.length).toBeLessThan(200);
  });
});

describe('in production', () => {
  it('a known operation is answered by its id, of either form', async () => {
    const { send } = await start('production');
    const sha256Hash = hashOf(known);
    for (const body of [
      { documentId: `sha256:${sha256Hash}` },
      { extensions: { persistedQuery: { version: 1, sha256Hash } } },
    ])
      expect(await send(body)).toMatchObject({ status: 200, data: { text: 'å' } });
  });

  it('everything else is refused before anything is asked, and nothing is registered', async () => {
    const { send, state } = await start('production');
    const query = '{ other: text }';
    const persistedQuery = { version: 1, sha256Hash: hashOf(query) };
    for (const body of [
      { query },
      { query: known },
      { query, extensions: { persistedQuery } },
      { extensions: { persistedQuery } },
      { query, documentId: `sha256:${hashOf(known)}` },
      {},
    ])
      expect(await send(body)).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    expect(state.asked).toBe(0);
  });

  it('introspection is refused although its document is known', async () => {
    const { send, state } = await start('production');
    expect(await send({ documentId: `sha256:${hashOf(introspection)}` })).toMatchObject({ status: 400 });
    expect(state.asked).toBe(0);
  });
});

describe('in the sandbox', () => {
  it('texts are answered too, and clients register nothing', async () => {
    const { send, state } = await start('sandbox');
    const query = '{ other: text }';
    const persistedQuery = { version: 1, sha256Hash: hashOf(query) };
    expect(await send({ query })).toMatchObject({ status: 200 });
    for (const body of [{ query, extensions: { persistedQuery } }, { extensions: { persistedQuery } }])
      expect(await send(body)).toMatchObject({ status: 400, errors: [{ message: 'No known operation has this id' }] });
    expect(state.asked).toBe(1);
  });

  it('a refusal has the type that the client asked for', async () => {
    const { send } = await start('sandbox');
    const accept = 'application/graphql-response+json';
    expect((await send({ query: '{a}{b}' }, { accept })).type).toContain(accept);
    expect((await send({ query: '{a}{b}' })).type).toContain('application/json');
  });
});
