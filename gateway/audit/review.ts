import type { Database } from './rows.ts';

/** Look-ups that somebody at the organisation must look at afterwards (reference 14.5), and why. */
export const reviewReasons = [
  'emergency',
  'elevated',
  'own-record',
  'colleague',
  'deceased',
  'protected-address',
  'volume',
] as const;
export type ReviewReason = (typeof reviewReasons)[number];

/** One look-up to review. Names of professionals, never of patients; ids are Kilde's own. */
export type ReviewRow = {
  reason: ReviewReason;
  sequence: string;
  at: Date;
  callerName: string;
  hprNumber: string | null;
  organisation: string | null;
  patient: string | null;
  purpose: string | null;
  /** The caller's own words. */
  words: string | null;
  traceId: string;
};

/**
 * What there is to review in a time: emergency access and opened restrictions, own records, colleagues of the same legal
 * entity, deceased and protected people, and whoever has looked up more people in a day than is usual.
 *
 * @param organisation organisation number of the legal entity whose people are reviewed; `null` for all
 * @param peopleADay how many patients of one caller in one day are worth a look
 */
export const findToReview = async (
  database: Database,
  {
    since,
    until,
    organisation,
    peopleADay,
  }: { since: Date; until: Date; organisation: string | null; peopleADay: number },
): Promise<ReviewRow[]> => {
  const { rows } = await database.query<ReviewRow>(
    `with seen as (
       select a.*, dense_rank() over people + dense_rank() over people_back - 1 as people
         from personvern.access a
        where a.at >= $1 and a.at < $2 and a.caller_kind <> 'citizen' and ($3::text is null or a.organisation = $3)
       window people as (partition by a.caller_key, (a.at at time zone 'Europe/Oslo')::date order by a.patient),
         people_back as (partition by a.caller_key, (a.at at time zone 'Europe/Oslo')::date order by a.patient desc)
     )
     select why.reason, sequence, at, caller_name as "callerName", hpr_number as "hprNumber", organisation, patient, purpose,
            seen.reason as words, trace_id as "traceId"
       from seen cross join lateral (values
         ('emergency', purpose = 'BTG'),
         ('elevated', override or access_basis in ('FORHOYET_SAMTYKKE', 'FORHOYET_AKUTT')),
         ('own-record', caller_key = patient_key),
         ('colleague', caller_key <> patient_key and exists (
            select from personvern.access b
             where b.caller_key = seen.patient_key and b.caller_kind = 'professional' and b.organisation = seen.organisation)),
         ('deceased', flags ? 'deceased'),
         ('protected-address', flags ? 'protectedAddress'),
         ('volume', people > $4)
       ) as why(reason, holds)
      where holds
      order by sequence, array_position($5::text[], why.reason)`,
    [since, until, organisation, peopleADay, reviewReasons],
  );
  return rows;
};
