import * as z from 'zod';
import { loadConfig } from '../../gateway/config.ts';
import { startGateway } from '../../gateway/main.ts';
import { seed } from '../../sandbox/seed.ts';
import { startKilde } from './kilde.ts';

/**
 * The whole of Kilde in a process of its own, so that a test can read everything it writes. Started by `fork` with
 * `SOURCES_URL`: a second gateway has its sources there, all but the register of persons, and a third that one too.
 */
export type Started = {
  url: string;
  /** The second gateway, and the third. */
  otherUrls: readonly [string, string];
  databaseUrl: string;
  secrets: readonly string[];
};

/** What the parent may ask for, and what it gets. */
export type Ask = 'calls' | 'postgresLog' | 'stopPostgres' | 'stop';
export type Received = { source: string; method: string; url: string; headers: string; body: string };
export type Answered = { calls?: readonly Received[]; postgresLog?: string };

const { SOURCES_URL: elsewhere, REQUEST_TIMEOUT_MS } = z
  .object({ SOURCES_URL: z.url(), REQUEST_TIMEOUT_MS: z.string() })
  .parse(process.env);
const kilde = await startKilde({ REQUEST_TIMEOUT_MS });
const { sandbox, postgres } = kilde;
await seed({ sandbox, gatewayUrl: kilde.url });

const startElsewhere = (isMoved: (variable: string) => boolean) => {
  const sources = Object.keys(sandbox.env).filter((it) => it.endsWith('_URL') && !it.includes('DATABASE'));
  const moved = Object.fromEntries(sources.filter(isMoved).map((it) => [it, elsewhere]));
  const env = { PORT: '0', HOST: '127.0.0.1', REQUEST_TIMEOUT_MS, ...sandbox.env, ...moved };
  return startGateway(loadConfig(env), env);
};
const second = await startElsewhere((it) => it !== 'PERSONTJENESTEN_URL');
const third = await startElsewhere(() => true);

const answers: Record<Ask, () => Promise<Answered>> = {
  calls: async () => ({
    calls: [...sandbox.simulators].flatMap(([source, { calls }]) =>
      calls.splice(0).map((it) => ({ ...it, source, headers: JSON.stringify(it.headers) })),
    ),
  }),
  postgresLog: async () => ({ postgresLog: postgres.log() }),
  stopPostgres: async () => {
    await postgres.stop();
    return {};
  },
  stop: async () => {
    await Promise.all([second.stop(), third.stop()]);
    await kilde.stop();
    return {};
  },
};

process.on('message', async (ask: Ask) => {
  process.send?.(await answers[ask]());
  if (ask === 'stop') process.disconnect();
});
process.once('disconnect', () => process.exit());

const { KILDE_KEY: key = '', HELSEID_CLIENT_KEY: jwk = '{}', DATABASE_URL: databaseUrl = '' } = sandbox.env;
const { d: privateKey } = z.object({ d: z.string() }).parse(JSON.parse(jwk));
process.send?.({
  url: kilde.url,
  otherUrls: [second.url, third.url],
  databaseUrl,
  secrets: [key, Buffer.from(key, 'base64').toString('hex'), privateKey],
} satisfies Started);
