/**
 * How payloads look. `current`: `pending`, `incremental` and `completed`, as the incremental-delivery draft has it since 2023
 * (`incrementalSpec=v0.2` of https://specs.apollo.dev/incremental/v0.2). `20220824`: `incremental` with `path` and `label`, as
 * the draft had it before (`deferSpec=20220824`).
 */
export type PayloadFormat = 'current' | '20220824';
export type Framing = 'multipart/mixed' | 'text/event-stream';
export type Streaming = {
  framing: Framing;
  format: PayloadFormat /** To be sent as it stands. */;
  contentType: string;
};

export type Accepted = {
  /** How this client reads an answer in parts; `null` when it cannot. */
  streaming: Streaming | null;
  /** Whether it reads an answer in one piece as JSON. */
  json: boolean;
};

type Range = { type: string; parameters: ReadonlyMap<string, string>; q: number };

const parseRange = (text: string): Range => {
  const [type = '', ...rest] = text.split(';').map((it) => it.trim());
  const parameters = new Map(
    rest.map((it) => {
      const [name = '', value = ''] = it.split('=', 2);
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')];
    }),
  );
  const q = Number(parameters.get('q') ?? 1);
  return { type: type.toLowerCase(), parameters, q: Number.isFinite(q) ? q : 0 };
};

/** `null` for a draft that nobody here speaks, and for subscriptions, which another parameter asks for. */
const formatOf = ({ parameters }: Range): PayloadFormat | null => {
  if (parameters.has('subscriptionspec')) return null;
  const defer = parameters.get('deferspec');
  const incremental = parameters.get('incrementalspec');
  if (defer !== undefined) return defer === '20220824' ? '20220824' : null;
  return incremental === undefined || incremental === 'v0.2' ? 'current' : null;
};

const streamingOf = (range: Range): Streaming | null => {
  const format = formatOf(range);
  if (!format) return null;
  if (range.type === 'text/event-stream')
    return { framing: range.type, format, contentType: 'text/event-stream; charset=utf-8' };
  if (range.type !== 'multipart/mixed') return null;
  const named = range.parameters.has('deferspec') || range.parameters.has('incrementalspec');
  const name = format === 'current' ? 'incrementalSpec=v0.2' : 'deferSpec=20220824';
  return { framing: range.type, format, contentType: `multipart/mixed; boundary="-"${named ? `; ${name}` : ''}` };
};

const jsonTypes = new Set(['application/json', 'application/graphql-response+json', 'application/*', '*/*']);

/**
 * Reads an `Accept` header. Of several ways to stream the client's preference decides, then its order. That it prefers JSON says
 * nothing of streaming: clients name JSON for answers that come whole. A wildcard is no wish to be streamed to.
 *
 * Without a parameter that names a draft the format is the current one: the RFC for incremental delivery over HTTP
 * (graphql-over-http) has no parameter, and the specification's draft only this format.
 */
export const readAccept = (header: string | undefined): Accepted => {
  const ranges = (header ?? '*/*')
    .split(',')
    .map(parseRange)
    .filter(({ q }) => q > 0)
    .sort((one, other) => other.q - one.q);
  const streaming = ranges.map(streamingOf).find((it) => it !== null) ?? null;
  return { streaming, json: ranges.some(({ type }) => jsonTypes.has(type)) };
};
