import { type Freshness, oldestOf } from '../_shared/cache/freshness.ts';
import { badRequest } from '../_shared/errors.ts';
import type { DocumentReference } from './adapter/documentMapping.ts';

/** A page of the source, as the loader gives it. */
export type LoadedPage = Freshness & {
  documents: DocumentReference[];
  hasNext: boolean;
  withheld: number | null;
  dropped: number;
  isOpened: boolean;
};

/** Where a client's page ended: the source's page, and the last document given from it. */
export type Position = { page: number; id: string };

/** More pages than any person has: a source that never ends is not read for ever. */
const mostPages = 50;

export const writePosition = ({ page, id }: Position): string => `${page} ${id}`;
export const readPosition = (text: string): Position => {
  const space = text.indexOf(' ');
  return { page: Number(text.slice(0, space)), id: text.slice(space + 1) };
};

export type Collected = {
  found: { document: DocumentReference; page: number }[];
  hasNextPage: boolean;
  withheld: number | null;
  dropped: number;
  /** Whether a page that was read has been opened by an elevated basis. */
  isOpened: boolean;
  /** Of the pages that were read. */
  freshness: Freshness;
};

/**
 * Reads as many of the source's pages as it takes to fill one of ours, after the filter. A document that has been added since the
 * position was given moves the rest to later pages, never to earlier ones, so reading on from there finds the place again.
 *
 * @returns `null` when the source's pages have no end
 */
export const collectDocuments = async (
  load: (page: number) => Promise<LoadedPage>,
  wanted: { size: number; after: Position | null; passes: (document: DocumentReference) => boolean },
): Promise<Collected | null> => {
  const { size, after, passes } = wanted;
  const found: Collected['found'] = [];
  const seen = new Set<string>();
  let isPast = after === null;
  let withheld: number | null = null;
  let dropped = 0;
  let isOpened = false;
  let freshness: Freshness | null = null;
  const start = after?.page ?? 1;
  for (let page = start; page < start + mostPages; page += 1) {
    const loaded = await load(page);
    withheld ??= loaded.withheld;
    dropped += loaded.dropped;
    isOpened ||= loaded.isOpened;
    freshness = oldestOf(freshness ? [freshness, loaded] : [loaded])!;
    for (const document of loaded.documents) {
      if (seen.has(document.id)) continue;
      seen.add(document.id);
      if (!isPast) isPast = document.id === after?.id;
      else if (passes(document)) found.push({ document, page });
    }
    if (found.length > size || !loaded.hasNext) {
      if (!isPast) throw badRequest('after: the list has changed; start from the beginning');
      return { found: found.slice(0, size), hasNextPage: found.length > size, withheld, dropped, isOpened, freshness };
    }
  }
  return null;
};
