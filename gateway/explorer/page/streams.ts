async function* textOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * Results in a `text/event-stream`: the data of each event until one named `complete`. Comments (heartbeats) are skipped.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* readEvents<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  let rest = '';
  for await (const text of textOf(body)) {
    const blocks = (rest + text).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split(/\r?\n/);
      const valuesOf = (name: string) =>
        lines
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).replace(/^ /, ''));
      if (valuesOf('event').at(-1) === 'complete') return;
      const data = valuesOf('data').join('\n');
      if (data !== '') yield JSON.parse(data) as T;
    }
  }
}

/**
 * Results in a `multipart/mixed` answer, one in each part.
 *
 * @see https://github.com/graphql/graphql-over-http/blob/main/rfcs/IncrementalDelivery.md
 */
export async function* readParts<T>(body: ReadableStream<Uint8Array>, boundary: string): AsyncGenerator<T> {
  let rest = '\r\n';
  for await (const text of textOf(body)) {
    const parts = (rest + text).split(`\r\n--${boundary}`);
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const content = part.slice(part.indexOf('\r\n\r\n') + 4).trim();
      if (part.includes('\r\n\r\n') && content !== '') yield JSON.parse(content) as T;
    }
    if (rest.startsWith('--')) return; // the closing delimiter
  }
}
