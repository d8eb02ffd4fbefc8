import type { CategoryDecision } from '../../schema/categories.ts';
import {
  type AbsenceCode,
  absenceTexts,
  type SourceName,
  type SourceReport,
  type SourceStatus,
} from '../../schema/sources.ts';
import type { ErrorCode, ErrorExtensions } from '../../schema/subgraph.ts';

export type Path = readonly (string | number)[];

/** Something that did not come, where in the answer, and why. The texts are ours (see `subgraphs/_shared/errors.ts`). */
export type PathError = { path: Path; message: string; extensions: ErrorExtensions };

/** Why a group is missing, as its `absence` and its error say it. */
export type Missing = { status: SourceStatus; code: AbsenceCode; message: string; extensions: ErrorExtensions };

export const startsWith = (path: Path, prefix: Path): boolean => prefix.every((key, i) => path[i] === key);

const refusals: Partial<Record<AbsenceCode, { code: ErrorCode; message: string }>> = {
  BLOCKED: { code: 'BLOCKED', message: 'Not available to you' },
  RESTRICTED: { code: 'RESTRICTED', message: 'The patient has restricted it' },
  RESERVED: { code: 'RESERVED', message: 'The patient has opted out of this source' },
};
const notPermitted = { code: 'FORBIDDEN', message: 'Not permitted for your role and purpose' } as const;

/** What a decision says of a category that it does not give, as far as an answer tells of it. */
export type Refusal = Pick<CategoryDecision, 'absence' | 'requires'>;

/** A decision is the reason: nothing was asked. */
export const denied = (source: SourceName, { absence, requires }: Refusal): Missing => {
  const { code, message } = refusals[absence] ?? notPermitted;
  const opening = requires ? { requires } : {};
  return {
    status: 'NOT_ASKED',
    code: absence,
    message,
    extensions: { code, source, retryable: false, canElevate: requires !== null, ...opening },
  };
};

const withheld = new Set<AbsenceCode>(['NO_ACCESS', 'BLOCKED', 'RESTRICTED', 'RESERVED', 'DELAYED']);

/**
 * An error at or below the group is the reason. A source that withholds has answered; the client's own mistake in an argument
 * kept it from being asked; any other failure is the source's.
 */
export const because = ({ message, extensions }: PathError): Missing => {
  if (extensions.code === 'BAD_REQUEST') return { status: 'NOT_ASKED', code: 'NOT_ASKED', message, extensions };
  const code = extensions.absence ?? 'UNKNOWN';
  return { status: withheld.has(code) ? 'FRESH' : 'UNAVAILABLE', code, message, extensions };
};

/** Nobody said why. Should not happen; if it does it is said, and never shown as empty. */
export const unexplained = (source: SourceName): Missing => ({
  status: 'UNAVAILABLE',
  code: 'UNKNOWN',
  message: 'Missing without a reason',
  extensions: { code: 'INTERNAL', source, retryable: false, canElevate: false },
});

/** The `Absence` object of a missing group. */
export const absenceOf = ({ code, extensions }: Missing, source: SourceName) => ({
  code,
  text: absenceTexts[code],
  canElevate: extensions.canElevate ?? false,
  requires: extensions.requires ?? null,
  retryable: extensions.retryable ?? false,
  source: extensions.source ?? source,
});

const severity: Record<SourceStatus, number> = { NOT_ASKED: 0, FRESH: 1, CACHED: 2, STALE: 3, UNAVAILABLE: 4 };

const join = (one: SourceReport, other: SourceReport): SourceReport => {
  const worst = severity[other.status] > severity[one.status] ? other : one;
  const counts = [one.count, other.count].filter((count) => count !== null);
  const dropped = (one.dropped ?? 0) + (other.dropped ?? 0);
  const absence = counts.some((count) => count > 0) && worst.absence === 'NONE_REGISTERED' ? null : worst.absence;
  const asOf = [one.asOf, other.asOf].filter((it) => it !== null).sort()[0] ?? null;
  return {
    source: one.source,
    status: worst.status,
    asOf,
    count: counts.length > 0 ? counts.reduce((sum, count) => sum + count, 0) : null,
    absence,
    ...(dropped > 0 ? { dropped } : {}),
    ...(one.opened || other.opened ? { opened: true } : {}),
  };
};

/** One line per source: the worst of what it did, the oldest of what it gave, all that it counted. */
export const summarise = (reports: readonly SourceReport[]): SourceReport[] => {
  const bySource = new Map<SourceName, SourceReport>();
  for (const report of reports) {
    const earlier = bySource.get(report.source);
    bySource.set(report.source, earlier ? join(earlier, report) : report);
  }
  return [...bySource.values()].sort((one, other) => one.source.localeCompare(other.source));
};
