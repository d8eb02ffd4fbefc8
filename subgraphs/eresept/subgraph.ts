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
import { type Context, createResolvers } from './resolvers.ts';
import { rules } from './rules.ts';

const Variables = z.object({
  /** Base address of SFM Basis API, under which `Patient/$getMedication` lies. */
  SFM_URL: z.url({ protocol: /^https?$/ }),
});

/** The subgraph with the given tokens and cache; it closes them with itself. */
export const createEresept = (
  env: Env,
  { tokens, cache = noCache }: { tokens: Tokens; cache?: SourceCache },
): Subgraph => {
  const { SFM_URL } = readEnv(Variables, env);
  const cursors = createCursors(readCommon(env).key('cursor/eresept'));
  // SFM asks three systems before it answers, so it gets longer than other sources.
  const source = createHttpSource({ name: 'ERESEPT', baseUrl: SFM_URL, tokens, timeoutMs: 5_000 });
  return createSubgraph<Context>({
    name: 'eresept',
    home: import.meta.url,
    resolvers: createResolvers(cursors),
    rules,
    createContext: (request) => ({ ...request, loaders: createLoaders({ source, cache }, request) }),
    health: async () => [{ source: source.name, up: await source.reachable() }],
    close: async () => {
      await Promise.all([source, cache, tokens].map((it) => it.close()));
    },
  });
};

const eresept: SubgraphModule = {
  name: 'eresept',
  routes: [],
  create: async (env) => createEresept(env, { tokens: await createTokens(env), cache: await openCache(env) }),
};
export default eresept;
