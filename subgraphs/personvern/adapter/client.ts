import * as z from 'zod';
import type { AccessEntry, accessOutcomes } from '../../../schema/accessEntry.ts';
import type { DatabaseSource } from '../../_shared/databaseSource.ts';
import type { Result } from '../../_shared/source.ts';

/** What a citizen's view of the log is made of; the caller's key and their reason are not even read. */
export type AccessRow = {
  sequence: string;
  id: string;
  at: Date;
  caller_kind: AccessEntry['callerKind'];
  caller_name: string;
  role: AccessEntry['role'];
  caller_authorization: string | null;
  organisation: string | null;
  unit: string | null;
  client_name: string;
  purpose: AccessEntry['purpose'];
  access_basis: AccessEntry['accessBasis'];
  override: boolean;
  categories_granted: string[];
  categories_denied: string[];
  outcome: (typeof accessOutcomes)[number];
};

/** Look-ups about the patient, newest first. @param before sequence number of the last entry of the page before */
export const findAccess = (
  database: DatabaseSource,
  patientId: string,
  { before, limit }: { before: string | null; limit: number },
  signal: AbortSignal,
): Promise<Result<AccessRow[]>> =>
  database.query<AccessRow>(
    `select sequence, id, at, caller_kind, caller_name, role, caller_authorization, organisation, unit, client_name,
            purpose, access_basis, override, categories_granted, categories_denied, outcome
       from personvern.access
      where patient = $1 and ($2::bigint is null or sequence < $2)
      order by sequence desc limit $3`,
    [patientId, before, limit],
    signal,
  );

export const restrictionTypes = ['reservation', 'restriction', 'block', 'delay'] as const;

/** What a person has set, as a privacy service reports it. `source` `*`: all of them. */
export const RestrictionSetting = z.object({
  id: z.uuid(),
  nationalId: z.string(),
  source: z.string(),
  type: z.enum(restrictionTypes),
  scope: z.string().nullable(),
  since: z.string().nullable(),
  until: z.string().nullable(),
});
export type RestrictionSetting = z.infer<typeof RestrictionSetting>;
export type RestrictionRow = Omit<RestrictionSetting, 'nationalId'> & { recorded: Date };

export const findRestrictions = (
  database: DatabaseSource,
  keys: readonly Buffer[],
  signal: AbortSignal,
): Promise<Result<RestrictionRow[]>> =>
  database.query<RestrictionRow>(
    `select id, source, type, scope, since, until, recorded
       from personvern.restriction where person = any($1::bytea[])
      order by recorded desc, id`,
    [keys],
    signal,
  );

/** Stores settings that are not stored yet, by their ids. */
export const insertRestrictions = (
  database: DatabaseSource,
  settings: readonly (Omit<RestrictionSetting, 'nationalId'> & { person: Buffer })[],
  signal: AbortSignal,
): Promise<Result<{ id: string }[]>> =>
  database.query<{ id: string }>(
    `insert into personvern.restriction (id, person, source, type, scope, since, until)
     select id, decode(person, 'hex'), source, type, scope, since, until
       from jsonb_to_recordset($1::jsonb)
         as new(id uuid, person text, source text, type text, scope text, since text, until text)
     on conflict (id) do nothing returning id`,
    [JSON.stringify(settings.map((setting) => ({ ...setting, person: setting.person.toString('hex') })))],
    signal,
  );
