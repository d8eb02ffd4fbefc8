import type { Caller } from '../../../schema/caller.ts';
import type { Route, RouteAnswer, RouteRequest } from '../../../schema/subgraph.ts';
import type { SourceCache } from '../../_shared/cache/cache.ts';
import type { DatabaseSource } from '../../_shared/databaseSource.ts';
import type { Common } from '../../_shared/environment.ts';
import type { Municipalities } from '../municipalities.ts';
import { rowsOf } from '../readModels/rows.ts';
import { type Append, appendEvents, type Origin } from '../store/append.ts';
import type { PersonKeys } from '../store/personKey.ts';
import { readCloudEvent } from './cloudEvent.ts';
import type { IncomingEvent } from './event.ts';
import { readFhirBundle } from './fhirBundle.ts';
import { readJson, splitArray } from './json.ts';
import { type Read, type Refusal, refuse, within } from './refusal.ts';

/** About what JFT takes in one request (reference 7.1). */
const ingestRoute: Route = { method: 'POST', path: '/events', bodyLimit: 1_000_000 };
const statusRoute: Route = { method: 'GET', path: '/events/:id/status', bodyLimit: 1_024 };
export const routes: readonly Route[] = [ingestRoute, statusRoute];

export type IngestParts = {
  cache: SourceCache;
  database: DatabaseSource;
  keys: PersonKeys;
  municipalities: Municipalities;
  environment: Common['environment'];
};

const answer = ({ status, code, message, paths }: Refusal): RouteAnswer => ({
  status,
  ...(status === 503 ? { headers: { 'retry-after': '1' } } : {}),
  body: { error: { code, message, paths } },
});
const refusals = {
  caller: { status: 403, code: 'FORBIDDEN', message: 'events come from systems', paths: [] },
  municipality: {
    status: 403,
    code: 'FORBIDDEN',
    message: 'this store does not serve your legal entity',
    paths: [],
  },
  contentType: {
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
    message: 'application/fhir+json, application/cloudevents+json or application/cloudevents-batch+json',
    paths: [],
  },
  unknown: { status: 404, code: 'NOT_FOUND', message: 'no such event', paths: [] },
  unavailable: {
    status: 503,
    code: 'SOURCE_UNAVAILABLE',
    message: 'not acknowledged; send it again',
    paths: [],
  },
} as const satisfies Record<string, Refusal | { paths: readonly [] }>;
const no = (name: keyof typeof refusals): RouteAnswer => answer({ ...refusals[name], paths: [] });

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
    return { ok: true, value: { append: { event: event.value, rows: rows.value }, at } };
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

/** `registered`: durable. The same again gets the same answer, so this never says whether it was new. */
const receipt = (id: string) => ({ id, status: 'registered' });

const ingest = async (parts: IngestParts, { headers, body, caller, signal }: RouteRequest): Promise<RouteAnswer> => {
  if (caller.kind !== 'system') return no('caller');
  if (!parts.municipalities.serves(caller.organisation.legalEntity)) return no('municipality');
  const contentType = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  const now = new Date();
  const read = readBody(contentType, body, parts.environment, caller.organisation.legalEntity, now);
  if (!read) return no('contentType');
  if (!read.ok) return answer(read.refusal);
  const appends = read.value.map(({ append }) => append);
  const appended = await appendEvents(parts.database, parts.keys, originOf(caller), appends, now, signal);
  if (!appended.ok) return no('unavailable');
  if (!appended.value.ok) {
    const { at } = read.value[appended.value.conflict]!;
    const message = 'the same key has been used for another body';
    return answer({ status: 409, code: 'CONFLICT', message, paths: [at] });
  }
  // Whoever records something may have told a national service too: what was read before it is no longer the newest.
  await parts.cache.dropPeople(appends.map(({ event }) => event.person));
  const { ids } = appended.value;
  if (contentType.startsWith('application/cloudevents-batch'))
    return { status: 202, body: { events: ids.map(receipt) } };
  return { status: 202, headers: { location: `/events/${ids[0]}/status` }, body: receipt(ids[0]!) };
};

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * JFT's status (reference 7.1). `journaled` is when the read models had it, for kinds that they understand; they are
 * written with the event. `read` stays `null`, because reading is not acknowledged here, and so does `failed`: an event
 * that fails is refused at once.
 */
const status = async (parts: IngestParts, { params, caller, signal }: RouteRequest): Promise<RouteAnswer> => {
  if (caller.kind !== 'system') return no('caller');
  if (!uuid.test(params['id'] ?? '')) return no('unknown');
  const found = await parts.database.query<{ recorded: Date; projected: boolean }>(
    'select recorded, projected from hendelseslager.event where id = $1 and legal_entity = $2',
    [params['id'], caller.organisation.legalEntity],
    signal,
  );
  if (!found.ok) return no('unavailable');
  const [event] = found.value;
  if (!event) return no('unknown');
  const registered = event.recorded.toISOString();
  return {
    status: 200,
    body: { registered, read: null, journaled: event.projected ? registered : null, failed: null },
  };
};

/** The subgraph's addresses beside GraphQL. */
export const createHandler =
  (parts: IngestParts) =>
  (request: RouteRequest): Promise<RouteAnswer> =>
    request.route.path === statusRoute.path ? status(parts, request) : ingest(parts, request);
