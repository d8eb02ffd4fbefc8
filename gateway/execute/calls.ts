import { hash } from 'node:crypto';
import { type DocumentNode, Kind } from 'graphql';
import type { Assertion } from '../../schema/assertion.ts';
import type { Subgraph, SubgraphAnswer } from '../../schema/subgraph.ts';
import { log } from '../log.ts';
import { sharedCalls } from '../metrics.ts';
import type { FetchStep } from '../plan/planner.ts';
import { copy, type JsonObject } from './merge.ts';
import type { CallSubgraph } from './run.ts';
import type { Scope } from './scope.ts';

/** A request as the calls that it waits for. */
type Request = Set<UnderWay>;
/** A call that has not been answered yet, and the requests that wait for it. */
type UnderWay = {
  answer: Promise<SubgraphAnswer>;
  /** Of the request that began it; epoch milliseconds. */
  deadline: number;
  waiting: Set<Request>;
  /** Whether the answer is given more than once: then each gets a copy. */
  isShared: boolean;
  /** The sources need not work for it any more: nobody waits, or (`TimeoutError`) they have had their time. */
  abandon(because: DOMException): void;
};

/** The calls of one request. */
export type Calls = {
  call: CallSubgraph;
  /** To be called when the request is done. */
  close(): void;
};

/** How much of its own time a request may lose by joining a call that was begun before it. */
const joiningMs = 1_000;

const failure = (timedOut: boolean): SubgraphAnswer => ({
  data: null,
  errors: [
    {
      message: timedOut ? 'The source did not answer in time' : 'The source is not available',
      extensions: { code: 'SOURCE_UNAVAILABLE', absence: 'SOURCE_UNAVAILABLE', retryable: true, canElevate: false },
    },
  ],
  sources: [],
});

const isQuery = ({ definitions }: DocumentNode): boolean =>
  definitions.every((it) => it.kind !== Kind.OPERATION_DEFINITION || it.operation === 'query');

/** Everything that an answer may depend on beside the document and its variables. A digest: it holds the caller's token. */
const identityOf = (token: string, { caller, patients, categories, purpose, accessBasis }: Assertion): string =>
  hash('sha256', JSON.stringify([token, caller, patients, categories, purpose, accessBasis]), 'base64');

/**
 * Calls to subgraphs. Two that are under way at the same time and alike in all that an answer may depend on - who asks, with
 * which token, for what purpose, about whom, what may be seen, the document and its variables - are one call. It goes on
 * while one of those who wait for it is left, and is abandoned with the last. Mutations are never shared.
 */
export const createCalls = (subgraphs: ReadonlyMap<string, Pick<Subgraph, 'execute'>>) => {
  const underWay = new Map<string, UnderWay>();

  const ask = async (
    { subgraph: name, document, text }: FetchStep,
    variables: Record<string, unknown>,
    { assertion, subjectToken, signal }: { assertion: Assertion; subjectToken: string; signal: AbortSignal },
  ): Promise<SubgraphAnswer> => {
    try {
      const subgraph = subgraphs.get(name);
      if (!subgraph) throw new Error(`the plan names ${name}, which does not run`);
      return await subgraph.execute({ document, text, variables, assertion, subjectToken, signal });
    } catch (error) {
      log.error({ subgraph: name, traceId: assertion.traceId, error: (error as Error).name }, 'subgraph failed');
      return failure(false);
    }
  };

  const begin = (
    key: string | null,
    step: FetchStep,
    variables: Record<string, unknown>,
    assertion: Assertion,
    subjectToken: string,
  ): UnderWay => {
    const forget = () => {
      if (key !== null && underWay.get(key) === begun) underWay.delete(key);
    };
    const ending = new AbortController();
    const begun: UnderWay = {
      answer: ask(step, variables, { assertion, subjectToken, signal: ending.signal }).finally(forget),
      deadline: assertion.deadline,
      waiting: new Set(),
      isShared: false,
      abandon: (because) => {
        forget(); // nobody may join what is being broken off
        ending.abort(because);
      },
    };
    if (key !== null) underWay.set(key, begun);
    return begun;
  };

  /** The calls of a request: until `assertion.deadline` sources may work for them, until `scope.signal` aborts it waits. */
  return (scope: Scope, assertion: Assertion): Calls => {
    const mine: Request = new Set();
    const leave = (call: UnderWay, because: 'AbortError' | 'TimeoutError') => {
      mine.delete(call);
      call.waiting.delete(mine);
      if (call.waiting.size === 0) call.abandon(new DOMException('Nobody waits for the answer', because));
    };
    const leaveAll = (because: 'AbortError' | 'TimeoutError') => {
      for (const call of mine) leave(call, because);
    };
    let end = () => {};
    const ended = new Promise<'ended'>((resolve) => {
      end = () => {
        leaveAll('AbortError');
        resolve('ended');
      };
    });
    scope.signal.addEventListener('abort', end, { once: true });
    let isLate = false;
    const untilLate = setTimeout(
      () => {
        isLate = true;
        leaveAll('TimeoutError');
      },
      Math.max(1, assertion.deadline - Date.now()),
    );
    untilLate.unref();
    let identity: string | null = null;

    const join = (step: FetchStep, variables: Record<string, unknown>): UnderWay => {
      if (!isQuery(step.document)) return begin(null, step, variables, assertion, scope.token);
      identity ??= identityOf(scope.token, assertion);
      const key = `${identity}\0${step.subgraph}\0${step.text}\0${JSON.stringify(variables)}`;
      const known = underWay.get(key);
      if (!known || known.deadline < assertion.deadline - joiningMs)
        return begin(key, step, variables, assertion, scope.token);
      known.isShared = true;
      sharedCalls.inc({ subgraph: step.subgraph });
      return known;
    };

    return {
      async call(step, variables) {
        if (scope.signal.aborted) return failure(true);
        const joined = join(step, variables);
        joined.waiting.add(mine);
        mine.add(joined);
        if (isLate) leave(joined, 'TimeoutError');
        const answer = await Promise.race([joined.answer, ended]);
        if (answer === 'ended') return failure(true);
        mine.delete(joined);
        if (!joined.isShared || !answer.data) return answer;
        return { ...answer, data: copy(answer.data as JsonObject) as JsonObject };
      },
      close() {
        clearTimeout(untilLate);
        scope.signal.removeEventListener('abort', end);
      },
    };
  };
};
