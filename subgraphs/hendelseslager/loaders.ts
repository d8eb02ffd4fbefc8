import DataLoader from 'dataloader';
import type { AssertedPatient } from '../../schema/assertion.ts';
import type { DatabaseSource } from '../_shared/databaseSource.ts';
import { isElevated } from '../_shared/elevation.ts';
import { notFound } from '../_shared/errors.ts';
import { ownOnly, type RequestContext } from '../_shared/group.ts';
import type { Result } from '../_shared/source.ts';
import {
  type After,
  type EventRow,
  findEvents,
  findPanels,
  findServices,
  hasWithheld,
  type PanelRow,
  type Scope,
  type ServiceRow,
} from './adapter/client.ts';
import {
  type EarlyWarningScore,
  type MunicipalService,
  mapEvent,
  mapPanel,
  mapService,
  type RecordedEvent,
  SOURCE,
} from './adapter/mapping.ts';
import { resourcesOf } from './ingest/event.ts';
import { mentionsOf } from './ingest/person.ts';
import type { Municipalities } from './municipalities.ts';
import { labelsFor, restrictedLabel, type Withheld } from './securityLabels.ts';
import type { PersonKeys } from './store/personKey.ts';

/** A part of a list, in order; `last` is where it was cut, before anybody else's records were thrown away. */
export type Part<T> = {
  records: T[];
  last: After | null;
  hasNextPage: boolean;
  retrieved: string;
  dropped: number;
  /** Why records were left out by their security label, where the caller is told. */
  withheld: Withheld | null;
  /** Whether some of it is restricted, and an elevated basis opened it. */
  isOpened: boolean;
};

export type Stores = { database: DatabaseSource; keys: PersonKeys; municipalities: Municipalities };

type PageQuery = { patientId: string; after: After | null; first: number };
type ServiceQuery = { patientId: string; statuses: readonly string[] | null };
type PanelQuery = PageQuery & { from: string | null };
type EventQuery = PageQuery & { types: readonly string[] | null };

/** Whom the stored body itself names: the row's key says whose it is, and this must not say anything else. */
const ninOf =
  (patient: AssertedPatient) =>
  ({ payload, person_id }: { payload: unknown; person_id: string | null }): string | null => {
    if (person_id !== null && person_id !== patient.id) return null;
    const named = mentionsOf(resourcesOf(payload), () => '').flatMap(({ nationalId }) => nationalId ?? []);
    const others = named.find((nationalId) => !patient.nins.includes(nationalId));
    return others ?? named[0] ?? (person_id === null ? null : patient.nins[0]);
  };

/** Made anew for each request: what a loader remembers is what this caller may see. */
export const createLoaders = ({ database, keys, municipalities }: Stores, { assertion, signal }: RequestContext) => {
  const load = async <Row extends ServiceRow | PanelRow | EventRow, T>(
    table: 'service' | 'news2' | 'event',
    patientId: string,
    limit: number | null,
    find: (scope: Scope) => Promise<Result<Row[]>>,
    parts: { at(row: Row): Date; map(row: Row, retrieved: string, patient: AssertedPatient): T },
  ): Promise<Result<Part<T>>> => {
    const patient = assertion.patients.find(({ id }) => id === patientId);
    if (!patient) throw notFound();
    const { visible, withheld } = labelsFor(assertion);
    const scope = {
      keys: keys.all(patient),
      legalEntities: municipalities.readableBy(assertion.caller),
      labels: visible,
    };
    const [found, left] = await Promise.all([
      find(scope),
      withheld && hasWithheld(database, table, scope, withheld.label, signal),
    ]);
    if (!found.ok) return found;
    if (left && !left.ok) return left;
    const retrieved = new Date().toISOString();
    const page = limit === null ? found.value : found.value.slice(0, limit);
    const owned = ownOnly(SOURCE, page, ninOf(patient), patient.nins);
    if (!owned.ok) return owned;
    const { own, dropped } = owned.value;
    const last = page.at(-1);
    return {
      ok: true,
      value: {
        records: own.map((row) => parts.map(row, retrieved, patient)),
        last: last ? { at: parts.at(last).toISOString(), position: last.position } : null,
        hasNextPage: found.value.length > page.length,
        retrieved,
        dropped,
        withheld: left?.value ? withheld : null,
        isOpened: isElevated(assertion.accessBasis) && own.some((row) => row.security_label === restrictedLabel),
      },
    };
  };

  const each = <Query extends { patientId: string }, T>(ask: (query: Query) => Promise<Result<Part<T>>>) =>
    new DataLoader<Query, Result<Part<T>>, string>((queries) => Promise.all(queries.map(ask)), {
      cacheKeyFn: (query) => JSON.stringify(query),
    });

  return {
    services: each<ServiceQuery, MunicipalService>(({ patientId, statuses }) =>
      load('service', patientId, null, (scope) => findServices(database, scope, statuses, signal), {
        at: ({ recorded }) => recorded,
        map: mapService,
      }),
    ),
    panels: each<PanelQuery, EarlyWarningScore>(({ patientId, first, after, from }) =>
      load(
        'news2',
        patientId,
        first,
        (scope) => findPanels(database, scope, { after, from, limit: first + 1 }, signal),
        {
          at: ({ measured_at }) => measured_at,
          map: (row, retrieved, { birthDate }) => mapPanel(row, birthDate, retrieved),
        },
      ),
    ),
    events: each<EventQuery, RecordedEvent>(({ patientId, first, after, types }) =>
      load(
        'event',
        patientId,
        first,
        (scope) => findEvents(database, scope, { after, types, limit: first + 1 }, signal),
        { at: ({ occurred_at }) => occurred_at, map: mapEvent },
      ),
    ),
  };
};
