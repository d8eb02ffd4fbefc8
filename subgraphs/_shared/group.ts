import {
  type AbsenceCode,
  type AccessBasis,
  absenceTexts,
  type SourceName,
  type SourceReport,
  type SourceStatus,
} from '../../schema/sources.ts';
import type { ErrorExtensions } from '../../schema/subgraph.ts';
import type { Freshness } from './cache/freshness.ts';
import { toGraphQLError } from './errors.ts';
import { droppedRecords } from './metrics.ts';
import type { CallContext, Result, SourceError } from './source.ts';

/** What a loader found at a source: the records, when the source said it, and how many were another person's. */
export type Found<T> = { records: T[]; status: Freshness['status']; retrieved: string; dropped: number };

export type Absence = {
  code: AbsenceCode;
  text: string;
  canElevate: boolean;
  requires: AccessBasis | null;
  retryable: boolean;
  source: SourceName;
};
export type Provenance = { source: SourceName; retrieved: string };
export type GroupHead = { status: SourceStatus; absence: Absence | null; provenance: Provenance | null };

/** A subgraph's context for one request. `report` collects what each source did, for `extensions.kilde`. */
export type RequestContext = CallContext & { report(report: SourceReport): void };

/** What a group lacks, and what would open it. */
export type Lack = { code: AbsenceCode; requires?: AccessBasis | null; retryable?: boolean };

export const absenceOf = (source: SourceName, { code, requires = null, retryable = false }: Lack): Absence => ({
  code,
  text: absenceTexts[code],
  canElevate: requires !== null,
  requires,
  retryable,
  source,
});

/** The same for a failure. */
export const lackOf = (error: SourceError): Lack => {
  const {
    absence = 'UNKNOWN',
    requires = null,
    retryable = false,
  } = toGraphQLError(error).extensions as ErrorExtensions;
  return { code: absence, requires, retryable };
};

export type Answered = {
  count: number;
  /** When the source said it. */
  retrieved: string;
  /** `FRESH` unless the source was not asked just now. */
  status?: Freshness['status'];
  dropped?: number;
  /** Whether it was restricted, and an elevated basis opened it. */
  isOpened?: boolean;
  /**
   * What is missing beside what was given; `null` when an empty group means nothing, as on a later page. Left out, it
   * follows from `count`: `NONE_REGISTERED` for none, nothing missing otherwise. What is stale may miss what is newer, and
   * says so instead of either.
   */
  lack?: Lack | null;
};

const usualLack = (count: number, status: Freshness['status']): Lack | null => {
  if (status === 'STALE') return { code: 'STALE', retryable: true };
  return count === 0 ? { code: 'NONE_REGISTERED' } : null;
};

/** The head of a group whose source answered, and its line in the report. Resolvers spread it before the group's own fields. */
export const answered = (
  context: RequestContext,
  source: SourceName,
  { count, retrieved, status = 'FRESH', dropped = 0, isOpened = false, lack: known }: Answered,
): GroupHead => {
  const lack = known === undefined ? usualLack(count, status) : (known ?? usualLack(1, status));
  context.report({
    source,
    status,
    asOf: retrieved,
    count,
    absence: lack?.code ?? null,
    ...(dropped > 0 ? { dropped } : {}),
    ...(isOpened ? { opened: true } : {}),
  });
  return { status, absence: lack && absenceOf(source, lack), provenance: { source, retrieved } };
};

/** The value of a source's answer, or the error that the gateway turns into the group's absence. */
export const given = <T>(result: Result<T>): T => {
  if (!result.ok) throw toGraphQLError(result.error);
  return result.value;
};

/**
 * Keeps what belongs to the patient and counts the rest: a source that mixes up people must not make Kilde do so.
 * When it gave only others' records, its answer says nothing about this patient and is invalid, not empty.
 *
 * @param ninOf the national id that the record itself names as its subject; `null` when it names none
 */
export const ownOnly = <T>(
  source: SourceName,
  records: readonly T[],
  ninOf: (record: T) => string | null,
  nins: readonly string[],
): Result<{ own: T[]; dropped: number }> => {
  const own = records.filter((record) => {
    const nin = ninOf(record);
    return nin !== null && nins.includes(nin);
  });
  const dropped = records.length - own.length;
  if (dropped > 0) droppedRecords.inc({ source }, dropped);
  if (dropped > 0 && own.length === 0)
    return {
      ok: false,
      error: { kind: 'invalid', source, paths: ['subject'] },
    };
  return { ok: true, value: { own, dropped } };
};
