import { openCache } from '../_shared/cache/open.ts';
import { type Env, readCommon } from '../_shared/environment.ts';
import type { Result } from '../_shared/source.ts';
import { insertRestrictions, type RestrictionSetting } from './adapter/client.ts';
import { openPersonvern } from './database.ts';
import { createPersonKey } from './personKey.ts';

/**
 * Records what people have set at the services that hold it. Settings are known by their ids, so the same again adds none.
 * What sources have said of the people with new ones is no longer given from the cache.
 * @returns how many were new
 */
export const recordRestrictions = async (
  databaseUrl: string,
  env: Env,
  settings: readonly RestrictionSetting[],
  signal: AbortSignal,
): Promise<Result<number>> => {
  const keyOf = createPersonKey(readCommon(env));
  const rows = settings.map(({ nationalId, ...setting }) => ({ ...setting, person: keyOf(nationalId) }));
  const database = await openPersonvern(databaseUrl);
  const cache = await openCache(env);
  try {
    const stored = await insertRestrictions(database, rows, signal);
    if (!stored.ok) return stored;
    const isNew = new Set(stored.value.map(({ id }) => id));
    const people = settings.filter(({ id }) => isNew.has(id)).map(({ nationalId }) => ({ nationalId, id: null }));
    await cache.dropPeople(people);
    return { ok: true, value: stored.value.length };
  } finally {
    await Promise.all([database.close(), cache.close()]);
  }
};
