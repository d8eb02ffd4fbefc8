import {
  type AbsenceCode,
  absenceTexts,
  type SourceName,
  type SourceReport,
  type SourceStatus,
} from '../../schema/sources.ts';
import { toGraphQLError } from './errors.ts';
import { droppedRecords } from './metrics.ts';
import type { CallContext, Result } from './source.ts';

/** What a loader found at a source: the records, when the source said it, and how many were another person's. */
export type Found<T> = { records: T[]; retrieved: string; dropped: number };

export type Absence = {
  code: AbsenceCode;
  text: string;
  canElevate: boolean;
  requires: null;
  retryable: boolean;
  source: SourceName;
};
export type Provenance = { source: SourceName; retrieved: string };
export type GroupHead = {
  status: SourceStatus;
  absence: Absence | null;
  provenance: Provenance | null;
};

/** A subgraph's context for one request. `report` collects what each source did, for `extensions.kilde`. */
export type RequestContext = CallContext & {
  report(report: SourceReport): void;
};

/**
 * The head of a group whose source answered: `NONE_REGISTERED` when it holds nothing, no absence otherwise.
 * Resolvers spread it before the group's own fields.
 */
export const answered = (
  context: RequestContext,
  source: SourceName,
  { count, retrieved, dropped = 0 }: { count: number; retrieved: string; dropped?: number },
): GroupHead => {
  const code = count === 0 ? 'NONE_REGISTERED' : null;
  context.report({
    source,
    status: 'FRESH',
    asOf: retrieved,
    count,
    absence: code,
    ...(dropped > 0 ? { dropped } : {}),
  });
  return {
    status: 'FRESH',
    absence: code && {
      code,
      text: absenceTexts[code],
      canElevate: false,
      requires: null,
      retryable: false,
      source,
    },
    provenance: { source, retrieved },
  };
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
