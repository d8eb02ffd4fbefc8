import { Pool } from 'undici';
import type { SourceName } from '../../schema/sources.ts';
import { onAbort } from './abort.ts';
import { createBreaker, type Verdict } from './breaker.ts';
import { createBulkhead } from './bulkhead.ts';
import { type Ending, exchange, type Watch, watch } from './exchange.ts';
import { sourceCalls } from './metrics.ts';
import { readBy } from './readBy.ts';
import type { CallContext, Result, Source, SourceAnswer, SourceCall, SourceError } from './source.ts';
import type { Tokens } from './tokens.ts';

export type HttpSourceOptions = {
  name: SourceName;
  /** With the path under which the service lives, e.g. `https://test.pps.nhn.no/v2`. */
  baseUrl: string;
  tokens: Tokens;
  /** One call, connection included. The whole request has a deadline of its own beside this. */
  timeoutMs?: number;
  /** Answers above this are refused as invalid before they fill the memory. */
  maxAnswerBytes?: number;
};

type Answer<T> = Result<{ value: T; headers: Record<string, string> }>;
type Attempt<T> = { answer: Answer<T>; verdict: Verdict };

const formHeaders = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
const plainHeaders = { accept: 'application/json' };

/** The source did not answer, or said itself that it could not: asked again it may. One that is overloaded is left alone. */
const isWorthRetrying = (answer: Answer<unknown>): boolean =>
  !answer.ok && answer.error.kind === 'unavailable' && answer.error.status !== 429;

/** Short, and not the same for all who failed together. `false` when the request ended meanwhile. */
const pause = (signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (goOn: boolean) => {
      clearTimeout(timer);
      forget();
      resolve(goOn);
    };
    const timer = setTimeout(settle, 20 + 40 * Math.random(), true);
    const forget = onAbort(signal, () => settle(false));
  });

/**
 * A source behind HTTP: undici pool, bulkhead, breaker, and one retry of what got no answer, as far as a tenth of the calls
 * go (security reference 4.1). All calls are reads, the searches by POST too, so they may be sent twice.
 */
export const createHttpSource = ({
  name,
  baseUrl,
  tokens,
  timeoutMs = 2_000,
  maxAnswerBytes = 8_000_000,
}: HttpSourceOptions): Source => {
  const { origin, pathname } = new URL(baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`);
  const pool = new Pool(origin, {
    connections: 64,
    pipelining: 1,
    connect: { timeout: timeoutMs },
    maxResponseSize: maxAnswerBytes,
    headersTimeout: 0, // the watch on each call has the time
    bodyTimeout: 0,
  });
  const bulkhead = createBulkhead(48, 96);
  const breaker = createBreaker();

  const fail = (error: SourceError): Answer<never> => ({ ok: false, error });
  const unavailable = fail({ kind: 'unavailable', source: name, status: null });
  const timedOut = fail({ kind: 'timeout', source: name, afterMs: timeoutMs });
  const withoutAnswer: Record<Ending, Attempt<never>> = {
    timeout: { answer: timedOut, verdict: 'failed' },
    deadline: { answer: timedOut, verdict: 'failed' },
    abandoned: { answer: timedOut, verdict: 'abandoned' },
    tooLarge: { answer: fail({ kind: 'invalid', source: name, paths: ['size'] }), verdict: 'answered' },
    unanswered: { answer: unavailable, verdict: 'failed' },
  };

  const authorize = async (
    { method, authentication }: SourceCall<unknown>,
    path: string,
    nonce: string | undefined,
    context: CallContext,
  ): Promise<Result<Record<string, string>>> => {
    if (authentication.as === 'nobody') return { ok: true, value: {} };
    if (authentication.as === 'basic') {
      const credentials = Buffer.from(`${authentication.username}:${authentication.password}`).toString('base64');
      return { ok: true, value: { authorization: `Basic ${credentials}` } };
    }
    const query = path.indexOf('?');
    const url = `${origin}${query < 0 ? path : path.slice(0, query)}`;
    return tokens.headersFor(name, authentication, nonce ? { method, url, nonce } : { method, url }, context);
  };

  const understand = <T>(call: SourceCall<T>, answer: SourceAnswer): Answer<T> => {
    const refusal = call.refusal?.(answer);
    if (refusal) return fail(refusal);
    const { status, headers, text } = answer;
    if (status === 401 || status === 403) return fail({ kind: 'denied', source: name, status });
    if (status < 200 || status > 299) return fail({ kind: 'unavailable', source: name, status });
    try {
      const read = readBy(call.shape, (call.read ?? JSON.parse)(text));
      if (read.ok) return { ok: true, value: { value: read.value, headers } };
      return fail({ kind: 'invalid', source: name, paths: read.paths.slice(0, 5) });
    } catch {
      return fail({ kind: 'invalid', source: name, paths: [''] }); // not even the format it claims
    }
  };

  const send = async <T>(call: SourceCall<T>, context: CallContext, watched: Watch): Promise<Attempt<T>> => {
    const path = `${pathname}${call.path.startsWith('/') ? call.path.slice(1) : call.path}`;
    let nonce: string | undefined;
    for (;;) {
      const authorization = await authorize(call, path, nonce, context);
      if (!authorization.ok) {
        const isFault = authorization.error.kind === 'unavailable';
        return watched.ended
          ? withoutAnswer[watched.ended]
          : { answer: authorization, verdict: isFault ? 'failed' : 'answered' };
      }
      const { body } = call;
      const sent = await exchange(
        pool,
        {
          method: call.method,
          path,
          headers: {
            ...(body instanceof URLSearchParams ? formHeaders : plainHeaders),
            ...call.headers,
            ...authorization.value,
          },
          body: body === undefined ? null : body.toString(),
        },
        watched,
      );
      if ('ended' in sent) return withoutAnswer[sent.ended];
      // RFC 9449 section 9: the service may ask for a nonce of its own once.
      const asked = sent.answer.status === 401 && !nonce ? sent.answer.headers['dpop-nonce'] : undefined;
      if (asked) {
        nonce = asked;
        continue;
      }
      const answer = understand(call, sent.answer);
      const isFault = !answer.ok && (answer.error.kind === 'unavailable' || answer.error.kind === 'timeout');
      return { answer, verdict: isFault ? 'failed' : 'answered' };
    }
  };

  /** `null`: the source is left alone at the moment. */
  const attempt = async <T>(call: SourceCall<T>, context: CallContext): Promise<Attempt<T> | null> => {
    const pass = breaker.enter();
    if (!pass) return null;
    const watched = watch(context.signal, timeoutMs);
    let verdict: Verdict = 'abandoned';
    try {
      const made = await send(call, context, watched);
      verdict = made.verdict;
      return made;
    } finally {
      watched.close();
      breaker.leave(pass, verdict);
    }
  };

  const ask = async <T>(call: SourceCall<T>, context: CallContext): Promise<Attempt<T> | null> => {
    const entered = bulkhead.enter(context.signal);
    if (entered !== true && !(await entered)) return null;
    try {
      const first = await attempt(call, context);
      if (first?.verdict !== 'failed' || !isWorthRetrying(first.answer)) return first;
      const goesOn = breaker.mayRetry() && (await pause(context.signal));
      return (goesOn && (await attempt(call, context))) || first;
    } finally {
      bulkhead.leave();
    }
  };

  return {
    name,
    async call(call, context) {
      const started = performance.now();
      const { answer, verdict } = (await ask(call, context)) ?? { answer: unavailable, verdict: 'failed' };
      const outcome = answer.ok ? 'ok' : verdict === 'abandoned' ? verdict : answer.error.kind;
      sourceCalls.observe({ source: name, outcome }, (performance.now() - started) / 1_000);
      return answer;
    },
    async reachable() {
      try {
        const { body } = await pool.request({ method: 'GET', path: pathname, signal: AbortSignal.timeout(1_000) });
        await body.dump();
        return true; // whatever the status: somebody answers there
      } catch {
        return false;
      }
    },
    close: () => pool.destroy(),
  };
};
