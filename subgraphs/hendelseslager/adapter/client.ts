import type { DatabaseSource } from '../../_shared/databaseSource.ts';
import type { Result } from '../../_shared/source.ts';
import type { PanelState } from '../readModels/panel.ts';
import type { ServiceState } from '../readModels/service.ts';
import type { SecurityLabel } from '../securityLabels.ts';

/** Whose rows, and which of them the caller may see. `legalEntities` `null`: of all municipalities. */
export type Scope = {
  keys: readonly Buffer[];
  legalEntities: readonly string[] | null;
  labels: readonly SecurityLabel[];
};

/** The row after which a page begins: the time that the list sorts by, and the position. */
export type After = { at: string; position: string };

type Row = {
  position: string;
  event_id: string;
  person_id: string | null;
  legal_entity: string;
  recorded: Date;
  security_label: SecurityLabel;
  payload: unknown;
};
export type ServiceRow = Row & { episode: string; status: string; state: ServiceState };
export type PanelRow = Row & { observation: string; measured_at: Date; state: PanelState };
export type EventRow = Row & {
  format: string;
  type: string;
  occurred: string;
  occurred_at: Date;
  client_id: string;
  source_system: string;
  corrects: string | null;
};

/** Every query: the patient's keys, the municipalities the caller may read, the labels they may see. */
const scoped = (table: string) =>
  `($2::text[] is null or ${table}.legal_entity = any($2)) and ${table}.security_label = any($3::text[])`;
const parameters = ({ keys, legalEntities, labels }: Scope) => [keys, legalEntities, labels];

const fromEvent = 'e.id as event_id, e.person_id, e.recorded, e.security_label, e.payload';

const services = `
  select s.position, s.legal_entity, s.episode, s.status, s.state, ${fromEvent}
    from hendelseslager.service s join hendelseslager.event e using (position)
   where s.person = any($1::bytea[]) and ${scoped('s')} and s.status <> 'entered-in-error'
     and ($4::text[] is null or s.status = any($4))
   order by s.state->'period'->>'start' desc nulls last, s.position desc`;

/** All services of a person, those begun last first. A person has few of them. */
export const findServices = (
  database: DatabaseSource,
  scope: Scope,
  statuses: readonly string[] | null,
  signal: AbortSignal,
): Promise<Result<ServiceRow[]>> => database.query<ServiceRow>(services, [...parameters(scope), statuses], signal);

/** Each key is walked by its own index range, newest first, so that a page costs a page, however much there is. */
const pageOf = ({
  columns,
  table,
  time,
  where,
}: {
  columns: string;
  table: 'event' | 'news2';
  time: string;
  where: string;
}) => `
  select ${columns}
    from unnest($1::bytea[]) as own(key) cross join lateral (
      select * from hendelseslager.${table} t
       where t.person = own.key and ${scoped('t')} and ${where}
         and ($4::timestamptz is null or (t.${time}, t.position) < ($4::timestamptz, $5::bigint))
       order by t.${time} desc, t.position desc limit $6
    ) t ${table === 'news2' ? 'join hendelseslager.event e using (position)' : ''}
   order by t.${time} desc, t.position desc limit $6`;

const panels = pageOf({
  columns: `t.position, t.legal_entity, t.observation, t.measured_at, t.state, ${fromEvent}`,
  table: 'news2',
  time: 'measured_at',
  where: `t.status <> 'entered-in-error' and ($7::timestamptz is null or t.measured_at >= $7)`,
});
const events = pageOf({
  columns: `t.position, t.id as event_id, t.person_id, t.legal_entity, t.recorded, t.payload, t.format, t.type,
            t.occurred, t.occurred_at, t.security_label, t.client_id, t.source_system, t.corrects`,
  table: 'event',
  time: 'occurred_at',
  where: '($7::text[] is null or t.type = any($7))',
});

/** NEWS2 panels, newest first by when they were measured. */
export const findPanels = (
  database: DatabaseSource,
  scope: Scope,
  { after, from, limit }: { after: After | null; from: string | null; limit: number },
  signal: AbortSignal,
): Promise<Result<PanelRow[]>> =>
  database.query<PanelRow>(
    panels,
    [...parameters(scope), after?.at ?? null, after?.position ?? null, limit, from],
    signal,
  );

/** Events as recorded, newest first by when they happened. */
export const findEvents = (
  database: DatabaseSource,
  scope: Scope,
  { after, types, limit }: { after: After | null; types: readonly string[] | null; limit: number },
  signal: AbortSignal,
): Promise<Result<EventRow[]>> =>
  database.query<EventRow>(
    events,
    [...parameters(scope), after?.at ?? null, after?.position ?? null, limit, types],
    signal,
  );

const withheldIn = (table: string) => `
  select exists (
    select from hendelseslager.${table} t
     where t.person = any($1::bytea[]) and t.security_label <> 'N' and ${scoped('t')}
  ) as withheld`;
const withheld = { service: withheldIn('service'), news2: withheldIn('news2'), event: withheldIn('event') };

/** Whether records of `table` with this label are left out of what the caller gets. */
export const hasWithheld = async (
  database: DatabaseSource,
  table: 'service' | 'news2' | 'event',
  { keys, legalEntities }: Scope,
  label: SecurityLabel,
  signal: AbortSignal,
): Promise<Result<boolean>> => {
  const found = await database.query<{ withheld: boolean }>(withheld[table], [keys, legalEntities, [label]], signal);
  return found.ok ? { ok: true, value: found.value[0]!.withheld } : found;
};
