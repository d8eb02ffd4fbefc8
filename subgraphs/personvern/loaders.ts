import DataLoader from 'dataloader';
import type { DatabaseSource } from '../_shared/databaseSource.ts';
import { notFound } from '../_shared/errors.ts';
import type { RequestContext } from '../_shared/group.ts';
import type { Result } from '../_shared/source.ts';
import { type AccessRow, findAccess, findRestrictions, type RestrictionRow } from './adapter/client.ts';

export type Stores = { database: DatabaseSource; keyOf(nationalId: string): Buffer };

type AccessQuery = { patientId: string; before: string | null; limit: number };

/** Made anew for each request: what a loader remembers is what this caller may see. */
export const createLoaders = ({ database, keyOf }: Stores, { assertion, signal }: RequestContext) => {
  const asserted = (id: string) => {
    const patient = assertion.patients.find((it) => it.id === id);
    if (!patient) throw notFound();
    return patient;
  };
  return {
    access: new DataLoader<AccessQuery, Result<AccessRow[]>, string>(
      (queries) =>
        Promise.all(
          queries.map(({ patientId, ...page }) => findAccess(database, asserted(patientId).id, page, signal)),
        ),
      { cacheKeyFn: (query) => JSON.stringify(query) },
    ),
    /** Whatever somebody has set, ended or not. Not of the asserted patient: decisions are made before there is one. */
    settings: (nationalIds: readonly string[]): Promise<Result<RestrictionRow[]>> =>
      findRestrictions(database, nationalIds.map(keyOf), signal),
    restrictions: new DataLoader<string, Result<RestrictionRow[]>>((ids) =>
      Promise.all(ids.map((id) => findRestrictions(database, asserted(id).nins.map(keyOf), signal))),
    ),
  };
};
