import type { Caller } from '../../../schema/caller.ts';
import type { Route, RouteAnswer, RouteRequest } from '../../../schema/subgraph.ts';
import type { SourceCache } from '../../_shared/cache/cache.ts';
import type { DatabaseSource } from '../../_shared/databaseSource.ts';
import type { Common } from '../../_shared/environment.ts';
import type { Result } from '../../_shared/source.ts';
import type { Municipalities } from '../municipalities.ts';
import { rowsOf } from '../readModels/rows.ts';
import { type Append, type Appended, appendEvents, type Origin } from '../store/append.ts';
import type { PersonKeys } from '../store/personKey.ts';
import { quarantine } from '../store/quarantine.ts';
import { answer, no } from './answer.ts';
import { readCloudEvent } from './cloudEvent.ts';
import type { IncomingEvent } from './event.ts';
import { readFhirBundle } from './fhirBundle.ts';
import { readJson, splitArray } from './json.ts';
import { readKith } from './kith/readKith.ts';
import { outcomeRoutes, readOutcome } from './outcome.ts';
import type { Person } from './person.ts';
import { type Read, refuse, within } from './refusal.ts';

/** About what JFT takes in one request (reference 7.1). */
const ingestRoute: Route = { method: 'POST', path: '/events', bodyLimit: 1_000_000 };
export const routes: readonly Route[] = [ingestRoute, ...outcomeRoutes];

export type IngestParts = {
  cache: SourceCache;
  database: DatabaseSource;
  keys: PersonKeys;
  municipalities: Municipalities;
  environment: Common['environment'];
};

type Incoming = { append: Append; at: string };

/** Body -> events with their read-model rows: all of them, or where the first of them is wrong. */
const readBody = (
  contentType: string,
  body: Buffer,
  environment: Common['environment'],
  legalEntity: string,
  now: Date,
): Read<Incoming[]> | null => {
  const withRows = (event: Read<IncomingEvent>, at: string): Read<Incoming> => {
    if (!event.ok) return { ok: false, refusal: at === '' ? event.refusal : within(at, event.refusal) };
    const isBundle = event.value.format !== 'cloudevents';
    const rows = rowsOf(event.value.resources, event.value.key, isBundle ? 'entry.*.resource' : 'data');
    if (!rows.ok) return { ok: false, refusal: at === '' ? rows.refusal : within(at, rows.refusal) };
    return { ok: true, value: { append: { event: event.value, rows: rows.value, appRec: null }, at } };
  };
  const single = (read: (payload: unknown) => Read<IncomingEvent>): Read<Incoming[]> => {
    const payload = readJson(body);
    if (!payload.ok) return payload;
    const incoming = withRows(read(payload.value), '');
    return incoming.ok ? { ok: true, value: [incoming.value] } : incoming;
  };
  if (contentType === 'application/fhir+json')
    return single((payload) => readFhirBundle(payload, body, environment, now));
  if (contentType === 'application/cloudevents+json')
    return single((payload) => readCloudEvent(payload, body, environment, now, legalEntity));
  if (contentType !== 'application/cloudevents-batch+json') return null;

  const payload = readJson(body);
  if (!payload.ok) return payload;
  if (!Array.isArray(payload.value)) return refuse('not an array of CloudEvents', '');
  const originals = splitArray(body);
  const all: Incoming[] = [];
  for (const [index, element] of payload.value.entries()) {
    const read = readCloudEvent(element, originals[index]!, environment, now, legalEntity);
    const incoming = withRows(read, String(index));
    if (!incoming.ok) return incoming;
    all.push(incoming.value);
  }
  return { ok: true, value: all };
};

const originOf = ({ organisation, clientId, clientName }: Extract<Caller, { kind: 'system' }>): Origin => ({
  legalEntity: organisation.legalEntity,
  pointOfCare: organisation.pointOfCare,
  clientId,
  sourceSystem: clientName,
});

/** Where in the body each event stood, whom they are about, and what became of storing them. */
type Taken = Read<{ places: string[]; people: Person[]; appended: Result<Appended> }> | null;
type Delivered = { contentType: string; body: Buffer; now: Date; signal: AbortSignal };

/** A KITH message becomes an event or is kept aside: either way it is kept, and has a receipt. */
const takeKith = async (
  { database, keys, environment }: IngestParts,
  origin: Origin,
  { body, now, signal }: Delivered,
): Promise<Taken> => {
  const read = readKith(body, environment, now);
  if (!read.ok) return read;
  const { key, original, appRec, event } = read.value;
  const places = [''];
  if (!event) {
    const message = { format: 'kith' as const, key, original, appRec };
    const appended = await quarantine(database, origin, message, now, signal);
    return { ok: true, value: { places, people: [], appended } };
  }
  const rows = rowsOf(event.resources, key, 'entry.*.resource');
  if (!rows.ok) return rows;
  const appends = [{ event, rows: rows.value, appRec }];
  const appended = await appendEvents(database, keys, origin, appends, now, signal);
  return { ok: true, value: { places, people: [event.person], appended } };
};

const takeJson = async (
  { database, keys, environment }: IngestParts,
  origin: Origin,
  { contentType, body, now, signal }: Delivered,
): Promise<Taken> => {
  const read = readBody(contentType, body, environment, origin.legalEntity, now);
  if (!read?.ok) return read;
  const appends = read.value.map(({ append }) => append);
  const appended = await appendEvents(database, keys, origin, appends, now, signal);
  const places = read.value.map(({ at }) => at);
  return { ok: true, value: { places, people: appends.map(({ event }) => event.person), appended } };
};

/** `registered`: durable. The same again gets the same answer, so this never says whether it was new. */
const receipt = (id: string) => ({ id, status: 'registered' });

const kithType = /^(?:application|text)\/xml\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

const ingest = async (parts: IngestParts, { headers, body, caller, signal }: RouteRequest): Promise<RouteAnswer> => {
  if (caller.kind !== 'system') return no('caller');
  if (!parts.municipalities.serves(caller.organisation.legalEntity)) return no('municipality');
  const typed = headers['content-type'] ?? '';
  const contentType = typed.split(';')[0]!.trim().toLowerCase();
  const take = kithType.test(typed) ? takeKith : takeJson;
  const taken = await take(parts, originOf(caller), { contentType, body, now: new Date(), signal });
  if (!taken) return no('contentType');
  if (!taken.ok) return answer(taken.refusal);
  const { places, people, appended } = taken.value;
  if (!appended.ok) return no('unavailable');
  if (!appended.value.ok) {
    const message = 'the same key has been used for another body';
    return answer({ status: 409, code: 'CONFLICT', message, paths: [places[appended.value.conflict]!] });
  }
  // Whoever records something may have told a national service too: what was read before it is no longer the newest.
  await parts.cache.dropPeople(people);
  const { ids } = appended.value;
  if (contentType.startsWith('application/cloudevents-batch'))
    return { status: 202, body: { events: ids.map(receipt) } };
  return { status: 202, headers: { location: `/events/${ids[0]}/status` }, body: receipt(ids[0]!) };
};

/** The subgraph's addresses beside GraphQL. */
export const createHandler =
  (parts: IngestParts) =>
  (request: RouteRequest): Promise<RouteAnswer> =>
    request.route.path === ingestRoute.path ? ingest(parts, request) : readOutcome(parts.database, request);
