import { hash } from 'node:crypto';
import * as z from 'zod';
import { purposes, roles } from './caller.ts';
import { accessBases } from './sources.ts';

/** How a request about a patient ended. `partial`: some categories were refused or withheld. */
export const accessOutcomes = ['granted', 'partial', 'refused', 'failed'] as const;
export type AccessOutcome = (typeof accessOutcomes)[number];

const Names = z.array(z.string());
const Key = z.stringFormat('sha-256', /^[0-9a-f]{64}$/);

/** What about the patient makes a look-up one to look at afterwards (reference 14.5). */
export const accessFlags = ['deceased', 'protectedAddress'] as const;

/**
 * One look-up about one patient (reference 14.5), as the gateway writes it before the answer is released and the subgraph
 * `personvern` shows it to the citizen. Ids are Kilde's own; national ids occur as HMAC only, clinical values never.
 */
export const AccessEntry = z.strictObject({
  id: z.uuid(),
  /** When the request began; ISO 8601 with offset. */
  at: z.iso.datetime({ offset: true }),
  /** Kilde's id of the patient; `null` when the request was refused before the patient was known. */
  patient: z.uuid().nullable(),
  /** HMAC-SHA256 of the patient's national id, as `callerKey`: whether somebody opened their own record or a colleague's. */
  patientKey: Key.nullable(),
  callerKind: z.enum(['professional', 'citizen', 'system']),
  callerName: z.string(),
  /** HMAC-SHA256 of the caller's national id, hexadecimal; `null` for systems. */
  callerKey: Key.nullable(),
  role: z.enum(roles),
  /** Health personnel category, code system 9060. */
  authorization: z.string().nullable(),
  hprNumber: z.string().nullable(),
  /** Organisation numbers of the legal entity and of the unit. */
  organisation: z.string().nullable(),
  unit: z.string().nullable(),
  clientId: z.string(),
  clientName: z.string(),
  purpose: z.enum(purposes).nullable(),
  purposeDetail: z.string().nullable(),
  healthcareService: z.string().nullable(),
  decisionRef: z.string().nullable(),
  accessBasis: z.enum(accessBases).nullable(),
  /** The caller's own words in an emergency. Kept for review; not shown to the citizen. */
  reason: z.string().nullable(),
  /** Restricted data were opened, or ordinary rules were overridden. */
  override: z.boolean(),
  categoriesGranted: Names,
  categoriesDenied: Names,
  /** Ids of the policy rules that decided. */
  rules: Names,
  sources: Names,
  /** Records released by source. */
  recordCounts: z.record(z.string(), z.number().int().min(0)),
  outcome: z.enum(accessOutcomes),
  flags: z.array(z.enum(accessFlags)),
  traceId: z.string(),
  eventId: z.string(),
});
export type AccessEntry = z.infer<typeof AccessEntry>;

/** Columns of `personvern.access`, by the entry's members, with their types in PostgreSQL. `sequence` is set by the table. */
export const accessColumns = {
  id: { column: 'id', type: 'uuid' },
  at: { column: 'at', type: 'timestamptz' },
  patient: { column: 'patient', type: 'uuid' },
  patientKey: { column: 'patient_key', type: 'text' },
  callerKind: { column: 'caller_kind', type: 'text' },
  callerName: { column: 'caller_name', type: 'text' },
  callerKey: { column: 'caller_key', type: 'text' },
  role: { column: 'role', type: 'text' },
  authorization: { column: 'caller_authorization', type: 'text' },
  hprNumber: { column: 'hpr_number', type: 'text' },
  organisation: { column: 'organisation', type: 'text' },
  unit: { column: 'unit', type: 'text' },
  clientId: { column: 'client_id', type: 'text' },
  clientName: { column: 'client_name', type: 'text' },
  purpose: { column: 'purpose', type: 'text' },
  purposeDetail: { column: 'purpose_detail', type: 'text' },
  healthcareService: { column: 'healthcare_service', type: 'text' },
  decisionRef: { column: 'decision_ref', type: 'text' },
  accessBasis: { column: 'access_basis', type: 'text' },
  reason: { column: 'reason', type: 'text' },
  override: { column: 'override', type: 'boolean' },
  categoriesGranted: { column: 'categories_granted', type: 'jsonb' },
  categoriesDenied: { column: 'categories_denied', type: 'jsonb' },
  rules: { column: 'rules', type: 'jsonb' },
  sources: { column: 'sources', type: 'jsonb' },
  recordCounts: { column: 'record_counts', type: 'jsonb' },
  outcome: { column: 'outcome', type: 'text' },
  flags: { column: 'flags', type: 'jsonb' },
  traceId: { column: 'trace_id', type: 'text' },
  eventId: { column: 'event_id', type: 'text' },
} as const satisfies Record<keyof AccessEntry, { column: string; type: string }>;

/** The role that the gateway writes as: it may add entries and read them, and change none. */
export const accessWriter = 'kilde_access_writer';

const columns = Object.values(accessColumns);
const membersInOrder = (Object.keys(accessColumns) as (keyof AccessEntry)[]).sort();
const names = (all: typeof columns) => all.map(({ column }) => column).join(', ');
const recordOf = (all: typeof columns) => all.map(({ column, type }) => `${column} ${type}`).join(', ');
const optional = new Set<string>(
  (Object.keys(accessColumns) as (keyof AccessEntry)[])
    .filter((member) => AccessEntry.shape[member].safeParse(null).success)
    .map((member) => accessColumns[member].column),
);

/**
 * Numbered steps for `migrate(pool, 'personvern', …)`, run by whoever of gateway and subgraph starts first. New steps go
 * at the end, and both sides run all of them.
 *
 * Sequence numbers are gapless and follow commit order: the counter's row is locked until the transaction ends.
 */
export const accessLogMigrations: readonly string[] = [
  `
  create table personvern.access_counter (
    one boolean primary key default true check (one),
    last bigint not null
  );
  insert into personvern.access_counter (last) values (0);

  create table personvern.access (
    sequence bigint primary key,
    ${columns.map(({ column, type }) => `${column} ${type}${optional.has(column) ? '' : ' not null'}`).join(',\n    ')},
    unique (id)
  );
  create index access_of_patient on personvern.access (patient, sequence desc);

  create function personvern.number_access() returns trigger language plpgsql as $$
  begin
    update personvern.access_counter set last = last + 1 returning last into new.sequence;
    return new;
  end $$;
  create trigger numbered before insert on personvern.access
    for each row execute function personvern.number_access();

  create function personvern.refuse_change() returns trigger language plpgsql as $$
  begin
    raise exception 'personvern.access is append-only' using errcode = 'restrict_violation';
  end $$;
  create trigger append_only before update or delete or truncate on personvern.access
    for each statement execute function personvern.refuse_change();
  `,
  // Restrictions and the like, as the citizen has set them; kept by HMAC of the national id.
  `
  create table personvern.restriction (
    id uuid primary key,
    person bytea not null,
    source text not null,
    type text not null check (type in ('reservation', 'restriction', 'block', 'delay')),
    scope text,
    since text,
    until text,
    recorded timestamptz not null default clock_timestamp()
  );
  create index restriction_of_person on personvern.restriction (person);
  `,
  // Each entry is sealed with all before it, where the counter's row is locked anyway: one chain, however many gateways write.
  // A function and not a trigger, so that a batch locks and counts once; and nobody who may call it may write in any other way.
  `
  alter table personvern.access
    add column if not exists patient_key text, add column if not exists flags jsonb not null default '[]',
    add column leaf bytea, add column seal bytea;
  alter table personvern.access add constraint sealed check (leaf is not null and seal is not null) not valid;
  alter table personvern.access_counter add column seal bytea not null default '';
  drop trigger numbered on personvern.access;
  drop function personvern.number_access();

  create function personvern.append_access(entries jsonb) returns bigint
    language plpgsql security definer set search_path = pg_catalog as $$
  declare
    entry record;
    place bigint;
    sealed bytea;
  begin
    select last, seal into place, sealed from personvern.access_counter for update;
    for entry in select * from jsonb_to_recordset(entries) as e(${recordOf(columns)}, leaf text) loop
      place := place + 1;
      sealed := sha256(sealed || int8send(place) || decode(entry.leaf, 'hex'));
      insert into personvern.access (sequence, ${names(columns)}, leaf, seal)
      values (place, ${columns.map(({ column }) => `entry.${column}`).join(', ')}, decode(entry.leaf, 'hex'), sealed);
    end loop;
    update personvern.access_counter set last = place, seal = sealed;
    return place;
  end $$;

  do $$ begin
    create role ${accessWriter} nologin;
  exception when duplicate_object or unique_violation then null;
  end $$;
  grant ${accessWriter} to current_user;
  revoke execute on function personvern.append_access from public;
  grant usage on schema personvern to ${accessWriter};
  grant select on personvern.access to ${accessWriter};
  grant execute on function personvern.append_access to ${accessWriter};
  `,
];

/** An entry as the database keeps it, in the entry's own words. Not checked again: whether it is one, its leaf says. */
export const entryOfRow = (row: Readonly<Record<string, unknown>>): AccessEntry => {
  const entry: Record<string, unknown> = {};
  for (const member of membersInOrder) {
    const value = row[accessColumns[member].column];
    entry[member] = value instanceof Date ? value.toISOString() : value;
  }
  return entry as AccessEntry;
};

/**
 * Canonical JSON of an entry (RFC 8785): its members in order, the time in UTC. The rest is what that standard takes from
 * ECMAScript, as all there is are texts, whole numbers, booleans and `null`.
 */
export const canonicalJson = (entry: AccessEntry): string => {
  const ordered: Record<string, unknown> = {};
  for (const member of membersInOrder) ordered[member] = entry[member];
  const counts = entry.recordCounts;
  ordered['at'] = new Date(entry.at).toISOString();
  ordered['recordCounts'] = Object.fromEntries(
    Object.keys(counts)
      .sort()
      .map((source) => [source, counts[source]]),
  );
  return JSON.stringify(ordered);
};

/** The entry as a leaf of the log's tree (RFC 6962 section 2.1). Every member is in it: to change one is to change the leaf. */
export const leafOf = (entry: AccessEntry): Buffer => hash('sha256', `\0${canonicalJson(entry)}`, 'buffer');

/** The seal of an entry: over the one before, its own place, and its leaf. The first one stands on nothing. */
export const sealOf = (before: Buffer, sequence: bigint, leaf: Buffer): Buffer => {
  const place = Buffer.alloc(8);
  place.writeBigInt64BE(sequence);
  return hash('sha256', Buffer.concat([before, place, leaf]), 'buffer');
};

/** One statement that appends all `entries`, in their order, ready for `client.query`; prepared once on each connection. */
export const insertAccessEntries = (
  entries: readonly AccessEntry[],
): { name: string; text: string; values: [string] } => {
  const rows = entries.map((entry) => ({
    ...Object.fromEntries(membersInOrder.map((member) => [accessColumns[member].column, entry[member]])),
    leaf: leafOf(entry).toString('hex'),
  }));
  return { name: 'append_access', text: 'select personvern.append_access($1)', values: [JSON.stringify(rows)] };
};
