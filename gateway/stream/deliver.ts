import type { DocumentNode, FormattedExecutionResult, GraphQLFormattedError, OperationDefinitionNode } from 'graphql';
import type { Category } from '../../schema/categories.ts';
import type { SourceReport } from '../../schema/sources.ts';
import type { createSteps, Generation, Operation } from '../execute/executor.ts';
import { released, unknownPerson } from '../execute/executor.ts';
import { type PathError, summarise } from '../execute/outcome.ts';
import type { Scope } from '../execute/scope.ts';
import type { Shaped } from '../execute/shape.ts';
import { log } from '../log.ts';
import { type ObjectPath, type Part, splitOperation } from './split.ts';

export type Came = {
  part: Part;
  /** The whole answer to the part's operation, from the root; `null` when the fragment cannot be given. */
  data: Record<string, unknown> | null;
  errors: readonly GraphQLFormattedError[];
};

/** What leaves at once. The first has one part, the one that is not deferred. */
export type Delivery = {
  came: readonly Came[];
  /** Parts that are now promised, because what they hang on has come. */
  promised: readonly Part[];
  isLast: boolean;
  /** What every source did until now; in the last delivery the whole report. */
  extensions: { kilde: { traceId: string; sources: readonly SourceReport[] } };
};

/** A stream that ends before its time: what is promised will not come. */
export type Ending = { unanswered: readonly Part[]; error: GraphQLFormattedError };

export type Deliveries = AsyncGenerator<Delivery | Ending, void, void>;

/** The operation as the client sent it, with its `@defer`s. */
type Sent = { document: DocumentNode; operation: OperationDefinitionNode };
type Steps = ReturnType<typeof createSteps>;
type Outcome = Shaped & { part: Part; categories: ReadonlySet<Category> };

/** Timers may be early by as much. */
const slackMs = 10;
/** The client has left. Nothing else aborts before the deadline, at which a client still learns what did not come. */
const isGone = ({ signal, deadline }: Scope): boolean => signal.aborted && Date.now() < deadline - slackMs;

const internal = ({ path }: Part): PathError => ({
  path,
  message: 'Internal error',
  extensions: { code: 'INTERNAL', retryable: false },
});

const keyOf = (path: ObjectPath): string => path.join('\0');

/** The value at a path of objects; `null` where one of them is missing. */
export const valueAt = (data: unknown, path: ObjectPath): Record<string, unknown> | null => {
  let value = data;
  for (const key of path) value = (value as Record<string, unknown> | null)?.[key] ?? null;
  return value as Record<string, unknown> | null;
};

/**
 * Runs the parts of one request all at once and gives them out as they come: the first part first, a fragment's own fragments
 * after it. What a delivery holds has its entry in the access log before it is given out: categories of the first part and
 * whatever was refused anywhere in the first entry, then one entry for each delivery, under the same event.
 *
 * Rejects at the first `next()` only, for what an answer in one piece would reject for. After that the stream ends with an
 * {@link Ending} when the access log fails, and in silence when the client has gone.
 */
async function* deliver(steps: Steps, generation: Generation, asked: Operation, sent: Sent, scope: Scope): Deliveries {
  const ended = new AbortController(); // nothing goes on being asked for a stream that is over
  const signal = AbortSignal.any([scope.signal, ended.signal]);
  try {
    yield* deliverAll(steps, generation, asked, sent, { ...scope, signal });
  } finally {
    ended.abort();
  }
}

async function* deliverAll(
  { begin, plan, run, record }: Steps,
  generation: Generation,
  asked: Operation,
  sent: Sent,
  scope: Scope,
): Deliveries {
  const begun = await begin(generation, asked, scope);
  const parts = splitOperation({ ...generation, ...sent, hash: asked.hash, variables: begun.variables });
  const isUnknown = begun.isAboutPerson && !begun.patient;
  const { traceId } = scope;

  const planned = await Promise.all(
    parts.map(async (part) => {
      const operation: Operation = { ...asked, document: part.document, operation: part.operation, hash: part.hash };
      return { part, operation, plan: await plan(generation, operation, begun) };
    }),
  );
  const settled = new Map<Part, Outcome>();
  const runPart = async ({ part, operation, plan }: (typeof planned)[number]) => {
    const shaped = await run(generation, operation, begun, plan);
    return { ...shaped, part, categories: plan.categories };
  };
  /** A bug in one part is that part's: the others are whole. */
  const settle = (it: (typeof planned)[number]): Promise<unknown> =>
    runPart(it)
      .catch((error: Error): Outcome => {
        log.error({ traceId, error: error.name }, 'part of an answer failed');
        return { part: it.part, data: null, errors: [internal(it.part)], sources: [], categories: it.plan.categories };
      })
      .then((outcome) => settled.set(it.part, outcome));
  const [first, ...deferred] = planned;
  if (!first) throw new Error('there is no first part');
  const coming = runPart(first);
  const settling = new Map(deferred.map((it) => [it.part, settle(it)]));

  const reports: SourceReport[] = [...begun.reports];
  const there = new Set<string>();
  const open = new Set<Part>();
  /** Notes what has come, and what may come now that it has. */
  const release = ({ part, data, errors, sources }: Outcome) => {
    reports.push(...sources);
    const isMissing = ({ path }: { path: ObjectPath }) => data !== null && valueAt(data, path) === null;
    for (const { path } of part.places) if (valueAt(data, path)) there.add(keyOf(path));
    const [missing] = isUnknown ? part.places.filter((it) => it.isIntroduced && isMissing(it)) : [];
    const all = missing ? [unknownPerson(missing.path), ...errors] : errors;
    const promised = parts.filter((it) => it.parent === part && there.has(keyOf(it.path)));
    for (const it of promised) open.add(it);
    return { came: { part, data, errors: released(all, scope) }, promised };
  };
  const report = () => ({ kilde: { traceId, sources: isUnknown ? [] : summarise(reports) } });

  const primary = await coming;
  const asksFor = new Set(planned.flatMap((it) => [...it.plan.categories]));
  const isPermitted = (category: Category) => begun.decision.categories.get(category)?.effect === 'permit';
  const refused = [...asksFor].filter((category) => !isPermitted(category));
  await record(begun, new Set([...primary.categories, ...refused]), summarise([...begun.reports, ...primary.sources]));
  const { came, promised } = release(primary);
  yield { came: [came], promised, isLast: open.size === 0, extensions: report() };

  while (open.size > 0) {
    const ready = () => [...open].filter((part) => settled.has(part));
    if (ready().length === 0) await Promise.race([...open].map((part) => settling.get(part)));
    if (isGone(scope)) return;
    const outcomes = ready().flatMap((part) => settled.get(part) ?? []);
    const permitted = outcomes.flatMap(({ categories }) => [...categories]).filter(isPermitted);
    const sources = summarise(outcomes.flatMap((it) => it.sources));
    try {
      // What was refused, and a person who is not shown, the first entry tells of.
      if (permitted.length > 0 && !isUnknown) await record(begun, new Set(permitted), sources);
    } catch (thrown) {
      const { message, extensions: why } = thrown as { message: string; extensions?: Record<string, unknown> };
      const { http: _http, ...said } = why ?? { code: 'INTERNAL', retryable: false };
      yield { unanswered: [...open], error: { message, extensions: { ...said, traceId } } };
      return;
    }
    if (isGone(scope)) return;
    for (const { part } of outcomes) open.delete(part);
    const releases = outcomes.map(release);
    yield {
      came: releases.map((it) => it.came),
      promised: releases.flatMap((it) => it.promised),
      isLast: open.size === 0,
      extensions: report(),
    };
  }
}

/**
 * Answers in parts: the first as an answer in one piece would be, the rest to `takeRest` unless it was all.
 *
 * @param asked without `@defer`
 */
export const startStream = async (
  steps: Steps,
  generation: Generation,
  asked: Operation,
  sent: Sent,
  scope: Scope,
  takeRest: NonNullable<Scope['takeRest']>,
): Promise<FormattedExecutionResult> => {
  const rest = deliver(steps, generation, asked, sent, scope);
  const { value: first } = await rest.next();
  const [it] = first && 'came' in first ? first.came : [];
  if (!first || !('came' in first) || !it) throw new Error('a stream began with something else than its first part');
  if (first.isLast) await rest.return();
  else takeRest({ first, rest });
  return {
    data: it.data,
    ...(it.errors.length > 0 ? { errors: it.errors } : {}),
    extensions: first.extensions,
  };
};
