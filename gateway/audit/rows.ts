import type pg from 'pg';
import { accessColumns } from '../../schema/accessEntry.ts';

/** An entry as the database holds it, with its place in the chain. */
export type SealedRow = Readonly<Record<string, unknown>> & { sequence: string; leaf: Buffer; seal: Buffer };

/** Where to read: a pool or a client. */
export type Database = Pick<pg.Pool, 'query'>;

const pageSize = 5_000;
const content = Object.values(accessColumns).map(({ column }) => column);

const rowsAfter = async function* <Row extends { sequence: string }>(
  database: Database,
  after: bigint,
  columns: readonly string[],
): AsyncGenerator<Row[]> {
  let last = after.toString();
  for (;;) {
    const { rows } = await database.query<Row>({
      name: `access-rows-${columns.length}`,
      text: `select sequence, ${columns.join(', ')} from personvern.access
              where sequence > $1 and seal is not null order by sequence limit ${pageSize}`,
      values: [last],
    });
    const end = rows.at(-1);
    if (!end) return;
    yield rows;
    last = end.sequence;
  }
};

/** Sealed entries after a sequence number, in order and page by page, so that a log of any size is read in little memory. */
export const sealedRows = (database: Database, after = 0n): AsyncGenerator<SealedRow[]> =>
  rowsAfter(database, after, [...content, 'leaf', 'seal']);

/** The same without what they say. */
export const seals = (
  database: Database,
  after = 0n,
): AsyncGenerator<Pick<SealedRow, 'sequence' | 'leaf' | 'seal'>[]> => rowsAfter(database, after, ['leaf', 'seal']);
