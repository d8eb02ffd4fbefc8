import pg from 'pg';
import type { SourceName } from '../../schema/sources.ts';
import type { SourceHealth } from '../../schema/subgraph.ts';
import { onAbort } from './abort.ts';
import { createDatabase, migrate } from './database.ts';
import { log } from './log.ts';
import { sourceCalls } from './metrics.ts';
import type { Result, SourceError } from './source.ts';

/** A schema in PostgreSQL as a source: failures are values, and nobody waits longer than the request does. */
export type DatabaseSource = {
  /**
   * `text` is prepared once on each connection and known by itself from then on: a constant, never put together from what a
   * client sent. When the signal aborts, the connection goes with the query, so that an abandoned one holds no place.
   */
  query<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<Result<Row[]>>;
  /** Commits what `work` did, or nothing of it. An answer that does not come in time may have been committed all the same. */
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>, signal: AbortSignal): Promise<Result<T>>;
  health(): Promise<SourceHealth[]>;
  close(): Promise<void>;
};

/** PostgreSQL's error classes that say nothing about our SQL: connection, serialization, resources, operator, system. */
const passing = ['08', '40', '53', '57', '58'];

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');

/** What a failed query means to the caller; `null` for a bug in the query, which throws. */
const readError = (source: SourceName, error: unknown, afterMs: number): SourceError | null => {
  const unavailable: SourceError = { kind: 'unavailable', source, status: null };
  const timeout: SourceError = { kind: 'timeout', source, afterMs };
  if (error instanceof DOMException) return timeout; // the request's own deadline
  if (error instanceof pg.DatabaseError) {
    if (error.code === '57014') return timeout; // statement_timeout
    return passing.includes(error.code?.slice(0, 2) ?? '') ? unavailable : null;
  }
  // The driver and its pool have no codes of their own for these (pg 8.23).
  if (/\btimeout\b/i.test(messageOf(error))) return timeout;
  if (/^(Connection terminated|Client has encountered a connection error)/.test(messageOf(error))) return unavailable;
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^E[A-Z_]+$/.test(code) ? unavailable : null;
};

/** `work`, or the signal's reason when that comes first. Work left behind ends by the pool's own limits. */
const until = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    work.then(resolve, reject).finally(forget);
  });

/** Names for prepared statements, by their texts. */
const createStatementNames = () => {
  const names = new Map<string, string>();
  return (text: string): string => {
    const known = names.get(text);
    if (known) return known;
    const name = `kilde_${names.size}`;
    names.set(text, name);
    return name;
  };
};

/**
 * Opens the schema and brings it up to date. When the database is not there yet, this returns all the same, and each
 * request tries again: the process starts degraded and becomes ready by itself.
 */
export const openDatabaseSource = async ({
  name,
  url,
  schema,
  steps,
}: {
  name: SourceName;
  url: string;
  schema: string;
  steps: readonly string[];
}): Promise<DatabaseSource> => {
  const pool = createDatabase(url);
  let migrated: Promise<void> | null = null;
  let isPrepared = false;
  const prepare = () => {
    migrated ??= migrate(pool, schema, steps).then(
      () => {
        isPrepared = true;
      },
      (error: unknown) => {
        migrated = null;
        throw error;
      },
    );
    return migrated;
  };

  const run = async <T>(work: () => Promise<T>, signal: AbortSignal): Promise<Result<T>> => {
    const started = performance.now();
    const note = (outcome: string) =>
      sourceCalls.observe({ source: name, outcome }, (performance.now() - started) / 1_000);
    try {
      if (!isPrepared) await until(prepare(), signal);
      const value = await work();
      note('ok');
      return { ok: true, value };
    } catch (thrown) {
      const error = readError(name, thrown, Math.round(performance.now() - started));
      note(error?.kind ?? 'bug');
      if (!error) throw thrown;
      return { ok: false, error };
    }
  };

  const nameOf = createStatementNames();
  const query = async <Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<Row[]> => {
    const connecting = pool.connect();
    const client = await until(connecting, signal).catch((error: unknown) => {
      connecting.then(
        (late) => late.release(),
        () => {},
      );
      throw error;
    });
    try {
      const { rows } = await until(client.query<Row>({ name: nameOf(text), text, values: [...values] }), signal);
      client.release();
      return rows;
    } catch (error) {
      // What the database itself answers leaves the connection usable. Anything else may leave a query in it.
      client.release(!(error instanceof pg.DatabaseError));
      throw error;
    }
  };

  const transaction = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    try {
      // Whatever the server's default is: what is acknowledged survives a power cut.
      await client.query('begin; set local synchronous_commit = on');
      const value = await work(client);
      await client.query('commit');
      client.release();
      return value;
    } catch (error) {
      const rolledBack = await client.query('rollback').then(
        () => true,
        () => false,
      );
      client.release(!rolledBack); // a connection in an unknown state is thrown away
      throw error;
    }
  };

  const source: DatabaseSource = {
    query: (text, values, signal) => run(() => query(text, values, signal), signal),
    transaction: (work, signal) => run(() => until(transaction(work), signal), signal),
    async health() {
      const { ok } = await source.query('select 1', [], AbortSignal.timeout(1_000));
      return [{ source: name, up: ok }];
    },
    close: () => pool.end(),
  };
  const { ok } = await run(async () => {}, AbortSignal.timeout(5_000));
  if (!ok) log.warn({ source: name }, 'the database does not answer yet; trying again for each request');
  return source;
};
