import { randomUUID } from 'node:crypto';
import { ApolloServer, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { GraphQLError, printSchema } from 'graphql';
import { collectDefaultMetrics, register } from 'prom-client';
import type { Caller } from '../schema/caller.ts';
import type { SourceHealth } from '../schema/subgraph.ts';
import { toCaller } from './auth/caller.ts';
import { type createVerifier, Unauthenticated } from './auth/verify.ts';
import type { Config } from './config.ts';
import type { KildeGateway } from './execute/gateway.ts';
import type { Scope } from './execute/scope.ts';
import type { Mounted } from './execute/topology.ts';
import { log } from './log.ts';
import { requests } from './metrics.ts';
import { createAdmission } from './operation/admit.ts';
import { formatError } from './operation/errors.ts';
import { limits } from './operation/limits.ts';
import { readTrusted } from './operation/trusted.ts';

export type ServerParts = {
  config: Config;
  gateway: KildeGateway;
  verify: ReturnType<typeof createVerifier>;
  mounted: ReadonlyMap<string, Mounted>;
  /** Whether the gateway's own needs (access log, issuer) are met. */
  ownHealth(): Promise<SourceHealth[]>;
  /** Further pages and addresses: the explorer, the sandbox's controls. */
  extend?(app: FastifyInstance): Promise<void> | void;
};

const graphqlBodyBytes = 64_000;

type Failure = { status: number; code: string; message: string; headers?: Record<string, string> };

const failures: Record<
  'unauthenticated' | 'method' | 'type' | 'size' | 'json' | 'answerSize' | 'notFound' | 'internal',
  Failure
> = {
  unauthenticated: {
    status: 401,
    code: 'UNAUTHENTICATED',
    message: 'A valid access token is required',
    headers: { 'www-authenticate': 'Bearer realm="kilde"' },
  },
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

const refuse = (reply: FastifyReply, { status, code, message, headers = {} }: Failure) =>
  reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .send({ errors: [{ message, extensions: { code, retryable: false } }] });

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
export const createServer = async ({ config, gateway, verify, mounted, ownHealth, extend }: ServerParts) => {
  const introspection = config.environment === 'sandbox';
  const trusted = readTrusted(config.trustedDocuments, config.environment === 'production');
  const admit = createAdmission({ trusted, limits, introspection });
  const apollo = new ApolloServer({
    gateway,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    introspection,
    parseOptions: { maxTokens: limits.tokens },
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
  await apollo.start();
  const schema = gateway.schema();
  const api = schema ? printSchema(schema) : '';
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
    if (error instanceof Unauthenticated) return refuse(reply, failures.unauthenticated);
    if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return refuse(reply, failures.type);
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return refuse(reply, failures.size);
    if (statusCode === 400) return refuse(reply, failures.json);
    log.error({ route: request.routeOptions.url, error: (error as Error).name }, 'request failed');
    return refuse(reply, failures.internal);
  });

  const authenticate = async (request: FastifyRequest) => {
    const { claims, token } = await verify(request.headers.authorization);
    return { caller: toCaller(claims), token };
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
      return admit(body);
    } catch (error) {
      if (error instanceof GraphQLError) return error;
      throw error;
    }
  };

  const graphql = async (request: FastifyRequest, reply: FastifyReply) => {
    const end = requests.startTimer();
    const { caller, token } = await authenticate(request);
    if (!isRecord(request.body)) return refuse(reply, failures.json);
    const scope: Scope = {
      caller,
      token,
      traceId: traceIdOf(request),
      eventId: randomUUID(),
      signal: signalFor(reply, config.requestTimeoutMs),
      deadline: Date.now() + config.requestTimeoutMs,
    };
    const asked = admitOrError(request.body);
    if (asked instanceof GraphQLError) {
      end({ status: 400 });
      const isNew = request.headers.accept?.includes('application/graphql-response+json');
      if (isNew) reply.type('application/graphql-response+json; charset=utf-8');
      return refuse(reply, { status: 400, code: String(asked.extensions['code']), message: asked.message });
    }
    const headers = new HeaderMap();
    for (const name of ['content-type', 'accept']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    const answer = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: 'POST', headers, search: '', body: asked },
      context: async () => scope,
    });
    if (answer.body.kind !== 'complete') throw new Error('no streamed answers are planned');
    const text = Buffer.from(answer.body.string); // once: its length is asked for here and by the response
    const isTooLarge = text.length > limits.responseBytes;
    const status = isTooLarge ? failures.answerSize.status : (answer.status ?? 200);
    end({ status });
    if (isTooLarge) return refuse(reply, failures.answerSize);
    return reply
      .code(status)
      .headers({ ...Object.fromEntries(answer.headers), 'cache-control': 'no-store' })
      .send(text);
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
    const callers = new WeakMap<FastifyRequest, Caller>();
    plain.addHook('onRequest', async (request) => {
      callers.set(request, (await authenticate(request)).caller);
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
