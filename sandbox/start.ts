import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { loadConfig } from '../gateway/config.ts';
import { buildExplorer } from '../gateway/explorer/build.ts';
import { startGateway, stopOnSignals } from '../gateway/main.ts';
import { readEnv } from '../subgraphs/_shared/environment.ts';
import { registerSandboxRoutes } from './control.ts';
import { keptSecret, startDatabase } from './database.ts';
import { startSandbox } from './sandbox.ts';
import { seed } from './seed.ts';

/** `npm start`: PostgreSQL, the national services' simulators, the gateway and the explorer, all in this process. */
const home = fileURLToPath(new URL('../.kilde/', import.meta.url));
const explorer = fileURLToPath(new URL('../.kilde/explorer/', import.meta.url));

const Own = z.object({
  /** Generated people beside those with a story. */
  SANDBOX_PEOPLE: z.coerce.number().int().min(0).max(1_000_000).default(0),
});

/** What `npm run audit:…` needs to find a running sandbox's database. Holds its key, so it is its owner's alone. */
const writeEnv = (file: string, { DATABASE_URL, KILDE_KEY, AUDIT_CHECKPOINTS }: Record<string, string>) =>
  writeFileSync(
    file,
    `DATABASE_URL=${DATABASE_URL}\nKILDE_KEY=${KILDE_KEY}\nAUDIT_CHECKPOINTS=${AUDIT_CHECKPOINTS}\n`,
    {
      mode: 0o600,
    },
  );

/** Starts one after the other; `started` stops them in the opposite order. */
const start = async (started: AsyncDisposableStack): Promise<string> => {
  const { SANDBOX_PEOPLE } = readEnv(Own, process.env);
  const database = await startDatabase(home);
  started.defer(() => database.stop());
  const sandbox = await startSandbox(database.url, {
    generated: SANDBOX_PEOPLE,
    key: keptSecret(home, 'kilde.key', 32),
  });
  started.defer(() => sandbox.close());
  await buildExplorer({ outdir: explorer });
  // This machine only, unless told otherwise: whoever reaches a sandbox can be anybody in it.
  const checkpoints = join(home, 'checkpoints');
  const env = {
    ...{ HOST: 'localhost', LOG_LEVEL: 'warn', EXPLORER_DIR: explorer, AUDIT_CHECKPOINTS: checkpoints },
    ...process.env,
    ...sandbox.env,
  };
  writeEnv(join(home, 'env'), { ...sandbox.env, AUDIT_CHECKPOINTS: env.AUDIT_CHECKPOINTS });
  const gateway = await startGateway(loadConfig(env), env, {
    extend: (app) =>
      registerSandboxRoutes(app, {
        issuer: sandbox.issuer,
        population: sandbox.population,
        simulators: sandbox.switches,
      }),
  });
  started.defer(() => gateway.stop());
  await seed({ sandbox, gatewayUrl: gateway.url });
  return new URL(gateway.url).port;
};

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EADDRINUSE' ? 'the port is taken. Choose another: PORT=4001 npm start' : message;
};

const started = new AsyncDisposableStack();
stopOnSignals(() => started.disposeAsync());
try {
  console.log(`Kilde is ready: http://localhost:${await start(started)}`);
} catch (error) {
  console.error(`Kilde did not start: ${reasonOf(error)}`);
  await started.disposeAsync();
  process.exit(1);
}
