import * as z from 'zod';
import type { Subgraph, SubgraphModule } from '../../schema/subgraph.ts';
import { noCache, type SourceCache } from '../_shared/cache/cache.ts';
import { openCache } from '../_shared/cache/open.ts';
import { type Env, readCommon, readEnv } from '../_shared/environment.ts';
import { createHttpSource } from '../_shared/httpSource.ts';
import { createCursors } from '../_shared/paging.ts';
import { createSubgraph } from '../_shared/subgraph.ts';
import { createTokens, type Tokens } from '../_shared/tokens.ts';
import { createLoaders } from './loaders.ts';
import { type Context, resolvers } from './resolvers.ts';
import { rules } from './rules.ts';

const name = 'kjernejournal';

const Variables = z.object({
  /** With the version, e.g. `https://…/api/critical-information/v1`. */
  KRITISK_INFORMASJON_URL: z.url({ protocol: /^https?$/ }),
  /** The origin of document sharing, e.g. `https://api.pjd.…`. */
  PJD_URL: z.url({ protocol: /^https?$/ }),
  KRITISK_INFORMASJON_HEADERS: z.enum(['nhn', 'hit']).default('nhn'),
});

/** The subgraph with the given tokens and cache; it closes them with itself. */
export const createKjernejournal = (
  env: Env,
  { tokens, cache = noCache }: { tokens: Tokens; cache?: SourceCache },
): Subgraph => {
  const variables = readEnv(Variables, env);
  const { environment, sourceSystem, key } = readCommon(env);
  const kritiskInformasjon = createHttpSource({
    name: 'KJERNEJOURNAL',
    baseUrl: variables.KRITISK_INFORMASJON_URL,
    tokens,
  });
  const journaldokumenter = createHttpSource({ name: 'JOURNALDOKUMENTER', baseUrl: variables.PJD_URL, tokens });
  const all = [kritiskInformasjon, journaldokumenter];
  const settings = { headers: variables.KRITISK_INFORMASJON_HEADERS, sourceSystem };
  const cursors = createCursors(key('cursors/kjernejournal'));
  return createSubgraph<Context>({
    name,
    home: import.meta.url,
    resolvers,
    rules,
    createContext: (request) => ({
      ...request,
      cursors,
      loaders: createLoaders({ cache, environment, kritiskInformasjon, journaldokumenter, settings }, request),
    }),
    health: () => Promise.all(all.map(async (source) => ({ source: source.name, up: await source.reachable() }))),
    close: async () => {
      await Promise.all([...all, cache, tokens].map((it) => it.close()));
    },
  });
};

export default {
  name,
  routes: [],
  create: async (env) => createKjernejournal(env, { tokens: await createTokens(env), cache: await openCache(env) }),
} satisfies SubgraphModule;
