import type { Dispatcher, Pool } from 'undici';
import { onAbort } from './abort.ts';
import type { SourceAnswer } from './source.ts';

export type Exchanged = { answer: SourceAnswer } | { ended: Ending };
/** Why there is no answer: the call's own time, the request's (its deadline, or nobody waits any more), or the transport. */
export type Ending = 'timeout' | 'deadline' | 'abandoned' | 'tooLarge' | 'unanswered';

/** What one call to a source may take, its retries for a nonce and its token included. */
export type Watch = {
  ended: Ending | null;
  /** Set by whoever is at work: ends it at once. */
  onEnd: (() => void) | null;
  close(): void;
};

const isLate = (reason: unknown): boolean => reason instanceof DOMException && reason.name === 'TimeoutError';

/** One timer for the whole of it, and a share in the one listener on the request's signal. */
export const watch = (signal: AbortSignal, timeoutMs: number): Watch => {
  const end = (why: Ending) => {
    it.ended ??= why;
    it.onEnd?.();
  };
  const it: Watch = {
    ended: null,
    onEnd: null,
    close() {
      clearTimeout(timer);
      forget();
    },
  };
  const timer = setTimeout(end, timeoutMs, 'timeout');
  const forget = onAbort(signal, () => end(isLate(signal.reason) ? 'deadline' : 'abandoned'));
  return it;
};

const textOf = (pieces: readonly Buffer[]): string => {
  const whole = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  const text = whole.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text; // a byte order mark is none of the text
};

/** Headers as undici has just made them, those that occur more than once put together. */
const flatten = (headers: Record<string, string | string[] | undefined>): Record<string, string> => {
  for (const name in headers) if (typeof headers[name] !== 'string') headers[name] = String(headers[name]);
  return headers as Record<string, string>;
};

/**
 * Sends one request and reads the whole answer. Straight on undici's dispatcher: `request` makes a stream of each answer,
 * which costs as much as all the rest of a call. When the watch ends first, the connection is destroyed at once.
 */
export const exchange = (pool: Pool, options: Dispatcher.DispatchOptions, watched: Watch): Promise<Exchanged> =>
  new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | null = null;
    let status = 0;
    let headers: Record<string, string> = {};
    const pieces: Buffer[] = [];
    const settle = (exchanged: Exchanged) => {
      watched.onEnd = null;
      resolve(exchanged);
    };
    const stop = () => {
      const { ended } = watched;
      if (ended === null) return;
      settle({ ended });
      controller?.abort(new Error(ended));
    };
    watched.onEnd = stop;
    if (watched.ended) return stop();
    pool.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (watched.ended) stop(); // while it waited for a connection
      },
      onResponseStart(_controller, code, received) {
        status = code;
        headers = flatten(received);
      },
      onResponseData(_controller, piece) {
        pieces.push(piece);
      },
      onResponseEnd() {
        settle({ answer: { status, headers, text: textOf(pieces) } });
      },
      onResponseError(_controller, error) {
        const isTooLarge = (error as { code?: string }).code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
        settle({ ended: isTooLarge ? 'tooLarge' : 'unanswered' });
      },
    });
  });
