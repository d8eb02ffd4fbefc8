import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort, type Postgres, runPostgres } from '../../sandbox/postgres.ts';

export type TestPostgres = {
  /** Connection string of an empty database. */
  url: string;
  /** What the server has written to its log. */
  log(): string;
  /** Stops the server and removes its files. May be called twice: tests of «the database is down» stop it early. */
  stop(): Promise<void>;
};

const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories='];

/** A real PostgreSQL of the test's own, on a free port, in a temporary folder. Takes a second or two: one per test file. */
export const startTestPostgres = async (): Promise<TestPostgres> => {
  const home = await mkdtemp(join(tmpdir(), 'kilde-postgres-'));
  const remove = () => rm(home, { recursive: true, force: true });
  const port = await freePort();
  const address = `postgres://kilde:kilde@127.0.0.1:${port}`;
  const written: string[] = [];
  let server: Postgres;
  try {
    server = await runPostgres(
      {
        databaseDir: join(home, 'data'),
        port,
        user: 'kilde',
        password: 'kilde',
        initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
        postgresFlags: settings.flatMap((setting) => ['-c', setting]),
      },
      { hasCluster: false, log: (text) => void written.push(text) },
    );
  } catch (error) {
    await remove();
    throw new Error('PostgreSQL did not start', { cause: error });
  }
  const client = new pg.Client({ connectionString: `${address}/postgres` });
  await client.connect();
  await client.query('create database kilde');
  await client.end();
  return {
    url: `${address}/kilde`,
    log: () => written.join(''),
    async stop() {
      await server.stop();
      await remove();
    },
  };
};
