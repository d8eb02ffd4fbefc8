import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { badRequest } from './errors.ts';

/** Seals a position in a list so that it can be given out and comes back only for the same patient and list. */
export type Cursors = {
  seal(position: string, bound: string): string;
  open(cursor: string, bound: string): string;
};

/**
 * AES-256-GCM with `bound` (patient id and list) as additional data: a cursor that is forged, cut, or from another
 * patient, list or installation does not open, and all of these get the same answer.
 *
 * @param bytes 32 bytes, the same in every replica
 */
export const createCursors = (bytes: Buffer): Cursors => {
  const key = createSecretKey(bytes); // once: a raw buffer is made into a key for every use
  return {
    seal(position, bound) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(bound));
      const sealed = Buffer.concat([cipher.update(position, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(cursor, bound) {
      const bytes = Buffer.from(cursor, 'base64url');
      if (cursor.length > 512 || bytes.length < 29) throw badRequest('after: not a cursor of this list');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(bound));
        decipher.setAuthTag(bytes.subarray(12, 28));
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
      } catch {
        throw badRequest('after: not a cursor of this list');
      }
    },
  };
};

export type PageArguments = { first?: number | null; after?: string | null };
export type Page<T> = {
  nodes: T[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
};

/** `first` within bounds, as a typed error otherwise. */
export const pageSize = (first: number | null | undefined, usual: number, most: number): number => {
  const size = first ?? usual;
  if (size < 1 || size > most) throw badRequest(`first: from 1 to ${most}`);
  return size;
};

/**
 * One page of a list that is whole, filtered and ordered already.
 *
 * @param keyOf a key that orders the list (newest first: descending) and is unique in it
 * @param bound patient id and name of the list with its filters
 */
export const pageOf = <T>(
  all: readonly T[],
  { first, after }: PageArguments,
  {
    cursors,
    bound,
    keyOf,
    usual = 20,
    most = 100,
  }: {
    cursors: Cursors;
    bound: string;
    keyOf: (item: T) => string;
    usual?: number;
    most?: number;
  },
): Page<T> => {
  const size = pageSize(first, usual, most);
  let start = 0;
  if (after) {
    const key = cursors.open(after, bound);
    const index = all.findIndex((item) => keyOf(item) === key);
    if (index < 0) throw badRequest('after: the list has changed; start from the beginning');
    start = index + 1;
  }
  const nodes = all.slice(start, start + size);
  const last = nodes.at(-1);
  const hasNextPage = start + size < all.length;
  return {
    nodes,
    pageInfo: {
      hasNextPage,
      endCursor: last ? cursors.seal(keyOf(last), bound) : null,
    },
  };
};
