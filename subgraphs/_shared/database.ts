import pg from 'pg';

/** Timeouts in milliseconds; the driver has none of its own and would wait for ever (security reference, finding 9). */
export type DatabaseOptions = { connections?: number; connectTimeoutMs?: number; statementTimeoutMs?: number };

export const createDatabase = (
  connectionString: string,
  { connections = 10, connectTimeoutMs = 1_000, statementTimeoutMs = 2_000 }: DatabaseOptions = {},
): pg.Pool => {
  const pool = new pg.Pool({
    connectionString,
    max: connections,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idleTimeoutMillis: 30_000,
    application_name: 'kilde',
  });
  // A connection that breaks while it is checked out says so on itself too, and unheard that would end the process.
  pool.on('connect', (client) => void client.on('error', () => {}));
  pool.on('error', () => {}); // an idle connection that breaks is replaced by the pool; the next query says what is wrong
  return pool;
};

/** Runs each numbered step once, in order, in a schema of its own. Replicas that start together wait for each other. */
export const migrate = async (pool: pg.Pool, schema: string, steps: readonly string[]): Promise<void> => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock(hashtext($1))', [`kilde/${schema}`]);
    await client.query(`create schema if not exists ${schema}`);
    await client.query(
      `create table if not exists ${schema}.migration (step int primary key, applied timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ next: number }>(
      `select coalesce(max(step) + 1, 0)::int as next from ${schema}.migration`,
    );
    for (const [step, statement] of steps.entries()) {
      if (step < rows[0]!.next) continue;
      await client.query(statement);
      await client.query(`insert into ${schema}.migration (step) values ($1)`, [step]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
};
