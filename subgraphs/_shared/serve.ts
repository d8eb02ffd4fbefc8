import { pathToFileURL } from 'node:url';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type DocumentNode, parse } from 'graphql';
import { importJWK, type JWK, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { register } from 'prom-client';
import * as z from 'zod';
import type { Assertion } from '../../schema/assertion.ts';
import { jwkText } from '../../schema/keys.ts';
import type { ErrorCode, Subgraph, SubgraphModule } from '../../schema/subgraph.ts';
import { type Env, readEnv } from './environment.ts';
import { log } from './log.ts';

const PublicKey = jwkText(
  z.looseObject({ kty: z.literal('EC'), crv: z.literal('P-256') }).refine((key) => !('d' in key)), // whoever holds the private part could be anybody's gateway
  'must be a public EC P-256 key as JWK',
);
const ServeEnv = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(4001),
  HOST: z.string().default('0.0.0.0'),
  /** Only what this key has signed is answered. */
  GATEWAY_PUBLIC_KEY: PublicKey,
});
const Body = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).default({}) });

/** The gateway's assertion and the caller's token are headers, and longer than Node takes unless told so. */
const maxHeaderBytes = 64_000;
const clockToleranceSeconds = 5;
/** Of all operations that are kept, so that few long ones take no more room than many short ones. */
const maxDocumentCharacters = 10_000_000;

type Verify = (authorization: string | undefined) => Promise<Assertion | null>;

const createVerify = async (name: string, publicKey: JWK): Promise<Verify> => {
  const key = await importJWK(publicKey, 'ES256');
  return async (authorization) => {
    const [scheme, token] = authorization?.split(' ') ?? [];
    if (scheme !== 'Bearer' || !token) return null;
    try {
      const { payload } = await jwtVerify<{ assertion?: Assertion }>(token, key, {
        issuer: 'kilde-gateway',
        audience: name,
        typ: 'kilde-assertion+jwt',
        algorithms: ['ES256'],
        maxTokenAge: '60s',
        clockTolerance: clockToleranceSeconds,
      });
      return payload.assertion ?? null;
    } catch {
      return null;
    }
  };
};

const refuse = (reply: FastifyReply, status: number, code: ErrorCode, message: string) =>
  reply.code(status).send({ errors: [{ message, extensions: { code, retryable: false } }] });

/**
 * One subgraph as an HTTP server of its own. Answers nobody without the gateway's assertion, not data, not its SDL, and
 * asks for it before it reads what else was sent. Open are `/health/live`, `/health` and `/metrics`, which hold nothing
 * about anybody.
 */
export const serveSubgraph = async (
  module: SubgraphModule,
  env: Env,
): Promise<{ url: string; close(): Promise<void> }> => {
  const { PORT, HOST, GATEWAY_PUBLIC_KEY } = readEnv(ServeEnv, env);
  const verify = await createVerify(module.name, GATEWAY_PUBLIC_KEY);
  const subgraph: Subgraph = await module.create(env);

  const app = fastify({
    bodyLimit: 1_000_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    http: { maxHeaderSize: maxHeaderBytes },
    frameworkErrors: (_error, _request, reply) => void refuse(reply, 404, 'NOT_FOUND', 'Nothing here'), // Fastify's own repeat the address
  });
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'NOT_FOUND', 'Nothing here'));
  app.setErrorHandler((error, request, reply) => {
    const { statusCode = 500, name } = error as { statusCode?: number; name: string };
    if (statusCode < 500) return refuse(reply, statusCode, 'BAD_REQUEST', 'Not a request of the gateway’s');
    log.error({ subgraph: module.name, route: request.routeOptions.url, error: name }, 'request failed');
    return refuse(reply, 500, 'INTERNAL', 'Internal error');
  });
  app.get('/health/live', async () => ({ status: 'up' }));
  app.get('/health', () => subgraph.health());
  app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));

  await app.register(async (guarded) => {
    const assertions = new WeakMap<FastifyRequest, Assertion>();
    guarded.addHook('onRequest', async (request, reply) => {
      const assertion = await verify(request.headers.authorization);
      if (!assertion) return refuse(reply, 401, 'UNAUTHENTICATED', 'The gateway’s assertion is required');
      assertions.set(request, assertion);
    });
    const assertionOf = (request: FastifyRequest): Assertion => {
      const assertion = assertions.get(request);
      if (!assertion) throw new Error('a guarded address was reached without an assertion');
      return assertion;
    };
    mountGraphql(guarded, subgraph, assertionOf);
    await guarded.register(async (plain) => mountRoutes(plain, module, subgraph, assertionOf));
  });

  const url = await app.listen({ port: PORT, host: HOST });
  return {
    url,
    async close() {
      await app.close();
      await subgraph.close();
    },
  };
};

/** Aborts when the gateway has gone or its deadline has passed. */
const abortWith = (reply: FastifyReply, deadline: number): AbortSignal => {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return AbortSignal.any([gone.signal, AbortSignal.timeout(Math.max(1, deadline - Date.now()))]);
};

type AssertionOf = (request: FastifyRequest) => Assertion;

const mountGraphql = (app: FastifyInstance, subgraph: Subgraph, assertionOf: AssertionOf): void => {
  // The subgraph keeps an operation's compiled form by its document: the same text is the same document.
  const documents = new LRUCache<string, DocumentNode>({
    max: 2_000,
    maxSize: maxDocumentCharacters,
    sizeCalculation: (_document, text) => text.length + 1,
  });
  const documentOf = (text: string) => {
    const known = documents.get(text);
    if (known) return known;
    const document = parse(text, { noLocation: true, maxTokens: 10_000 });
    documents.set(text, document);
    return document;
  };
  app.post('/graphql', async (request, reply) => {
    const body = Body.safeParse(request.body);
    if (!body.success) return refuse(reply, 400, 'BAD_REQUEST', 'Not a request of the gateway’s');
    const { query: text, variables } = body.data;
    const assertion = assertionOf(request);
    const subjectToken = request.headers['kilde-subject-token'];
    return subgraph.execute({
      document: documentOf(text),
      text,
      variables,
      assertion,
      subjectToken: typeof subjectToken === 'string' ? subjectToken : null,
      signal: abortWith(reply, assertion.deadline),
    });
  });
};

/** The subgraph's own addresses, under `/routes`. */
const mountRoutes = (
  app: FastifyInstance,
  { routes }: SubgraphModule,
  subgraph: Subgraph,
  assertionOf: AssertionOf,
): void => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  for (const route of routes) {
    app.route({
      method: route.method,
      url: `/routes${route.path}`,
      bodyLimit: route.bodyLimit,
      handler: async (request, reply) => {
        const assertion = assertionOf(request);
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
          caller: assertion.caller,
          traceId: assertion.traceId,
          signal: abortWith(reply, assertion.deadline),
        });
        return reply.code(status).headers(headers).send(body);
      },
    });
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const name = process.argv[2] ?? '';
  if (!/^[a-z][a-z0-9-]*$/.test(name))
    throw new Error('usage: npm run subgraph -- <name of a folder under subgraphs/>');
  const { default: module } = (await import(`../${name}/subgraph.ts`)) as { default: SubgraphModule };
  const running = await serveSubgraph(module, process.env);
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void running.close().then(() => process.exit(0)));
  log.info({ subgraph: name, url: running.url }, 'subgraph is ready');
}
