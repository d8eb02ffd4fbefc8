import { answered, given, type RequestContext } from '../_shared/group.ts';
import { type Cursors, type PageArguments, pageSize } from '../_shared/paging.ts';
import { isActive, mapAccess, mapRestriction } from './adapter/mapping.ts';
import { SOURCE } from './database.ts';
import type { createLoaders } from './loaders.ts';

export type Context = RequestContext & { loaders: ReturnType<typeof createLoaders>; cursors: Cursors };
type Parent = { id: string };

export const resolvers = {
  Query: {
    privacySettings: async (_root: unknown, { nationalIds }: { nationalIds: string[] }, { loaders }: Context) =>
      given(await loaders.settings(nationalIds)).filter((row) => isActive(row, new Date().toISOString())),
  },
  Patient: {
    __resolveReference: ({ id }: Parent): Parent => ({ id }),
    accessLog: async ({ id }: Parent, { first, after }: PageArguments, context: Context) => {
      const bound = `${id}/accessLog`;
      const size = pageSize(first, 20, 100);
      const before = after ? context.cursors.open(after, bound) : null;
      const found = given(await context.loaders.access.load({ patientId: id, before, limit: size + 1 }));
      const retrieved = new Date().toISOString();
      const page = found.slice(0, size);
      const last = page.at(-1);
      const head = answered(context, SOURCE, { count: page.length, retrieved });
      return {
        ...head,
        absence: before === null ? head.absence : null, // the end of the log is not an empty log
        nodes: page.map((row) => mapAccess(row, retrieved)),
        pageInfo: {
          hasNextPage: found.length > size,
          endCursor: last ? context.cursors.seal(last.sequence, bound) : null,
        },
      };
    },
    restrictions: async ({ id }: Parent, _args: unknown, context: Context) => {
      const found = given(await context.loaders.restrictions.load(id));
      const retrieved = new Date().toISOString();
      return {
        ...answered(context, SOURCE, { count: found.length, retrieved }),
        nodes: found.map((row) => mapRestriction(row, retrieved)),
      };
    },
  },
};
