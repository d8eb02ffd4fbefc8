import {
  bulkhead,
  circuitBreaker,
  ExponentialBackoff,
  handleWhenResult,
  isBrokenCircuitError,
  isBulkheadRejectedError,
  retry,
  SamplingBreaker,
  wrap,
} from 'cockatiel';
import { Pool } from 'undici';
import type { SourceName } from '../../schema/sources.ts';
import { sourceCalls } from './metrics.ts';
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

/** Nobody waits for the answer any more. Thrown past the breaker, to which it says nothing about the source. */
class Abandoned extends Error {}

/** A deadline that has passed says something about the source; a client that has left does not. */
const isAbandoned = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && reason instanceof DOMException && reason.name === 'AbortError';

type Answer<T> = Result<{ value: T; headers: Record<string, string> }>;

const isFault = (error: SourceError) => error.kind === 'unavailable' || error.kind === 'timeout';
const failed = (answer: unknown) => {
  const result = answer as Result<unknown>;
  return !result.ok && isFault(result.error);
};
const unanswered = (answer: unknown) => {
  const result = answer as Result<unknown>;
  return !result.ok && result.error.kind === 'unavailable';
};

/** A source behind HTTP: undici pool, one retry of what got no answer, breaker at half of ten calls in ten seconds, bulkhead. */
export const createHttpSource = ({
  name,
  baseUrl,
  tokens,
  timeoutMs = 2_000,
  maxAnswerBytes = 8_000_000,
}: HttpSourceOptions): Source => {
  const base = new URL(baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`);
  const pool = new Pool(base.origin, {
    connections: 64,
    connect: { timeout: timeoutMs },
    maxResponseSize: maxAnswerBytes,
  });
  const breaker = circuitBreaker(handleWhenResult(failed), {
    halfOpenAfter: 5_000,
    breaker: new SamplingBreaker({
      threshold: 0.5,
      duration: 10_000,
      minimumRps: 1,
    }),
  });
  const policy = wrap(
    bulkhead(48, 96),
    retry(handleWhenResult(unanswered), {
      maxAttempts: 1,
      backoff: new ExponentialBackoff({ initialDelay: 20, maxDelay: 60 }),
    }),
    breaker,
  );

  const send = async <T>(call: SourceCall<T>, context: CallContext): Promise<Answer<T>> => {
    const fail = (error: SourceError): Answer<T> => ({ ok: false, error });
    const url = new URL(call.path.replace(/^\//, ''), base);
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
    const timedOut = () => fail({ kind: 'timeout', source: name, afterMs: timeoutMs });

    const request = async (nonce?: string): Promise<Result<SourceAnswer>> => {
      const authorization = await authorize(
        call,
        {
          method: call.method,
          url: `${url.origin}${url.pathname}`,
          ...(nonce ? { nonce } : {}),
        },
        context,
      );
      if (!authorization.ok) return authorization;
      const { statusCode, headers, body } = await pool.request({
        method: call.method,
        path: `${url.pathname}${url.search}`,
        headers: {
          accept: 'application/json',
          ...(call.body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
          ...call.headers,
          ...authorization.value,
        },
        ...(call.body === undefined ? {} : { body: call.body.toString() }),
        signal,
      });
      const flat = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, String(value)]));
      return {
        ok: true,
        value: { status: statusCode, headers: flat, text: await body.text() },
      };
    };

    try {
      let answer = await request();
      // RFC 9449 section 9: the service may ask for a nonce of its own once.
      const nonce = answer.ok && answer.value.status === 401 ? answer.value.headers['dpop-nonce'] : undefined;
      if (nonce) answer = await request(nonce);
      return answer.ok ? understand(call, answer.value) : answer;
    } catch (error) {
      if (isAbandoned(context.signal)) throw new Abandoned();
      if (signal.aborted) return timedOut();
      const code = (error as { code?: string }).code;
      if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return fail({ kind: 'invalid', source: name, paths: ['size'] });
      return fail({ kind: 'unavailable', source: name, status: null });
    }
  };

  const authorize = async (
    call: SourceCall<unknown>,
    target: { method: string; url: string; nonce?: string },
    context: CallContext,
  ): Promise<Result<Record<string, string>>> => {
    const { authentication } = call;
    if (authentication.as === 'nobody') return { ok: true, value: {} };
    if (authentication.as === 'basic') {
      const credentials = Buffer.from(`${authentication.username}:${authentication.password}`).toString('base64');
      return { ok: true, value: { authorization: `Basic ${credentials}` } };
    }
    return tokens.headersFor(name, authentication, target, context);
  };

  const understand = <T>(call: SourceCall<T>, answer: SourceAnswer): Answer<T> => {
    const refusal = call.refusal?.(answer);
    if (refusal) return { ok: false, error: refusal };
    const { status } = answer;
    if (status === 401 || status === 403) return { ok: false, error: { kind: 'denied', source: name, status } };
    if (status < 200 || status > 299)
      return {
        ok: false,
        error: { kind: 'unavailable', source: name, status },
      };
    try {
      const read = call.shape.safeParse((call.read ?? JSON.parse)(answer.text));
      if (read.success)
        return {
          ok: true,
          value: { value: read.data, headers: answer.headers },
        };
      const paths = read.error.issues.slice(0, 5).map(({ path }) => path.join('.'));
      return { ok: false, error: { kind: 'invalid', source: name, paths } };
    } catch {
      return {
        ok: false,
        error: { kind: 'invalid', source: name, paths: [''] },
      }; // not even the format it claims
    }
  };

  return {
    name,
    async call(call, context) {
      const end = sourceCalls.startTimer({ source: name });
      const answer = await policy
        .execute(() => send(call, context))
        .catch((error: unknown): Answer<never> => {
          if (error instanceof Abandoned)
            return { ok: false, error: { kind: 'timeout', source: name, afterMs: timeoutMs } };
          if (!isBrokenCircuitError(error) && !isBulkheadRejectedError(error)) throw error;
          return {
            ok: false,
            error: { kind: 'unavailable', source: name, status: null },
          };
        });
      end({ outcome: answer.ok ? 'ok' : answer.error.kind });
      return answer as never;
    },
    async reachable() {
      try {
        const { body } = await pool.request({
          method: 'GET',
          path: base.pathname,
          signal: AbortSignal.timeout(1_000),
        });
        await body.dump();
        return true; // whatever the status: somebody answers there
      } catch {
        return false;
      }
    },
    close: () => pool.destroy(),
  };
};
