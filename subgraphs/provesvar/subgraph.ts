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

const Own = z.object({
  /** With version: `https://test.pps.nhn.no/v2`. */
  PPS_URL: z.url({ protocol: /^https?$/ }),
  /** PPS waits up to 5 s for the privacy component before it answers (reference 1.5). */
  PPS_TIMEOUT_MS: z.coerce.number().int().min(100).max(30_000).default(6_000),
});

/** Laboratory and imaging reports from Pasientens prøvesvar (PPS, earlier NILAR). */
export const createProvesvar = async (
  env: Env,
  { tokens, cache = noCache }: { tokens: Tokens; cache?: SourceCache },
): Promise<Subgraph> => {
  const { environment, key } = readCommon(env);
  const { PPS_URL, PPS_TIMEOUT_MS } = readEnv(Own, env);
  const source = createHttpSource({ name: 'PROVESVAR', baseUrl: PPS_URL, tokens, timeoutMs: PPS_TIMEOUT_MS });
  const cursors = createCursors(key('provesvar/cursors'));
  return createSubgraph<Context>({
    name: 'provesvar',
    home: import.meta.url,
    resolvers,
    rules,
    createContext: (request) => ({
      ...request,
      loaders: createLoaders({ source, cache, environment }, request),
      cursors,
    }),
    health: async () => [{ source: source.name, up: await source.reachable() }],
    close: async () => {
      await Promise.all([source.close(), cache.close(), tokens.close()]);
    },
  });
};

export default {
  name: 'provesvar',
  routes: [],
  create: async (env) => createProvesvar(env, { tokens: await createTokens(env), cache: await openCache(env) }),
} satisfies SubgraphModule;
