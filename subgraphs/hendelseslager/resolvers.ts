import * as z from 'zod';
import { badRequest } from '../_shared/errors.ts';
import { answered, given, type RequestContext } from '../_shared/group.ts';
import { type Cursors, type PageArguments, pageSize } from '../_shared/paging.ts';
import type { After } from './adapter/client.ts';
import { SOURCE, trendOf } from './adapter/mapping.ts';
import { readTime } from './ingest/event.ts';
import type { createLoaders, Part } from './loaders.ts';

export type Context = RequestContext & { loaders: ReturnType<typeof createLoaders>; cursors: Cursors };
type Parent = { id: string };

const Position = z.tuple([z.string(), z.string()]);

/** `after` and `first` as the store takes them. */
const pageFrom = (cursors: Cursors, bound: string, { first, after }: PageArguments) => {
  const [at, position] = after ? Position.parse(JSON.parse(cursors.open(after, bound))) : [];
  const from: After | null = at === undefined || position === undefined ? null : { at, position };
  return { first: pageSize(first, 20, 100), after: from };
};

const pageInfo = <T>(cursors: Cursors, bound: string, { hasNextPage, last }: Part<T>) => ({
  hasNextPage,
  endCursor: last ? cursors.seal(JSON.stringify([last.at, last.position]), bound) : null,
});

/** The group's head. Records left out by label are told of; an empty page further on is not «none registered». */
const headOf = <T>(
  context: Context,
  { records, retrieved, dropped, withheld, isOpened }: Part<T>,
  isFirstPage: boolean,
) => {
  const count = records.length;
  const lack = withheld
    ? { lack: { code: withheld.absence, requires: withheld.requires } }
    : count === 0 && !isFirstPage
      ? { lack: null }
      : {};
  return answered(context, SOURCE, { count, retrieved, dropped, isOpened, ...lack });
};

/** A list argument of a few short words, or nothing; an empty list would ask for nothing at all. */
const readFilter = (name: string, words: readonly string[] | null | undefined): readonly string[] | null => {
  if (!words) return null;
  if (words.length === 0 || words.length > 50 || words.some((word) => word.length > 256))
    throw badRequest(`${name}: from 1 to 50 values of at most 256 characters`);
  return [...words].sort();
};

const readFrom = (from: unknown): string | null => {
  if (from === null || from === undefined) return null;
  const time = typeof from === 'string' ? readTime(from) : null;
  if (!time) throw badRequest('from: a date, or a moment with offset, ISO 8601');
  return time.at.toISOString();
};

export const resolvers = {
  Patient: {
    __resolveReference: ({ id }: Parent): Parent => ({ id }),
    municipalServices: async ({ id }: Parent, { status }: { status?: string[] | null }, context: Context) => {
      const statuses = readFilter('status', status)?.map((it) => (it === 'on-hold' ? 'onhold' : it)) ?? null;
      const services = given(await context.loaders.services.load({ patientId: id, statuses }));
      return { ...headOf(context, services, true), nodes: services.records };
    },
    earlyWarningScores: async ({ id }: Parent, args: PageArguments & { from?: unknown }, context: Context) => {
      const from = readFrom(args.from);
      const bound = `${id}/earlyWarningScores/${from}`;
      const page = pageFrom(context.cursors, bound, args);
      const panels = given(await context.loaders.panels.load({ patientId: id, from, ...page }));
      return {
        ...headOf(context, panels, page.after === null),
        nodes: panels.records,
        pageInfo: pageInfo(context.cursors, bound, panels),
        trend: trendOf(panels.records),
      };
    },
    events: async ({ id }: Parent, args: PageArguments & { types?: string[] | null }, context: Context) => {
      const types = readFilter('types', args.types);
      const bound = `${id}/events/${JSON.stringify(types)}`;
      const page = pageFrom(context.cursors, bound, args);
      const events = given(await context.loaders.events.load({ patientId: id, types, ...page }));
      return {
        ...headOf(context, events, page.after === null),
        nodes: events.records,
        pageInfo: pageInfo(context.cursors, bound, events),
      };
    },
  },
};
