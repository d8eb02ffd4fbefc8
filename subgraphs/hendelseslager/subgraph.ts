import * as z from 'zod';
import type { SubgraphModule } from '../../schema/subgraph.ts';
import { openCache } from '../_shared/cache/open.ts';
import { openDatabaseSource } from '../_shared/databaseSource.ts';
import { readCommon, readEnv } from '../_shared/environment.ts';
import { createCursors } from '../_shared/paging.ts';
import { createSubgraph } from '../_shared/subgraph.ts';
import { SOURCE } from './adapter/mapping.ts';
import { createHandler, routes } from './ingest/routes.ts';
import { createLoaders } from './loaders.ts';
import { createMunicipalities } from './municipalities.ts';
import { type Context, resolvers } from './resolvers.ts';
import { rules } from './rules.ts';
import { migrations } from './store/migrations.ts';
import { createPersonKeys } from './store/personKey.ts';

const organisation = /^\d{9}$/;
const listOf = (pattern: RegExp, what: string) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((it) => it.trim())
        .filter(Boolean),
    )
    .refine((list) => list.every((it) => pattern.test(it)), what);

const postgres = z.url({ protocol: /^postgres(ql)?$/ });
const Env = z.object({
  DATABASE_URL: postgres,
  /** The event store's own database, where it is not the common one. */
  HENDELSESLAGER_DATABASE_URL: postgres.optional(),
  /** Organisation numbers of the municipalities whose events are kept here. */
  HENDELSESLAGER_MUNICIPALITIES: listOf(organisation, 'organisation numbers, separated by commas').refine(
    ({ length }) => length > 0,
    'at least one organisation number',
  ),
  /** `reader:municipality`: the reader's legal entity may read the municipality's events. */
  HENDELSESLAGER_AGREEMENTS: listOf(/^\d{9}:\d{9}$/, 'reader:municipality, separated by commas').default([]),
});

const module: SubgraphModule = {
  name: 'hendelseslager',
  routes,
  async create(env) {
    const common = readCommon(env);
    const { DATABASE_URL, HENDELSESLAGER_DATABASE_URL, HENDELSESLAGER_MUNICIPALITIES, HENDELSESLAGER_AGREEMENTS } =
      readEnv(Env, env);
    const agreements = HENDELSESLAGER_AGREEMENTS.map((text) => {
      const [reader = '', municipality = ''] = text.split(':');
      return { reader, municipality };
    });
    const municipalities = createMunicipalities(HENDELSESLAGER_MUNICIPALITIES, agreements);
    const keys = createPersonKeys(common.key('event-person'));
    const cursors = createCursors(common.key('cursor'));
    const database = await openDatabaseSource({
      name: SOURCE,
      url: HENDELSESLAGER_DATABASE_URL ?? DATABASE_URL,
      schema: 'hendelseslager',
      steps: migrations,
    });
    const cache = await openCache(env);
    const stores = { database, keys, municipalities };
    return createSubgraph<Context>({
      name: 'hendelseslager',
      home: import.meta.url,
      resolvers,
      rules,
      createContext: (request) => ({ ...request, cursors, loaders: createLoaders(stores, request) }),
      handle: createHandler({ ...stores, cache, environment: common.environment }),
      health: database.health,
      close: async () => {
        await Promise.all([database.close(), cache.close()]);
      },
    });
  },
};
export default module;
