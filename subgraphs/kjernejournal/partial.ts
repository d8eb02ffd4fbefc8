import { type AccessBasis, absenceTexts, type SourceName } from '../../schema/sources.ts';
import type { ErrorExtensions } from '../../schema/subgraph.ts';
import { toGraphQLError } from '../_shared/errors.ts';
import type { Absence, GroupHead, RequestContext } from '../_shared/group.ts';
import type { SourceError } from '../_shared/source.ts';

export type PartialHead = Omit<GroupHead, 'absence'> & {
  absence: (Omit<Absence, 'requires'> & { requires: AccessBasis | null }) | null;
};

/**
 * The head of a group whose source answered and gave something, while something else is missing for the reason of `error`; or,
 * with `null`, of a later page with nothing on it. An absence beside content, as neither alone would be true.
 */
export const answeredInPart = (
  context: RequestContext,
  source: SourceName,
  { count, retrieved, dropped }: { count: number; retrieved: string; dropped: number },
  error: SourceError | null,
): PartialHead => {
  const { absence, canElevate, requires, retryable } = error
    ? (toGraphQLError(error).extensions as ErrorExtensions)
    : {};
  const code = error ? (absence ?? 'UNKNOWN') : null;
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
      canElevate: canElevate ?? false,
      requires: requires ?? null,
      retryable: retryable ?? false,
      source,
    },
    provenance: { source, retrieved },
  };
};
