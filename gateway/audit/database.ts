import pg from 'pg';
import { accessWriter } from '../../schema/accessEntry.ts';

/** Connections to the access log, as the role that may add entries and read them, and change none. */
export const openAccessDatabase = (
  connectionString: string,
  { connections = 2, queryTimeoutMs = 2_000 } = {},
): pg.Pool => {
  const pool = new pg.Pool({
    connectionString,
    max: connections,
    connectionTimeoutMillis: 1_000,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    application_name: 'kilde-access-log',
    options: `-c role=${accessWriter}`,
  });
  pool.on('error', () => {}); // the pool replaces a broken connection; the next query says what is wrong
  return pool;
};
