import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { DatabaseSource } from '../../_shared/databaseSource.ts';
import type { Result } from '../../_shared/source.ts';
import type { IncomingEvent } from '../ingest/event.ts';
import type { AppRec } from '../ingest/kith/appRec.ts';
import type { Rows } from '../readModels/rows.ts';
import type { PersonKeys } from './personKey.ts';

/** What the server stamps on an event, from the caller's token. The sender has no say in it. */
export type Origin = { legalEntity: string; pointOfCare: string | null; clientId: string; sourceSystem: string };

/** An event with what it says to the read models, worked out before the transaction, and with its receipt if it is a message. */
export type Append = { event: IncomingEvent; rows: Rows; appRec: AppRec | null };

/** Ids in the order of the events, or the first event whose key is taken by another body. */
export type Appended = { ok: true; ids: string[] } | { ok: false; conflict: number };

/** What is stored under a key, as an event or in quarantine. */
type Stored = { id: string; sha256: Buffer };
type Placed = Append & { id: string; position: string; sha256: Buffer; statedAt: Date };

type Slot = { format: string; key: string };
export const slot = ({ format, key }: Slot) => `${format} ${key}`;

/**
 * From here to the commit this is the only writer: positions become visible in the order they are given out, and what is stored
 * already is seen, whoever stored it.
 *
 * @returns the last position
 */
export const becomeOnlyWriter = async (client: pg.PoolClient): Promise<bigint> => {
  const { rows } = await client.query<{ last: string }>('select last from hendelseslager.counter for update');
  return BigInt(rows[0]!.last);
};

const storedIn = (table: 'event' | 'quarantine') => `
  select t.id, t.sha256, t.format, t.key
    from unnest($2::text[], $3::text[]) as wanted(format, key)
    join hendelseslager.${table} t on t.legal_entity = $1 and t.format = wanted.format and t.key = wanted.key`;
const storedAnywhere = `${storedIn('event')} union all ${storedIn('quarantine')}`;

/** What is stored under keys already, by {@link slot}. */
export const findStored = async (
  client: pg.PoolClient,
  legalEntity: string,
  slots: readonly Slot[],
): Promise<Map<string, Stored>> => {
  const { rows } = await client.query<Stored & Slot>(storedAnywhere, [
    legalEntity,
    slots.map(({ format }) => format),
    slots.map(({ key }) => key),
  ]);
  return new Map(rows.map((row) => [slot(row), row]));
};

const insertEvents = async (
  client: pg.PoolClient,
  keys: PersonKeys,
  { legalEntity, pointOfCare, clientId, sourceSystem }: Origin,
  placed: readonly Placed[],
  recorded: Date,
): Promise<void> => {
  const of = <T>(read: (it: Placed) => T) => placed.map(read);
  await client.query(
    `insert into hendelseslager.event (position, id, format, key, sha256, type, person, person_id, occurred, occurred_at,
        security_label, projected, payload, original, app_rec, thing, corrects, legal_entity, point_of_care, client_id,
        source_system, recorded)
     select position, id, format, key, sha256, type, person, person_id, occurred, occurred_at,
        security_label, projected, payload::jsonb, original, app_rec::jsonb, thing,
        case when is_correction then (
          select before.id from hendelseslager.event before
           where before.legal_entity = $18 and before.person = new.person and before.thing = new.thing
           order by before.position desc limit 1) end,
        $18, $19, $20, $21, $22
       from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::bytea[], $8::uuid[],
              $9::text[], $10::timestamptz[], $11::text[], $12::boolean[], $13::text[], $14::bytea[], $15::text[],
              $16::text[], $17::boolean[])
         as new(position, id, format, key, sha256, type, person, person_id, occurred, occurred_at, security_label,
              projected, payload, original, app_rec, thing, is_correction)`,
    [
      of(({ position }) => position),
      of(({ id }) => id),
      of(({ event }) => event.format),
      of(({ event }) => event.key),
      of(({ sha256 }) => sha256),
      of(({ event }) => event.type),
      of(({ event }) => keys.of(event.person)),
      of(({ event }) => event.person.id),
      of(({ event }) => event.occurred.text),
      of(({ event }) => event.occurred.at.toISOString()),
      of(({ event }) => event.securityLabel),
      of(({ rows }) => rows.services.length + rows.panels.length > 0),
      of(({ event }) => JSON.stringify(event.payload)),
      of(({ event }) => event.original),
      of(({ appRec }) => appRec && JSON.stringify(appRec)),
      of(({ event }) => event.versionOf?.thing ?? null),
      of(({ event }) => event.versionOf?.isCorrection ?? false),
      legalEntity,
      pointOfCare,
      clientId,
      sourceSystem,
      recorded.toISOString(),
    ],
  );
};

type ReadModelRow = {
  person: string;
  thing: string;
  position: string;
  stated_at: string;
  status: string;
  security_label: string;
  measured_at: string | null;
  state: unknown;
};

/** Of several statements about one thing the one made last holds, and of those made at once the one received last. */
const newestOfEach = (rows: readonly ReadModelRow[]): ReadModelRow[] => {
  const order = (row: ReadModelRow) => [row.stated_at, row.position.padStart(19, '0')].join();
  const newest = new Map<string, ReadModelRow>();
  for (const row of rows) {
    const before = newest.get(`${row.person} ${row.thing}`);
    if (!before || order(before) < order(row)) newest.set(`${row.person} ${row.thing}`, row);
  }
  return [...newest.values()];
};

const readModels = {
  service: { table: 'hendelseslager.service', thing: 'episode', more: '' },
  news2: { table: 'hendelseslager.news2', thing: 'observation', more: ', measured_at' },
} as const;

/** The same order as {@link newestOfEach}, so that a late or repeated statement never replaces a later one. */
const upsert = async (
  client: pg.PoolClient,
  { table, thing, more }: (typeof readModels)[keyof typeof readModels],
  legalEntity: string,
  rows: readonly ReadModelRow[],
): Promise<void> => {
  if (rows.length === 0) return;
  const columns = ['position', 'stated_at', 'status', 'security_label', 'state', ...(more ? ['measured_at'] : [])];
  await client.query(
    `insert into ${table} as held (legal_entity, person, ${thing}, position, stated_at, status, security_label, state${more})
     select $1, decode(person, 'hex'), thing, position, stated_at, status, security_label, state${more}
       from jsonb_to_recordset($2::jsonb) as new(person text, thing text, position bigint, stated_at timestamptz,
              status text, security_label text, measured_at timestamptz, state jsonb)
     on conflict (person, legal_entity, ${thing}) do update
        set ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}
      where (held.stated_at, held.position) < (excluded.stated_at, excluded.position)`,
    [legalEntity, JSON.stringify(newestOfEach(rows))],
  );
};

/**
 * Appends events and brings the read models up to date in one transaction: when this returns ids, all of it is durable.
 * The same event again gives the id that it got the first time and stores nothing.
 */
export const appendEvents = (
  database: DatabaseSource,
  keys: PersonKeys,
  origin: Origin,
  appends: readonly Append[],
  recorded: Date,
  signal: AbortSignal,
): Promise<Result<Appended>> =>
  database.transaction(async (client): Promise<Appended> => {
    let last = await becomeOnlyWriter(client);
    const stored = await findStored(
      client,
      origin.legalEntity,
      appends.map(({ event }) => event),
    );
    const placed: Placed[] = [];
    const ids: string[] = [];
    for (const [index, append] of appends.entries()) {
      const sha256 = createHash('sha256').update(append.event.original).digest();
      const before = stored.get(slot(append.event));
      if (before && !before.sha256.equals(sha256)) return { ok: false, conflict: index };
      const id = before?.id ?? randomUUID();
      ids.push(id);
      if (before) continue;
      last += 1n;
      stored.set(slot(append.event), { id, sha256 }); // the same event twice in one batch
      placed.push({ ...append, id, sha256, position: String(last), statedAt: append.event.stated ?? recorded });
    }
    if (placed.length === 0) return { ok: true, ids };

    await insertEvents(client, keys, origin, placed, recorded);
    const rowsFrom = (read: (rows: Rows) => { thing: string; status: string; state: unknown; measuredAt?: Date }[]) =>
      placed.flatMap(({ event, position, statedAt, rows }) =>
        read(rows).map(({ thing, status, state, measuredAt }) => ({
          person: keys.of(event.person).toString('hex'),
          thing,
          position,
          stated_at: statedAt.toISOString(),
          status,
          security_label: event.securityLabel,
          measured_at: measuredAt?.toISOString() ?? null,
          state,
        })),
      );
    await upsert(
      client,
      readModels.service,
      origin.legalEntity,
      rowsFrom(({ services }) => services),
    );
    await upsert(
      client,
      readModels.news2,
      origin.legalEntity,
      rowsFrom(({ panels }) => panels),
    );
    await client.query('update hendelseslager.counter set last = $1', [String(last)]);
    return { ok: true, ids };
  }, signal);
