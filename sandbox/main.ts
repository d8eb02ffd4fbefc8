import { setTimeout as wait } from 'node:timers/promises';
import fastify from 'fastify';
import { log } from '../subgraphs/_shared/log.ts';
import { registerSandboxRoutes } from './control.ts';
import { readSandboxEnv } from './environment.ts';
import { startSandbox } from './sandbox.ts';
import { seed } from './seed.ts';

/** The sandbox alone: issuer, national services, and `/sandbox/*`, for a gateway and subgraphs that run elsewhere. */
const env = readSandboxEnv(process.env);
const sandbox = await startSandbox(env.DATABASE_URL, {
  generated: env.SANDBOX_PEOPLE,
  key: env.KILDE_KEY,
  clientKey: env.HELSEID_CLIENT_KEY,
  from: { host: env.HOST, port: env.SANDBOX_FIRST_PORT, publicHost: env.SANDBOX_HOST },
});
const app = fastify({ forceCloseConnections: true });
registerSandboxRoutes(app, {
  issuer: sandbox.issuer,
  population: sandbox.population,
  simulators: sandbox.switches,
});
app.get('/health/live', async () => ({ status: 'up' }));
const url = await app.listen({ host: env.HOST, port: env.PORT });

const stopping = new AbortController();
const stop = async () => {
  stopping.abort();
  await app.close();
  await sandbox.close();
  process.exit(0);
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
log.info({ url }, 'the sandbox is ready');

const retryMs = 2_000;
/** The gateway and the event store start after the sandbox. Events that they have taken before are known by their ids. */
const seedUntilDone = async (): Promise<void> => {
  while (!stopping.signal.aborted) {
    try {
      await seed({ sandbox, gatewayUrl: env.GATEWAY_URL });
      log.info('the event store has been told everything');
      return;
    } catch (error) {
      log.info({ reason: (error as Error).message }, 'not told yet; trying again');
      await wait(retryMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
};
await seedUntilDone();
