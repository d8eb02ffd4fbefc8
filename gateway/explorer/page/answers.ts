import type { SourceReport } from '../../../schema/sources.ts';

/** What the page reads of a GraphQL result; the rest is GraphiQL's to show. */
export type GraphQLResult = {
  data?: unknown;
  errors?: readonly AnswerError[];
  hasNext?: boolean;
  incremental?: readonly { errors?: readonly AnswerError[] }[];
  completed?: readonly { errors?: readonly AnswerError[] }[];
  extensions?: { kilde?: { traceId?: string; sources?: readonly SourceReport[] } };
};
export type AnswerError = {
  message: string;
  path?: readonly (string | number)[];
  extensions?: {
    code?: string;
    source?: string;
    retryable?: boolean;
    canElevate?: boolean;
    requires?: string;
    traceId?: string;
  };
};

/** What the Kilde panel shows of one answer. */
export type Answer = {
  status: 'waiting' | 'streaming' | 'done' | 'failed';
  /** From sending to the latest part, as this page saw it. */
  tookMs: number;
  traceId: string | null;
  sources: readonly SourceReport[];
  errors: readonly AnswerError[];
  /** Why there is no answer at all. */
  failure: string | null;
};

export const waiting: Answer = { status: 'waiting', tookMs: 0, traceId: null, sources: [], errors: [], failure: null };

/** Adds a result to what came before it: parts of one answer (`hasNext`) add up, an event of a subscription replaces. */
export const withResult = (before: Answer, result: GraphQLResult, tookMs: number, streamed: boolean): Answer => {
  const isPart = 'hasNext' in result;
  const kept: Answer = isPart ? before : waiting;
  const kilde = result.extensions?.kilde;
  const sources = kilde?.sources ?? [];
  const named = new Set(sources.map(({ source }) => source));
  const nested = [...(result.incremental ?? []), ...(result.completed ?? [])].flatMap(({ errors }) => errors ?? []);
  return {
    status: streamed && result.hasNext !== false ? 'streaming' : 'done',
    tookMs,
    traceId: kilde?.traceId ?? kept.traceId,
    sources: [...kept.sources.filter(({ source }) => !named.has(source)), ...sources],
    errors: [...kept.errors, ...(result.errors ?? []), ...nested],
    failure: null,
  };
};
