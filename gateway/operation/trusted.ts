import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { requestError } from './errors.ts';

/** A persisted query manifest: SHA-256 of a document's text, lowercase hex -> the text. */
export type Manifest = Record<string, string>;
const Manifest = z.record(z.string().regex(/^[0-9a-f]{64}$/), z.string());

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Documents that are known beforehand. Nothing that a client sends is ever added. */
export type TrustedDocuments = {
  /** Hash -> text. */
  texts: ReadonlyMap<string, string>;
  /** Whether other documents are refused. */
  required: boolean;
};

/**
 * Reads the manifest in `file`; without a file nothing is known.
 *
 * @throws Error when it cannot be read, is not a manifest, or a text has another hash than it stands under
 */
export const readTrusted = (file: string | null, required: boolean): TrustedDocuments => {
  if (file === null) return { texts: new Map(), required };
  const { data: manifest, error } = Manifest.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (error) throw new Error('TRUSTED_DOCUMENTS: expected {"<sha256>": "query …"}');
  const texts = new Map(Object.entries(manifest));
  for (const [hash, text] of texts)
    if (hashOf(text) !== hash) throw new Error(`TRUSTED_DOCUMENTS: the text under ${hash} has another hash`);
  return { texts, required };
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unknownId = () => requestError('BAD_REQUEST', 'No known operation has this id');

const hashIn = (id: unknown): string => {
  if (typeof id !== 'string' || id.length !== 64) throw unknownId();
  return id;
};

/** The hashes that a request names: `documentId` of the GraphQL-over-HTTP draft, `persistedQuery` as Apollo's clients. */
const hashesOf = ({ documentId, extensions }: Record<string, unknown>): string[] => {
  const hashes: string[] = [];
  if (documentId !== undefined && documentId !== null) {
    if (typeof documentId !== 'string' || !documentId.startsWith('sha256:')) throw unknownId();
    hashes.push(hashIn(documentId.slice('sha256:'.length)));
  }
  if (extensions === undefined || extensions === null) return hashes;
  if (!isRecord(extensions)) throw requestError('BAD_REQUEST', 'extensions: an object is expected');
  const persisted = extensions['persistedQuery'];
  if (persisted === undefined || persisted === null) return hashes;
  if (!isRecord(persisted) || persisted['version'] !== 1) throw unknownId();
  return [...hashes, hashIn(persisted['sha256Hash'])];
};

/**
 * The text of a request's document: the one its id names, or what it sent where that is allowed. `undefined` when it sent
 * neither.
 *
 * @throws GraphQLError BAD_REQUEST for an id that is malformed or not known (the same answer), for an id beside another
 * text, and for a text without id where known operations are required
 */
export const documentOf = (body: Record<string, unknown>, trusted: TrustedDocuments): unknown => {
  const [hash, ...others] = hashesOf(body);
  const sent = body['query'] ?? undefined;
  if (hash === undefined) {
    if (trusted.required && sent !== undefined)
      throw requestError('BAD_REQUEST', 'This installation answers known operations only: send the id of one');
    return sent;
  }
  const text = trusted.texts.get(hash);
  if (text === undefined) throw unknownId();
  if (others.some((it) => it !== hash) || (sent !== undefined && sent !== text))
    throw requestError('BAD_REQUEST', 'The request names an operation and holds another');
  return text;
};
