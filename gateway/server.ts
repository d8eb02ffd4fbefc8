import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { ApolloServer, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { GraphQLError, printSchema } from 'graphql';
import { collectDefaultMetrics, register } from 'prom-client';
import type { SourceHealth } from '../schema/subgraph.ts';
import type { Authenticate, Authenticated } from './auth/authenticate.ts';
import { challengesFor } from './auth/challenges.ts';
import { Forbidden, Unauthenticated, Unverifiable } from './auth/refusal.ts';
import type { Config } from './config.ts';
import type { KildeGateway } from './execute/gateway.ts';
import type { Scope, Stream } from './execute/scope.ts';
import type { Mounted } from './execute/topology.ts';
import { log } from './log.ts';
import { requests } from './metrics.ts';
import { createAdmission } from './operation/admit.ts';
import { readElevation } from './operation/elevation.ts';
import { formatError } from './operation/errors.ts';
import { limits } from './operation/limits.ts';
import type { TrustedDocuments } from './operation/trusted.ts';
import { deferRules } from './stream/defer.ts';
import { readAccept, type Streaming } from './stream/negotiate.ts';
import { streamHeaders, wholeAsStream, writeStream } from './stream/write.ts';

export type ServerParts = {
  config: Config;
  gateway: KildeGateway;
  trusted: TrustedDocuments;
  authenticate: Authenticate;
  mounted: ReadonlyMap<string, Mounted>;
  /** Whether the gateway's own needs (access log, issuer) are met. */
  ownHealth(): Promise<SourceHealth[]>;
  /** Further pages and addresses: the explorer, the sandbox's controls. */
  extend?(app: FastifyInstance): Promise<void> | void;
};

const graphqlBodyBytes = 64_000;

/** Shorter than any proxy's patience, and than the time a whole request may take. */
const beatMs = 2_000;

type Failure = {
  status: number;
  code: string;
  message: string;
  headers?: Record<string, string>;
  retryable?: boolean;
};

const failures: Record<'method' | 'type' | 'size' | 'json' | 'answerSize' | 'notFound' | 'internal', Failure> = {
  method: {
    status: 405,
    code: 'BAD_REQUEST',
    message: 'POST only: identifiers do not belong in addresses',
    headers: { allow: 'POST' },
  },
  type: { status: 415, code: 'BAD_REQUEST', message: 'Content-Type must be application/json in UTF-8' },
  size: { status: 413, code: 'LIMIT_EXCEEDED', message: 'The body is too large' },
  json: { status: 400, code: 'BAD_REQUEST', message: 'The body is not a JSON object' },
  // 400 as for every other limit: the request asks for more than one answer may hold. 413 and 422 speak of what was sent.
  answerSize: {
    status: 400,
    code: 'LIMIT_EXCEEDED',
    message: `Bytes of an answer: ${limits.responseBytes} at most`,
  },
  notFound: { status: 404, code: 'NOT_FOUND', message: 'Nothing here' },
  internal: { status: 500, code: 'INTERNAL', message: 'Internal error' },
};

/** @param streamOnly for a client that reads streams only: it would not look at an answer of another status than 200 */
const refuse = (
  reply: FastifyReply,
  { status, code, message, headers = {}, retryable = false }: Failure,
  streamOnly: Streaming | null = null,
) => {
  const refusal = { errors: [{ message, extensions: { code, retryable } }] };
  return streamOnly
    ? reply
        .code(200)
        .headers(streamHeaders(streamOnly))
        .send(wholeAsStream(streamOnly, JSON.stringify(refusal)))
    : reply
        .code(status)
        .headers({ 'cache-control': 'no-store', ...headers })
        .send(refusal);
};

/** Who cannot be let in -> the answer. Bearer is named only where it is accepted. */
const turnedAway = (error: Unauthenticated | Forbidden | Unverifiable, bearer: boolean): Failure => {
  const { message } = error;
  log.info({ error: error.name, reason: error instanceof Forbidden ? error.rule : error.reason }, 'turned away');
  if (error instanceof Unverifiable)
    return { status: 503, code: 'OVERLOADED', message, headers: { 'retry-after': '1' }, retryable: true };
  const headers = challengesFor(error, bearer);
  return error instanceof Forbidden
    ? { status: 403, code: 'FORBIDDEN', message, headers }
    : { status: 401, code: 'UNAUTHENTICATED', message, headers };
};

/** Eleven digits filled up to the length of a trace id: a person's number, in what every log and trace will hold. */
const filledUp = /^(.)\1{20}\d{11}$|^\d{11}(.)\2{20}$/;

const traceIdOf = (request: FastifyRequest): string => {
  const header = String(request.headers['traceparent'] ?? '');
  const sent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(header)?.[1];
  return sent && !filledUp.test(sent) ? sent : randomUUID().replaceAll('-', '');
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The HTTP face: who asks (401 otherwise), then GraphQL, subgraphs' own addresses, health, metrics and the schema. */
export const createServer = async ({
  config,
  gateway,
  trusted,
  authenticate: whoAsks,
  mounted,
  ownHealth,
  extend,
}: ServerParts) => {
  const introspection = config.environment === 'sandbox';
  const admit = createAdmission({ trusted, limits, introspection });
  const apollo = new ApolloServer({
    gateway,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    introspection,
    parseOptions: { maxTokens: limits.tokens },
    validationRules: [...deferRules],
    validationOptions: { maxErrors: limits.errors - 1 }, // one more says that there are more
    persistedQueries: false, // those register what clients send; ours are in `trusted`
    formatError,
    stringifyResult: (result) => JSON.stringify(result), // no line feed at the end, which would have the text copied
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
  let api = '';
  gateway.onSchemaLoadOrUpdate(({ apiSchema }) => {
    api = printSchema(apiSchema);
  });
  await apollo.start();
  if (!register.getSingleMetric('process_cpu_seconds_total')) collectDefaultMetrics();

  const app = fastify({
    bodyLimit: graphqlBodyBytes,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    return503OnClosing: true,
    frameworkErrors: (_error, _request, reply) => void refuse(reply, failures.notFound), // Fastify's own repeat the address
  });
  app.setNotFoundHandler((_request, reply) => refuse(reply, failures.notFound));
  app.setErrorHandler((error, request, reply) => {
    const { code, statusCode } = error as { code?: string; statusCode?: number };
    if (error instanceof Unauthenticated || error instanceof Forbidden || error instanceof Unverifiable)
      return refuse(reply, turnedAway(error, config.environment === 'sandbox'));
    if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return refuse(reply, failures.type);
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return refuse(reply, failures.size);
    if (statusCode === 400) return refuse(reply, failures.json);
    log.error({ route: request.routeOptions.url, error: (error as Error).name }, 'request failed');
    return refuse(reply, failures.internal);
  });

  const authenticate = async (request: FastifyRequest, reply: FastifyReply): Promise<Authenticated> => {
    const { method, raw, url } = request;
    const [path = ''] = url.split('?', 1);
    const asking = { method, path, rawHeaders: raw.rawHeaders, localPort: raw.socket.localPort };
    const authenticated = await whoAsks({ ...asking, traceId: traceIdOf(request) });
    if (authenticated.nextNonce) reply.header('dpop-nonce', authenticated.nextNonce);
    return authenticated;
  };

  /** Aborts when the client goes away or the time is up, whichever comes first. */
  const signalFor = (reply: FastifyReply, timeoutMs: number): AbortSignal => {
    const ending = new AbortController();
    const timeUp = setTimeout(() => ending.abort(), timeoutMs);
    reply.raw.once('close', () => {
      clearTimeout(timeUp);
      if (!reply.raw.writableFinished) ending.abort();
    });
    return ending.signal;
  };

  const admitOrError = (body: Record<string, unknown>) => {
    try {
      return { operation: admit(body), elevation: readElevation(body['extensions']) };
    } catch (error) {
      if (error instanceof GraphQLError) return error;
      throw error;
    }
  };

  const graphql = async (request: FastifyRequest, reply: FastifyReply) => {
    const end = requests.startTimer();
    const { caller, token } = await authenticate(request, reply);
    if (!isRecord(request.body)) return refuse(reply, failures.json);
    const scope: Scope = {
      caller,
      token,
      traceId: traceIdOf(request),
      eventId: randomUUID(),
      signal: signalFor(reply, config.requestTimeoutMs),
      deadline: Date.now() + config.requestTimeoutMs,
    };
    const { streaming, json } = readAccept(request.headers.accept);
    const streamOnly = json ? null : streaming;
    const asked = admitOrError(request.body);
    if (asked instanceof GraphQLError) {
      end({ status: 400 });
      const isNew = request.headers.accept?.includes('application/graphql-response+json');
      if (isNew) reply.type('application/graphql-response+json; charset=utf-8');
      const failure = { status: 400, code: String(asked.extensions['code']), message: asked.message };
      return refuse(reply, failure, streamOnly);
    }
    const { operation, elevation } = asked;
    if (elevation) scope.elevation = elevation;
    const taken: Stream[] = [];
    if (streaming) scope.takeRest = (stream) => void taken.push(stream);
    const headers = new HeaderMap([['content-type', 'application/json']]);
    const accept = streamOnly ? 'application/json' : request.headers.accept;
    if (accept) headers.set('accept', accept);
    const answer = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: 'POST', headers, search: '', body: operation },
      context: async () => scope,
    });
    if (answer.body.kind !== 'complete') throw new Error('Apollo Server streams nothing for a gateway');
    const text = answer.body.string;
    const bytes = Buffer.from(text); // once: its length is asked for here and by the response
    const isTooLarge = bytes.length > limits.responseBytes;
    const status = isTooLarge ? failures.answerSize.status : (answer.status ?? 200);
    end({ status });
    const [stream] = taken;
    if (isTooLarge) {
      await stream?.rest.return();
      return refuse(reply, failures.answerSize, streamOnly);
    }
    if (streaming && stream) {
      const parts = writeStream(streaming, stream, text, { limitBytes: limits.responseBytes, beatMs });
      return reply
        .code(200)
        .headers(streamHeaders(streaming))
        .send(Readable.from(parts, { objectMode: false }));
    }
    if (streamOnly) return reply.code(200).headers(streamHeaders(streamOnly)).send(wholeAsStream(streamOnly, text));
    return reply
      .code(status)
      .headers({ ...Object.fromEntries(answer.headers), 'cache-control': 'no-store' })
      .send(bytes);
  };

  app.post('/graphql', { preValidation: requireJson }, graphql);
  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: '/graphql',
    handler: (_request, reply) => refuse(reply, failures.method),
  });
  app.get('/schema.graphql', (_request, reply) => reply.type('application/graphql; charset=utf-8').send(api));
  app.get('/health/live', (_request, reply) => reply.send({ status: 'up' }));
  app.get('/health/ready', async (_request, reply) => {
    const own = await ownHealth();
    const sources = (await Promise.all([...mounted.values()].map(({ subgraph }) => subgraph.health()))).flat();
    const ready = own.every(({ up }) => up);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', own, sources });
  });
  app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));

  await app.register(async (plain) => {
    // Before the body is read: a stranger's megabyte costs nothing.
    const callers = new WeakMap<FastifyRequest, Authenticated['caller']>();
    plain.addHook('onRequest', async (request, reply) => {
      callers.set(request, (await authenticate(request, reply)).caller);
    });
    plain.removeAllContentTypeParsers();
    plain.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const { subgraph, routes } of mounted.values()) {
      for (const route of routes) {
        plain.route({
          method: route.method,
          url: route.path,
          bodyLimit: route.bodyLimit,
          handler: async (request, reply) => {
            const caller = callers.get(request);
            if (!caller) throw new Unauthenticated('no caller'); // the hook has refused already
            const {
              status,
              headers = {},
              body,
            } = await subgraph.handle({
              route,
              params: request.params as Record<string, string>,
              query: request.query as Record<string, string>,
              headers: request.headers as Record<string, string | undefined>,
              body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
              caller,
              traceId: traceIdOf(request),
              signal: signalFor(reply, config.requestTimeoutMs),
            });
            return reply
              .code(status)
              .headers({ 'cache-control': 'no-store', ...headers })
              .send(body);
          },
        });
      }
    }
  });
  await extend?.(app);

  return {
    app,
    listen: () => app.listen({ port: config.port, host: config.host }),
    async stop() {
      await app.close();
      await apollo.stop();
    },
  };
};

/** Only JSON in UTF-8: other types would make a browser's simple request possible, other charsets exotic decoders. */
const requireJson = async (request: FastifyRequest, reply: FastifyReply) => {
  const type = String(request.headers['content-type'] ?? '')
    .toLowerCase()
    .replaceAll(' ', '');
  const isJson = type === 'application/json' || type === 'application/json;charset=utf-8';
  if (!isJson) return refuse(reply, failures.type);
};
