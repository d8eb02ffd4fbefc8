import * as z from 'zod';
import type { SubgraphModule } from '../../schema/subgraph.ts';
import { readCommon, readEnv } from '../_shared/environment.ts';
import { createCursors } from '../_shared/paging.ts';
import { createSubgraph } from '../_shared/subgraph.ts';
import { openPersonvern } from './database.ts';
import { createLoaders } from './loaders.ts';
import { createPersonKey } from './personKey.ts';
import { type Context, resolvers } from './resolvers.ts';
import { rules } from './rules.ts';

const Env = z.object({ DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }) });

const module: SubgraphModule = {
  name: 'personvern',
  routes: [],
  async create(env) {
    const common = readCommon(env);
    const { DATABASE_URL } = readEnv(Env, env);
    const cursors = createCursors(common.key('cursor'));
    const database = await openPersonvern(DATABASE_URL);
    const stores = { database, keyOf: createPersonKey(common) };
    return createSubgraph<Context>({
      name: 'personvern',
      home: import.meta.url,
      resolvers,
      rules,
      createContext: (request) => ({ ...request, cursors, loaders: createLoaders(stores, request) }),
      health: database.health,
      close: database.close,
    });
  },
};
export default module;
