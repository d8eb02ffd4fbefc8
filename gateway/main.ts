import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { print } from 'graphql';
import { readSupergraph } from '../schema/compose.ts';
import { deriveKey } from '../schema/keys.ts';
import { openRedis, readRedisSettings } from '../schema/redis.ts';
import { subgraphSdl } from '../schema/sdl.ts';
import { createAccessLog } from './audit/accessLog.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { type Config, loadConfig } from './config.ts';
import { createKildeGateway } from './execute/gateway.ts';
import { mountSubgraphs } from './execute/topology.ts';
import { registerExplorer } from './explorer/routes.ts';
import { log } from './log.ts';
import { readFacts } from './plan/supergraph.ts';
import { createServer } from './server.ts';

export type StartOptions = {
  /** Folders of subgraphs; the product's own unless told otherwise. */
  homes?: readonly URL[];
  /** Annotated supergraph; the committed one unless told otherwise. */
  annotatedSdl?: string;
  extend?(app: FastifyInstance): Promise<void> | void;
};

export type Running = { url: string; stop(): Promise<void> };

const examples = fileURLToPath(new URL('../examples/operations/', import.meta.url));
const rootSdl = print(subgraphSdl(readFileSync(new URL('../schema/kilde.graphql', import.meta.url), 'utf8')));

/** Starts everything that one gateway process is, and stops it in the opposite order. */
export const startGateway = async (
  config: Config,
  env: Record<string, string | undefined>,
  { homes, annotatedSdl = readSupergraph(), extend }: StartOptions = {},
): Promise<Running> => {
  const mounted = await mountSubgraphs(config, env, homes);
  const subgraphs = new Map([...mounted].map(([name, { subgraph }]) => [name, subgraph]));
  // The subgraph that knows who people are is the one whose schema offers `Query.identify`.
  const registers = subgraphs.get(readFacts(annotatedSdl).subgraphOfQuery('identify') ?? '');
  if (!registers) throw new Error('no subgraph offers Query.identify: nobody can say who a patient is');
  const accessLog = createAccessLog(config.databaseUrl, deriveKey(config.rootKey, 'access-caller'));
  const redisSettings = readRedisSettings(env);
  // No pause after a late answer: whether a proof was used before is asked of Redis for every proof.
  const redis = redisSettings && (await openRedis(redisSettings, { name: 'proofs', budgetMs: 50, pauseMs: 0 }));
  const gateway = createKildeGateway({
    annotatedSdl,
    rootSdl,
    environment: config.environment,
    subgraphs,
    registers,
    accessLog,
  });
  const server = await createServer({
    config,
    gateway,
    authenticate: createAuthenticate({ config, redis, accessLog }),
    mounted,
    ownHealth: async () => [{ source: 'ACCESS_LOG', up: await accessLog.isUp() }],
    extend: async (app) => {
      const { explorerDir: root, environment } = config;
      if (root) registerExplorer(app, { root, examples, sandbox: environment === 'sandbox' });
      await extend?.(app);
    },
  });
  const url = await server.listen();
  return {
    url,
    async stop() {
      await server.stop();
      await Promise.all([...subgraphs.values()].map((subgraph) => subgraph.close()));
      await accessLog.close();
      redis?.close();
    },
  };
};

/** SIGTERM and SIGINT stop cleanly: open requests finish, then everything is closed. */
export const stopOnSignals = (stop: () => Promise<void>): void => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop().then(
        () => process.exit(0),
        (error: Error) => {
          log.error({ error: error.name }, 'could not stop cleanly');
          process.exit(1);
        },
      );
    });
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const running = await startGateway(loadConfig(process.env), process.env);
  stopOnSignals(running.stop);
  log.info({ url: running.url }, 'Kilde is ready');
}
