import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import type { PoolClient } from 'pg';
import type { DatabaseSource } from '../_shared/databaseSource.ts';
import type { Result } from '../_shared/source.ts';
import type { Facts, Person } from './adapter/persontjenesten/mapping.ts';

/**
 * Numbers are found by HMAC and people read by key: whoever gets the tables alone learns neither number nor name.
 * `register_key` is the HMAC of the register's own id, and `null` until the register has named the person.
 * `continued_as` points on from an id that turned out to be somebody known already.
 */
export const migrations = [
  `create table grunndata.person (
     id uuid primary key,
     register_key bytea unique,
     sealed bytea not null,
     as_of timestamptz,
     created timestamptz not null default now(),
     continued_as uuid references grunndata.person (id)
   );
   create index on grunndata.person (continued_as) where continued_as is not null;
   create table grunndata.national_id (
     hash bytea primary key,
     person uuid not null references grunndata.person (id)
   );
   create index on grunndata.national_id (person)`,
];

/** What the index remembers. `facts` and `asOf` are `null` for somebody whom the register has never been heard about. */
export type IndexedPerson = {
  id: string;
  nationalIds: string[];
  facts: Facts | null;
  asOf: string | null;
};

export type PersonIndex = {
  /** The key under which a number is known here and in the cache; says nothing without the installation's key. */
  hashOf(nationalId: string): string;
  byNationalId(nationalId: string, signal: AbortSignal): Promise<Result<IndexedPerson | null>>;
  byId(id: string, signal: AbortSignal): Promise<Result<IndexedPerson | null>>;
  /** Remembers what the register said, and gives the id that all these numbers have from now on. */
  save(person: Person, asOf: string, signal: AbortSignal): Promise<Result<string>>;
  /** An id for a number that the register could not be asked about. */
  reserve(nationalId: string, signal: AbortSignal): Promise<Result<IndexedPerson>>;
};

type Row = { id: string; sealed: Buffer; as_of: Date | null };
type Content = Pick<IndexedPerson, 'nationalIds' | 'facts'>;

const columns = 'p.id, p.sealed, p.as_of';

export const createPersonIndex = (
  database: DatabaseSource,
  { hmacKey, sealKey }: { hmacKey: Buffer; sealKey: Buffer },
): PersonIndex => {
  const hmacSecret = createSecretKey(hmacKey);
  const hmac = (text: string): Buffer => createHmac('sha256', hmacSecret).update(text).digest();

  // A key per person: with one key for all, random nonces would begin to meet after some billion writes.
  const keyOf = (id: string) => Buffer.from(hkdfSync('sha256', sealKey, Buffer.alloc(0), id, 32));
  const seal = (id: string, content: Content): Buffer => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', keyOf(id), nonce);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  };
  const open = ({ id, sealed, as_of }: Row): IndexedPerson => {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(id), sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    const text = Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
    return { id, ...(JSON.parse(text) as Content), asOf: as_of?.toISOString() ?? null };
  };

  const first = async (sql: string, value: unknown, signal: AbortSignal): Promise<Result<IndexedPerson | null>> => {
    const found = await database.query<Row>(sql, [value], signal);
    if (!found.ok) return found;
    return { ok: true, value: found.value[0] ? open(found.value[0]) : null };
  };

  /** Those who ask about the same number wait for each other, so that it never gets two ids. Sorted: no deadlock. */
  const lock = async (client: PoolClient, hashes: readonly Buffer[]) => {
    const keys = hashes.map((hash) => hash.readBigInt64BE()).sort((one, other) => (one < other ? -1 : 1));
    for (const key of keys) await client.query('select pg_advisory_xact_lock($1)', [key]);
  };

  /** The usual case, in one statement: the same register id and the same numbers as last time. */
  const refresh = (
    registerKey: Buffer,
    hashes: readonly Buffer[],
    content: Content,
    asOf: string,
    signal: AbortSignal,
  ) =>
    database.transaction(async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `select p.id from grunndata.person p
         where p.register_key = $1
           and (select array_agg(n.hash order by n.hash) from grunndata.national_id n where n.person = p.id) = $2
         for update`,
        [registerKey, hashes],
      );
      const id = rows[0]?.id;
      if (id)
        await client.query('update grunndata.person set sealed = $2, as_of = $3 where id = $1', [
          id,
          seal(id, content),
          asOf,
        ]);
      return id ?? null;
    }, signal);

  /**
   * Everybody whom this register id or any of these numbers has led to so far. Somebody with all their numbers among these
   * is the same person (a D-number that got its fnr, two people merged); somebody with other numbers too has been split from
   * this one, keeps their id and loses the numbers.
   */
  const assign = (
    registerKey: Buffer,
    hashes: readonly Buffer[],
    content: Content,
    asOf: string,
    signal: AbortSignal,
  ) =>
    database.transaction(async (client) => {
      await lock(client, hashes);
      const { rows } = await client.query<{ id: string }>(
        `select p.id from grunndata.person p
         where p.continued_as is null
           and (p.register_key = $1
             or p.id in (select n.person from grunndata.national_id n where n.hash = any ($2))
               and not exists (select from grunndata.national_id n where n.person = p.id and n.hash <> all ($2)))
         order by p.register_key = $1 desc nulls last, p.created, p.id
         for update`,
        [registerKey, hashes],
      );
      const [known, ...same] = rows.map(({ id }) => id);
      const id = known ?? randomUUID();
      await client.query(
        `update grunndata.person set continued_as = $2, register_key = null, sealed = '', as_of = null
         where id = any ($1) or continued_as = any ($1)`,
        [same, id],
      );
      await client.query(
        `insert into grunndata.person (id, register_key, sealed, as_of) values ($1, $2, $3, $4)
         on conflict (id) do update set register_key = $2, sealed = $3, as_of = $4`,
        [id, registerKey, seal(id, content), asOf],
      );
      await client.query('delete from grunndata.national_id where person = $1 and hash <> all ($2)', [id, hashes]);
      await client.query(
        `insert into grunndata.national_id (hash, person) select unnest($2::bytea[]), $1
         on conflict (hash) do update set person = excluded.person`,
        [id, hashes],
      );
      return id;
    }, signal);

  return {
    hashOf: (nationalId) => hmac(nationalId).toString('base64url'),
    byNationalId: (nationalId, signal) =>
      first(
        `select ${columns} from grunndata.national_id n join grunndata.person p on p.id = n.person where n.hash = $1`,
        hmac(nationalId),
        signal,
      ),
    byId: (id, signal) =>
      first(
        `select ${columns} from grunndata.person given
         join grunndata.person p on p.id = coalesce(given.continued_as, given.id) where given.id = $1`,
        id,
        signal,
      ),
    async save({ registerId, nationalIds, facts }, asOf, signal) {
      const hashes = nationalIds.map(hmac).sort(Buffer.compare);
      const registerKey = hmac(`register/${registerId}`);
      const same = await refresh(registerKey, hashes, { nationalIds, facts }, asOf, signal);
      if (!same.ok) return same;
      if (same.value) return { ok: true, value: same.value };
      return assign(registerKey, hashes, { nationalIds, facts }, asOf, signal);
    },
    reserve: (nationalId, signal) =>
      database.transaction(async (client) => {
        const hash = hmac(nationalId);
        await lock(client, [hash]);
        const { rows } = await client.query<Row>(
          `select ${columns} from grunndata.national_id n join grunndata.person p on p.id = n.person where n.hash = $1`,
          [hash],
        );
        if (rows[0]) return open(rows[0]);
        const id = randomUUID();
        const content = { nationalIds: [nationalId], facts: null };
        await client.query('insert into grunndata.person (id, sealed) values ($1, $2)', [id, seal(id, content)]);
        await client.query('insert into grunndata.national_id (hash, person) values ($1, $2)', [hash, id]);
        return { id, ...content, asOf: null };
      }, signal),
  };
};
