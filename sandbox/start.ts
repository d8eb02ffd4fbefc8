import { fileURLToPath } from 'node:url';
import { loadConfig } from '../gateway/config.ts';
import { buildExplorer } from '../gateway/explorer/build.ts';
import { startGateway, stopOnSignals } from '../gateway/main.ts';
import { registerSandboxRoutes } from './control.ts';
import { keptSecret, startDatabase } from './database.ts';
import { startSandbox } from './sandbox.ts';
import { seed } from './seed.ts';

/** `npm start`: PostgreSQL, the national services' simulators, the gateway and the explorer, all in this process. */
const home = fileURLToPath(new URL('../.kilde/', import.meta.url));
const explorer = fileURLToPath(new URL('../.kilde/explorer/', import.meta.url));

const database = await startDatabase(home);
const sandbox = await startSandbox(database.url, {
  generated: Number(process.env['SANDBOX_PEOPLE'] ?? 0),
  key: keptSecret(home, 'kilde.key', 32),
});
await buildExplorer({ outdir: explorer });
const env = { LOG_LEVEL: 'warn', EXPLORER_DIR: explorer, ...process.env, ...sandbox.env };
const gateway = await startGateway(loadConfig(env), env, {
  extend: (app) =>
    registerSandboxRoutes(app, {
      issuer: sandbox.issuer,
      population: sandbox.population,
      simulators: sandbox.switches,
    }),
});
await seed({ sandbox, gatewayUrl: gateway.url });
stopOnSignals(async () => {
  await gateway.stop();
  await sandbox.close();
  await database.stop();
});
console.log(`Kilde is ready: http://localhost:${new URL(gateway.url).port}`);
