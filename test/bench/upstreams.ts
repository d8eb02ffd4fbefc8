import { kildeAudience } from '../../sandbox/issuer/resources.ts';
import { claimsFor } from '../../sandbox/personas.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { seed } from '../../sandbox/seed.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { startPostgresTap } from './postgresTap.ts';
import { answerParent } from './processes.ts';
import { type Calls, ownDatabase } from './proof.ts';
import { type ReplaySettings, startReplay } from './replay.ts';

/**
 * Everything that the subjects ask, in a process of its own: PostgreSQL, the issuer, and the simulators behind replays.
 * Delays are those of sources: the issuer and Kilde's own database (person index, access log) answer at once.
 */
const sourcesByVariable = {
  PERSONTJENESTEN_URL: 'Persontjenesten',
  FLR_URL: 'Fastlegeregisteret',
  HPR_URL: 'Helsepersonellregisteret',
  AR_URL: 'Adresseregisteret',
  KRITISK_INFORMASJON_URL: 'Kjernejournal',
  PJD_URL: 'Journaldokumenter',
  PPS_URL: 'Pasientens prøvesvar',
  SFM_URL: 'e-resept',
};

const postgres = await startTestPostgres();
const sandbox = await startSandbox(postgres.url);
const settings: ReplaySettings = { isLive: true, delayMs: 0 };
const replays = await Promise.all(
  Object.entries(sourcesByVariable).map(async ([variable, source]) => ({
    variable,
    source,
    replay: await startReplay(sandbox.env[variable]!, settings),
  })),
);
const ownTap = await startPostgresTap(sandbox.env['DATABASE_URL']!);
const eventTap = await startPostgresTap(sandbox.env['HENDELSESLAGER_DATABASE_URL']!);
const store = sandbox.switches.find(({ name }) => name === 'hendelseslager')!;

answerParent(
  {
    environment: () => ({
      ...sandbox.env,
      DATABASE_URL: ownTap.url,
      HENDELSESLAGER_DATABASE_URL: eventTap.url,
      ...Object.fromEntries(replays.map(({ variable, replay }) => [variable, replay.url])),
    }),
    token: ({ persona, patient, jkt }: { persona: 'legevakt-doctor'; patient: string; jkt: string }) =>
      sandbox.issuer.sign(
        { ...claimsFor(persona, { patient }, sandbox.population), cnf: { jkt } },
        {
          audience: kildeAudience,
          expiresIn: 3_600,
        },
      ),
    seed: (gatewayUrl: string) => seed({ sandbox, gatewayUrl }),
    replay: () => {
      settings.isLive = false;
    },
    delay: (delayMs: number) => {
      settings.delayMs = delayMs;
      store.fault.current = delayMs > 0 ? { latencyMs: delayMs } : {};
    },
    /** What was asked of whom since the last time this was taken. */
    takeCalls: (): Calls => ({
      ...Object.fromEntries(replays.map(({ source, replay }) => [source, replay.takeCalls()])),
      'Event store (SQL)': eventTap.takeQueries(),
      [ownDatabase]: ownTap.takeQueries(),
    }),
  },
  async () => {
    await Promise.all(replays.map(({ replay }) => replay.close()));
    await Promise.all([ownTap.close(), eventTap.close()]);
    await sandbox.close();
    await postgres.stop();
  },
);
