import type { Common } from '../_shared/environment.ts';
import type { Result } from '../_shared/source.ts';
import { insertRestrictions, type RestrictionSetting } from './adapter/client.ts';
import { openPersonvern } from './database.ts';
import { createPersonKey } from './personKey.ts';

/**
 * Records what people have set at the services that hold it. Settings are known by their ids, so the same again adds none.
 * @returns how many were new
 */
export const recordRestrictions = async (
  databaseUrl: string,
  common: Common,
  settings: readonly RestrictionSetting[],
  signal: AbortSignal,
): Promise<Result<number>> => {
  const keyOf = createPersonKey(common);
  const rows = settings.map(({ nationalId, ...setting }) => ({ ...setting, person: keyOf(nationalId) }));
  const database = await openPersonvern(databaseUrl);
  try {
    const stored = await insertRestrictions(database, rows, signal);
    return stored.ok ? { ok: true, value: stored.value.length } : stored;
  } finally {
    await database.close();
  }
};
