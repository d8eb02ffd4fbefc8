import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort, runPostgres } from './postgres.ts';

export type EmbeddedDatabase = { url: string; stop(): Promise<void> };

/** A secret kept in `home`, made the first time. */
export const keptSecret = (home: string, name: string, bytes: number): Buffer => {
  const file = join(home, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(bytes).toString('base64'), { mode: 0o600, flag: 'wx' });
  return Buffer.from(readFileSync(file, 'utf8'), 'base64');
};

const firstLine = (file: string): number | null =>
  existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) || null : null;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // there, and somebody else's
  }
};

/**
 * One Kilde per folder. A PostgreSQL that outlived its Kilde (`kill -9`) is shut down in good order, so that the next can
 * start on the same data.
 */
const claim = async (home: string, databaseDir: string): Promise<void> => {
  const mark = join(home, 'kilde.pid');
  const other = firstLine(mark);
  if (other !== null && other !== process.pid && isAlive(other)) {
    throw new Error(`Kilde already runs on ${home} (process ${other})`);
  }
  writeFileSync(mark, `${process.pid}\n`);
  const lock = join(databaseDir, 'postmaster.pid');
  const orphan = firstLine(lock);
  if (orphan === null || !isAlive(orphan)) return;
  process.kill(orphan, 'SIGINT'); // fast shutdown: PostgreSQL ends its sessions and writes its checkpoint
  for (let waitedMs = 0; existsSync(lock); waitedMs += 50) {
    if (waitedMs > 10_000) throw new Error(`PostgreSQL (process ${orphan}) does not stop`);
    await wait(50);
  }
};

/** PostgreSQL from the npm package, data kept under `home`, `fsync` on as it comes. */
export const startDatabase = async (home: string): Promise<EmbeddedDatabase> => {
  mkdirSync(home, { recursive: true });
  const databaseDir = join(home, 'postgres');
  await claim(home, databaseDir);
  const password = keptSecret(home, 'postgres.password', 24).toString('hex');
  const port = await freePort();
  try {
    const { stop } = await runPostgres(
      {
        databaseDir,
        port,
        user: 'kilde',
        password,
        initdbFlags: ['--encoding=UTF8', '--locale=C'],
        postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      },
      { hasCluster: existsSync(join(databaseDir, 'PG_VERSION')) },
    );
    return { url: `postgres://kilde:${password}@127.0.0.1:${port}/postgres`, stop };
  } catch (error) {
    throw new Error(`PostgreSQL did not start: ${(error as Error).message}`);
  }
};
