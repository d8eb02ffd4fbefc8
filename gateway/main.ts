import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { supergraphFile } from '../schema/compose.ts';
import { deriveKey } from '../schema/keys.ts';
import { readPolicies, readPolicySchema } from '../schema/policy/read.ts';
import { openRedis, readRedisSettings } from '../schema/redis.ts';
import { subgraphSdl } from '../schema/sdl.ts';
import { createAccessLog } from './audit/accessLog.ts';
import { checkpointSigner } from './audit/checkpoint.ts';
import { startCheckpointer } from './audit/checkpointer.ts';
import { openAccessDatabase } from './audit/database.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { type Config, loadConfig } from './config.ts';
import { createKildeGateway } from './execute/gateway.ts';
import { mountSubgraphs } from './execute/topology.ts';
import { registerExplorer } from './explorer/routes.ts';
import { followSupergraph } from './follow.ts';
import { log } from './log.ts';
import { readTrusted } from './operation/trusted.ts';
import { loadPolicies } from './policy/cedar.ts';
import { createPolicy } from './policy/decide.ts';
import { createServer } from './server.ts';

export type StartOptions = {
  /** Folders of subgraphs; the product's own unless told otherwise. */
  homes?: readonly URL[];
  extend?(app: FastifyInstance): Promise<void> | void;
};

export type Running = {
  url: string;
  /** Has the supergraph's file read again; resolves when what it holds is in force or refused. */
  reload(): Promise<void>;
  stop(): Promise<void>;
};

const examples = fileURLToPath(new URL('../examples/operations/', import.meta.url));
const root = subgraphSdl(readFileSync(new URL('../schema/kilde.graphql', import.meta.url), 'utf8'));

/** Starts everything that one gateway process is, and stops it in the opposite order. */
export const startGateway = async (
  config: Config,
  env: Record<string, string | undefined>,
  { homes, extend }: StartOptions = {},
): Promise<Running> => {
  const file = config.supergraphFile ?? fileURLToPath(supergraphFile);
  const trusted = readTrusted(config.trustedDocuments, config.environment === 'production');
  const mounted = await mountSubgraphs(config, env, homes);
  const subgraphs = new Map([...mounted].map(([name, { subgraph }]) => [name, subgraph]));
  const accessLog = createAccessLog(config.databaseUrl, deriveKey(config.rootKey, 'access-caller'));
  const checkpoints = config.checkpoints ? signCheckpoints(config, config.checkpoints) : null;
  const redisSettings = readRedisSettings(env);
  // No pause after a late answer: whether a proof was used before is asked of Redis for every proof.
  const redis = redisSettings && (await openRedis(redisSettings, { name: 'proofs', budgetMs: 50, pauseMs: 0 }));
  const gateway = createKildeGateway({
    annotatedSdl: readFileSync(file, 'utf8'),
    root,
    trusted,
    planningMs: config.planningMs,
    environment: config.environment,
    subgraphs,
    policy: createPolicy(loadPolicies(readPolicies(homes), readPolicySchema())),
    accessLog,
  });
  const server = await createServer({
    config,
    gateway,
    trusted,
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
  const following = followSupergraph(file, gateway);
  return {
    url,
    reload: following.reload,
    async stop() {
      following.stop();
      await server.stop();
      await Promise.all([...subgraphs.values()].map((subgraph) => subgraph.close()));
      await accessLog.close();
      await checkpoints?.stop();
      redis?.close();
    },
  };
};

const signCheckpoints = ({ databaseUrl, rootKey }: Config, folder: string) => {
  const database = openAccessDatabase(databaseUrl, { connections: 1, queryTimeoutMs: 30_000 });
  const checkpointer = startCheckpointer({ database, folder, signer: checkpointSigner(rootKey) });
  return {
    async stop() {
      await checkpointer.stop();
      await database.end();
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
  process.on('SIGHUP', () => void running.reload());
  log.info({ url: running.url }, 'Kilde is ready');
}
