import { Kind, parse } from 'graphql';
import { type Answer, type GraphQLResult, waiting, withResult } from './answers.ts';
import { readEvents, readParts } from './streams.ts';

type Params = { query: string; operationName?: string | null | undefined; variables?: unknown };
type Options = { headers?: Record<string, unknown> | undefined } | undefined;
type Results = AsyncIterable<GraphQLResult>;

export type FetcherSeams = {
  authorization(): Promise<string | null>;
  /** Called on 401; true when the request is worth sending once more. */
  renew(): Promise<boolean>;
  /** What goes with every question but introspection, beside the question itself. */
  extensions?(): object;
  /** Told of each answer but introspection's. */
  observe(answer: Answer): void;
  fetch?: typeof globalThis.fetch;
  nowMs?(): number;
};

// GraphiQL puts together parts of the current incremental-delivery draft.
const accept =
  'application/graphql-response+json, application/json;q=0.9, multipart/mixed;incrementalSpec=v0.2;q=0.8, text/event-stream;q=0.7';

const mediaType = (response: Response): string =>
  (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();

/** GraphiQL notices a tenth of a second late that the text has changed, and may still name the operation that was there. */
const withOwnName = (params: Params): Params => {
  try {
    const names = parse(params.query).definitions.flatMap((it) =>
      it.kind === Kind.OPERATION_DEFINITION ? [it.name?.value] : [],
    );
    const known = names.includes(params.operationName ?? undefined);
    return known ? params : { ...params, operationName: names.length === 1 ? names[0] : undefined };
  } catch {
    return params; // the server says what is wrong with the text
  }
};

/**
 * GraphiQL's way to `/graphql`: JSON, parts of a deferred answer, or a stream of events, told apart by what comes back.
 * Throws when no GraphQL came back, in words that GraphiQL can show.
 */
export const createFetcher = ({
  authorization,
  renew,
  observe,
  extensions = () => ({}),
  fetch = globalThis.fetch,
  nowMs = () => performance.now(),
}: FetcherSeams) => {
  const post = async (params: Params, options: Options, signal: AbortSignal): Promise<Response> => {
    const token = await authorization();
    const headers = new Headers({ 'content-type': 'application/json', accept });
    if (token) headers.set('authorization', token);
    for (const [name, value] of Object.entries(options?.headers ?? {})) headers.set(name, String(value));
    const beside = params.operationName === 'IntrospectionQuery' ? {} : extensions();
    const body = JSON.stringify({ ...params, ...beside });
    return fetch('/graphql', { method: 'POST', headers, body, signal, credentials: 'omit', redirect: 'error' }).catch(
      (thrown: unknown) => {
        if (signal.aborted) throw thrown;
        throw new Error('Kilde does not answer. Is it running?');
      },
    );
  };

  return async (asked: Params, options?: Options): Promise<GraphQLResult | Results> => {
    const params = withOwnName(asked);
    const seen = params.operationName === 'IntrospectionQuery' ? () => undefined : observe;
    const abort = new AbortController();
    const started = nowMs();
    let answer = waiting;
    const take = (result: GraphQLResult, streamed: boolean) => {
      answer = withResult(answer, result, nowMs() - started, streamed);
      seen(answer);
    };
    seen(answer);

    try {
      let response = await post(params, options, abort.signal);
      if (response.status === 401 && (await renew())) response = await post(params, options, abort.signal);

      const type = mediaType(response);
      if (type === 'application/json' || type === 'application/graphql-response+json') {
        const result = (await response.json()) as GraphQLResult;
        take(result, false);
        return result;
      }
      const boundary = /boundary="?([^";]+)"?/.exec(response.headers.get('content-type') ?? '')?.[1];
      const results =
        response.body && type === 'text/event-stream'
          ? readEvents<GraphQLResult>(response.body)
          : response.body && type === 'multipart/mixed' && boundary
            ? readParts<GraphQLResult>(response.body, boundary)
            : null;
      if (!results)
        throw new Error(`The server answered ${response.status} with ${type || 'no content type'}, not GraphQL.`);

      const observed = async function* () {
        try {
          for await (const result of results) {
            take(result, true);
            yield result;
          }
        } catch (thrown) {
          if (!abort.signal.aborted) throw thrown;
        } finally {
          seen({ ...answer, status: 'done' });
        }
      };
      const iterator = observed();
      // A generator's own return() waits for the next part, which may never come: stopping must close the connection.
      const stop = async () => {
        abort.abort();
        return { done: true as const, value: undefined };
      };
      return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next(), return: stop }) };
    } catch (thrown) {
      const failure = thrown instanceof Error ? thrown.message : 'Unknown failure';
      seen({ ...answer, status: 'failed', tookMs: nowMs() - started, failure });
      throw thrown;
    }
  };
};
