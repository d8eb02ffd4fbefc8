/**
 * Tables of the event store, in schema `hendelseslager`.
 *
 * Positions follow commit order: the one row of `counter` stays locked from when a position is taken until its
 * transaction has committed and is visible, so whoever reads up to position n has seen everything below n. A sequence
 * would hand out 1 and 2, commit 2 first, and a reader at 2 would never see 1. The price is one commit at a time; a batch
 * of events is one commit.
 */
export const migrations: readonly string[] = [
  `
  create table hendelseslager.counter (
    one boolean primary key default true check (one),
    last bigint not null
  );
  insert into hendelseslager.counter (last) values (0);

  create table hendelseslager.event (
    position bigint primary key,
    id uuid not null unique,
    legal_entity text not null,
    format text not null,
    key text not null,
    sha256 bytea not null,
    type text not null,
    person bytea not null,
    person_id uuid,
    occurred text not null,
    occurred_at timestamptz not null,
    recorded timestamptz not null,
    point_of_care text,
    client_id text not null,
    source_system text not null,
    security_label text not null,
    projected boolean not null,
    payload jsonb not null,
    original bytea not null,
    unique (legal_entity, format, key)
  );
  comment on column hendelseslager.event.person is 'HMAC-SHA256 of the national id, or of the person id where the event names no other';
  comment on column hendelseslager.event.occurred is 'clinical time as written, offset and precision kept; occurred_at is for ordering';
  create index event_of_person on hendelseslager.event (person, occurred_at desc, position desc);
  create index event_withheld on hendelseslager.event (person) where security_label <> 'N';

  create function hendelseslager.refuse_change() returns trigger language plpgsql as $$
  begin
    raise exception 'hendelseslager.event is append-only' using errcode = 'restrict_violation';
  end $$;
  create trigger append_only before update or delete or truncate on hendelseslager.event
    for each statement execute function hendelseslager.refuse_change();

  create table hendelseslager.service (
    legal_entity text not null,
    person bytea not null,
    episode text not null,
    position bigint not null,
    stated_at timestamptz not null,
    status text not null,
    security_label text not null,
    state jsonb not null,
    primary key (person, legal_entity, episode)
  );

  create table hendelseslager.news2 (
    legal_entity text not null,
    person bytea not null,
    observation text not null,
    position bigint not null,
    stated_at timestamptz not null,
    status text not null,
    security_label text not null,
    measured_at timestamptz not null,
    state jsonb not null,
    primary key (person, legal_entity, observation)
  );
  create index news2_of_person on hendelseslager.news2 (person, measured_at desc, position desc);
  create index news2_withheld on hendelseslager.news2 (person) where security_label <> 'N';
  `,
  `
  alter table hendelseslager.event add column app_rec jsonb, add column thing text, add column corrects uuid;
  comment on column hendelseslager.event.app_rec is 'what the application receipt of a KITH message says';
  comment on column hendelseslager.event.thing is 'what the versions of one statement share; corrects is the version before';
  create index event_versions on hendelseslager.event (legal_entity, person, thing, position) where thing is not null;

  create table hendelseslager.quarantine (
    id uuid primary key,
    legal_entity text not null,
    format text not null,
    key text not null,
    sha256 bytea not null,
    recorded timestamptz not null,
    point_of_care text,
    client_id text not null,
    source_system text not null,
    app_rec jsonb not null,
    original bytea not null,
    unique (legal_entity, format, key)
  );
  comment on table hendelseslager.quarantine is 'messages that could not become events, unchanged, with the reasons in app_rec';
  `,
];
