import type { Stream } from '../execute/scope.ts';
import { log } from '../log.ts';
import type { Framing, Streaming } from './negotiate.ts';
import { createPayloads } from './payloads.ts';

/** How payloads become bytes. Whoever reads one knows that it is whole: its delimiter comes with it. */
const framings: Record<Framing, { open: string; frame(json: string, isLast: boolean): string; beat: string | null }> = {
  // rfcs/IncrementalDelivery.md of graphql-over-http, as every client's reader expects it.
  'multipart/mixed': {
    open: '\r\n---\r\n',
    frame: (json, isLast) =>
      `content-type: application/json; charset=utf-8\r\n\r\n${json}\r\n---${isLast ? '--' : ''}\r\n`,
    beat: null, // an empty part would be a result
  },
  // PROTOCOL.md of graphql-sse, distinct connections.
  'text/event-stream': {
    open: '',
    frame: (json, isLast) => `event: next\ndata: ${json}\n\n${isLast ? 'event: complete\ndata:\n\n' : ''}`,
    beat: ':\n\n',
  },
};

/** For proxies: what may not be kept, and what may not be collected before it is passed on. */
export const streamHeaders = ({ contentType }: Streaming) => ({
  'content-type': contentType,
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
});

/** An answer in one piece, for a client that reads nothing but streams. */
export const wholeAsStream = ({ framing }: Streaming, json: string): string => {
  const { open, frame } = framings[framing];
  return open + frame(json.trimEnd(), true);
};

export type WriteOptions = {
  /** Of all parts together. */
  limitBytes: number;
  /** Without a part for so long, a client and the proxies before it hear that the stream is alive. */
  beatMs: number;
};

/**
 * The bytes of an answer in parts, each chunk to be sent at once. Whoever stops reading ends what is still being asked.
 *
 * @param firstJson the first part as JSON, without what says that more will come
 */
export async function* writeStream(
  { framing, format }: Streaming,
  { first, rest }: Stream,
  firstJson: string,
  { limitBytes, beatMs }: WriteOptions,
): AsyncGenerator<string, void, void> {
  const { open, frame, beat } = framings[framing];
  const payloads = createPayloads(format);
  const unanswered = new Set(first.promised);
  let bytes = Buffer.byteLength(firstJson);

  const nextOrBeat = async function* () {
    for (;;) {
      const next = rest.next();
      next.catch(() => {}); // it is awaited below, when there is time
      for (;;) {
        const timer = Promise.withResolvers<'beat'>();
        const timeout = setTimeout(() => timer.resolve('beat'), beatMs);
        const came = await Promise.race([next, timer.promise]).finally(() => clearTimeout(timeout));
        if (came === 'beat') {
          if (beat) yield beat;
          continue;
        }
        if (came.done) return;
        yield came.value;
        break;
      }
    }
  };

  try {
    // The server in front has made the first part's JSON an object with members: more are put at its end.
    const more = JSON.stringify(payloads.begin(first)).slice(1);
    yield `${open}${frame(`${firstJson.trimEnd().slice(0, -1)},${more}`, false)}`;
    for await (const it of nextOrBeat()) {
      if (typeof it === 'string') {
        yield it;
        continue;
      }
      if ('error' in it) {
        yield frame(JSON.stringify(payloads.end(it)), true);
        return;
      }
      const json = JSON.stringify(payloads.next(it));
      bytes += Buffer.byteLength(json);
      if (bytes > limitBytes) {
        const extensions = { code: 'LIMIT_EXCEEDED', retryable: false };
        const error = { message: `Bytes of an answer: ${limitBytes} at most`, extensions };
        yield frame(JSON.stringify(payloads.end({ unanswered: [...unanswered], error })), true);
        return;
      }
      for (const { part } of it.came) unanswered.delete(part);
      for (const part of it.promised) unanswered.add(part);
      yield frame(json, it.isLast);
    }
  } catch (error) {
    log.error({ error: (error as Error).name }, 'stream failed');
    throw error; // the connection breaks off: nobody takes a part for the whole
  } finally {
    await rest.return();
  }
}
