import { pathToFileURL } from 'node:url';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type DocumentNode, parse } from 'graphql';
import { importJWK, type JWK, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { register } from 'prom-client';
import * as z from 'zod';
import type { Assertion } from '../../schema/assertion.ts';
import type { Subgraph, SubgraphModule } from '../../schema/subgraph.ts';
import { type Env, readEnv } from './environment.ts';
import { log } from './log.ts';

const ServeEnv = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(4001),
  HOST: z.string().default('0.0.0.0'),
  /** EC P-256 public key of the gateway as JWK: only what it has signed is answered. */
  GATEWAY_PUBLIC_KEY: z.string(),
});
const Body = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).default({}) });

type Verify = (request: FastifyRequest) => Promise<Assertion | null>;

const createVerify = async (name: string, publicKey: JWK): Promise<Verify> => {
  const key = await importJWK(publicKey, 'ES256');
  return async (request) => {
    const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
    if (scheme !== 'Bearer' || !token) return null;
    try {
      const { payload } = await jwtVerify<{ assertion: Assertion }>(token, key, {
        issuer: 'kilde-gateway',
        audience: name,
        typ: 'kilde-assertion+jwt',
        algorithms: ['ES256'],
        maxTokenAge: '60s',
      });
      return payload.assertion;
    } catch {
      return null;
    }
  };
};

const unauthenticated = (reply: FastifyReply) =>
  reply
    .code(401)
    .send({ errors: [{ message: 'The gateway’s assertion is required', extensions: { code: 'UNAUTHENTICATED' } }] });

/**
 * One subgraph as an HTTP server of its own. Answers nobody without the gateway's assertion: not data, not its SDL.
 */
export const serveSubgraph = async (
  module: SubgraphModule,
  env: Env,
): Promise<{ url: string; close(): Promise<void> }> => {
  const { PORT, HOST, GATEWAY_PUBLIC_KEY } = readEnv(ServeEnv, env);
  const subgraph: Subgraph = await module.create(env);
  const verify = await createVerify(module.name, JSON.parse(GATEWAY_PUBLIC_KEY) as JWK);
  const documents = new LRUCache<string, DocumentNode>({ max: 2_000 });
  const documentOf = (text: string) => {
    const known = documents.get(text) ?? parse(text, { noLocation: true, maxTokens: 10_000 });
    documents.set(text, known);
    return known;
  };

  const app = fastify({ bodyLimit: 1_000_000, forceCloseConnections: true });
  app.setErrorHandler((error, _request, reply) => {
    log.error({ subgraph: module.name, error: (error as Error).name }, 'request failed');
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    reply.code(status).send({ errors: [{ message: 'Internal error', extensions: { code: 'INTERNAL' } }] });
  });
  app.get('/health', async (_request, reply) => reply.send(await subgraph.health()));
  app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));
  app.post('/graphql', async (request, reply) => {
    const assertion = await verify(request);
    if (!assertion) return unauthenticated(reply);
    const body = Body.safeParse(request.body);
    if (!body.success)
      return reply.code(400).send({ errors: [{ message: 'Not a request', extensions: { code: 'BAD_REQUEST' } }] });
    const { query: text, variables } = body.data;
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
  await app.register((plain) => mountRoutes(plain, module, subgraph, verify));

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

/** The subgraph's own addresses, under `/routes` and behind the same assertion. */
const mountRoutes = async (app: FastifyInstance, module: SubgraphModule, subgraph: Subgraph, verify: Verify) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  for (const route of module.routes) {
    app.route({
      method: route.method,
      url: `/routes${route.path}`,
      bodyLimit: route.bodyLimit,
      handler: async (request, reply) => {
        const assertion = await verify(request);
        if (!assertion) return unauthenticated(reply);
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
