import type { Env } from '../environment.ts';
import { createCache, type SourceCache } from './cache.ts';
import { readCacheSettings } from './settings.ts';

type Opened = { cache: Promise<SourceCache>; users: number };

/** One per configuration: what one subgraph of a process drops, the others must not give. */
const opened = new Map<string, Opened>();

/**
 * The cache that all subgraphs of this process have in common; it is closed with the last of them.
 *
 * @throws with the names of bad variables
 */
export const openCache = async (env: Env): Promise<SourceCache> => {
  const settings = readCacheSettings(env);
  const variables = [
    'REDIS_URL',
    'REDIS_SENTINELS',
    'REDIS_CLUSTER',
    'CACHE_SECONDS',
    'CACHE_STALE_SECONDS',
    'CACHE_REDIS_MS',
    'CACHE_MEGABYTES',
  ];
  const identity = JSON.stringify([settings.key('identity').toString('hex'), ...variables.map((name) => env[name])]);
  const shared = opened.get(identity) ?? { cache: createCache(settings), users: 0 };
  opened.set(identity, shared);
  shared.users += 1;
  const cache = await shared.cache;
  let isOpen = true;
  return {
    ...cache,
    async close() {
      if (!isOpen) return;
      isOpen = false;
      shared.users -= 1;
      if (shared.users > 0) return;
      opened.delete(identity);
      await cache.close();
    },
  };
};
