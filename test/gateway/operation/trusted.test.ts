import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../gateway/config.ts';
import { createManifest, readApiSchema } from '../../../gateway/operation/publish.ts';
import { documentOf, hashOf, readTrusted } from '../../../gateway/operation/trusted.ts';
import { nested } from '../../support/attacks.ts';

const folder = mkdtempSync(join(tmpdir(), 'kilde-trusted-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

const known = '{ viewer { kind } }';
const other = 'query Other { viewer { role } }';
const id = hashOf(known);
const manifest = write('manifest.json', { [id]: known, [hashOf(other)]: other });
const required = readTrusted(manifest, true);
const optional = readTrusted(manifest, false);
const persisted = (sha256Hash: unknown, version: unknown = 1) => ({ persistedQuery: { version, sha256Hash } });

describe('a request that names a known operation', () => {
  it.each([
    ['documentId', { documentId: `sha256:${id}` }],
    ['persistedQuery', { extensions: persisted(id) }],
    ['both', { documentId: `sha256:${id}`, extensions: persisted(id) }],
    ['its own text beside the id', { documentId: `sha256:${id}`, query: known }],
  ])('by %s gets its text', (_name, body) => {
    expect(documentOf(body, required)).toBe(known);
    expect(documentOf(body, optional)).toBe(known);
  });

  it.each([
    ['another text', { extensions: persisted(id), query: '{ viewer { role } }' }],
    ['the text of another known one', { documentId: `sha256:${id}`, query: other }],
    ['an empty text', { documentId: `sha256:${id}`, query: '' }],
    ['a text that is none', { documentId: `sha256:${id}`, query: { kind: 'Document' } }],
    ['another id', { documentId: `sha256:${id}`, extensions: persisted(hashOf(other)) }],
  ])('and holds %s is refused (B13): neither wins', (_name, body) => {
    for (const trusted of [required, optional])
      expect(() => documentOf(body, trusted)).toThrow('The request names an operation and holds another');
  });
});

describe('a request with an id that is not known (B12)', () => {
  const registering = '{ viewer { hprNumber } }';
  it.each<[name: string, body: Record<string, unknown>]>([
    ['unknown', { extensions: persisted('0'.repeat(64)) }],
    ['unknown documentId', { documentId: `sha256:${'0'.repeat(64)}` }],
    ['in capitals', { extensions: persisted(id.toUpperCase()) }],
    ['without its algorithm', { documentId: id }],
    ['of another algorithm', { documentId: `md5:${id}` }],
    ['a million characters long', { extensions: persisted('a'.repeat(1_000_000)) }],
    ['a number', { extensions: persisted(1) }],
    ['a list', { extensions: persisted([id]) }],
    ['an object', { documentId: { sha256: id } }],
    ['empty', { documentId: '' }],
    ['missing', { extensions: { persistedQuery: { version: 1 } } }],
    ['of version 2', { extensions: persisted(id, 2) }],
    ['without version', { extensions: { persistedQuery: { sha256Hash: id } } }],
    ['a text for persistedQuery', { extensions: { persistedQuery: id } }],
    ['__proto__', { documentId: 'sha256:__proto__' }],
    ['constructor', { extensions: persisted('constructor') }],
    ['new, with the text that it would register', { extensions: persisted(hashOf(registering)), query: registering }],
  ])('%s is refused alike and stores nothing', (_name, body) => {
    for (const trusted of [required, optional]) {
      expect(() => documentOf(body, trusted)).toThrow('No known operation has this id');
      expect(trusted.texts.has(hashOf(registering))).toBe(false);
    }
  });

  it('extensions that are no object are refused', () => {
    for (const extensions of ['{}', [], 1]) expect(() => documentOf({ extensions }, optional)).toThrow('extensions');
  });
});

describe('a request with a text only', () => {
  it('is refused where known operations are required, also when it holds one', () => {
    for (const query of [known, '{ x }', ''])
      expect(() => documentOf({ query }, required)).toThrow('known operations only');
  });

  it('is taken where they are not', () => {
    expect(documentOf({ query: '{ x }', extensions: { other: 1 } }, optional)).toBe('{ x }');
    expect(documentOf({ query: null, documentId: null, extensions: null }, optional)).toBeUndefined();
  });
});

describe('the manifest', () => {
  it.each([
    ['a text that was changed', { [id]: `${known} ` }, 'has another hash'],
    ['a hash in capitals', { [id.toUpperCase()]: known }, 'expected {"<sha256>"'],
    ['a list', [known], 'expected {"<sha256>"'],
    ['a text that is none', { [id]: 1 }, 'expected {"<sha256>"'],
    ['what is no JSON', '{', 'JSON'],
  ])('with %s stops the start', (_name, content, message) => {
    expect(() => readTrusted(write('bad.json', content), false)).toThrow(message);
  });

  it('that is not there stops the start', () => {
    expect(() => readTrusted(join(folder, 'none.json'), false)).toThrow('ENOENT');
  });

  it('must be named in production', () => {
    const env = {
      KILDE_ENVIRONMENT: 'production',
      KILDE_KEY: Buffer.alloc(32, 7).toString('base64'),
      HELSEID_ISSUER: 'https://helseid.example',
      PUBLIC_URL: 'https://kilde.example',
      DATABASE_URL: 'postgres://localhost/kilde',
      AUDIT_CHECKPOINTS: 'checkpoints',
    };
    expect(() => loadConfig(env)).toThrow('TRUSTED_DOCUMENTS: needed in production');
    expect(loadConfig({ ...env, TRUSTED_DOCUMENTS: manifest }).trustedDocuments).toBe(manifest);
    expect(loadConfig({ ...env, KILDE_ENVIRONMENT: 'sandbox' }).trustedDocuments).toBeNull();
  });
});

describe('operations:publish', () => {
  const schema = readApiSchema();
  const examples = fileURLToPath(new URL('../../../examples/operations/', import.meta.url));

  it('puts each example under the hash of its file, and what it writes can be read', () => {
    const published = createManifest(examples, schema);
    expect(Object.keys(published)).toHaveLength(6);
    const text = readFileSync(join(examples, 'emergency-summary.graphql'), 'utf8');
    expect(published[hashOf(text)]).toBe(text);
    expect(readTrusted(write('published.json', published), true).texts.get(hashOf(text))).toBe(text);
  });

  it.each([
    ['a field that is not there', '{ viewer { nothing } }', 'Cannot query field'],
    ['a field that only the gateway uses', '{ identify(nationalId: "1") { id } }', 'Cannot query field'],
    ['what is not GraphQL', '{', 'Syntax Error'],
    ['introspection', '{ __schema { types { name } } }', 'introspection'],
    ['too many levels', nested(13), 'Levels of fields: 12 at most'],
    ['too long lists', '{ patient(id: "a") { labReports(first: 1000000) { nodes { id } } } }', 'ask for shorter lists'],
    ['no operation', 'fragment f on Viewer { kind }', 'f.graphql'],
  ])('refuses a file with %s and names it', (_name, text, message) => {
    const home = mkdtempSync(join(folder, 'operations-'));
    writeFileSync(join(home, 'f.graphql'), text);
    writeFileSync(join(home, 'good.graphql'), known);
    expect(() => createManifest(home, schema)).toThrow(message);
    expect(() => createManifest(home, schema)).toThrow(/^f\.graphql: /);
  });

  it('refuses a folder without operations', () => {
    expect(() => createManifest(mkdtempSync(join(folder, 'empty-')), schema)).toThrow('no operation to publish');
  });
});
