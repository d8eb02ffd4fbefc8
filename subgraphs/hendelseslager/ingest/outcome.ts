import type { Caller } from '../../../schema/caller.ts';
import type { Route, RouteAnswer, RouteRequest } from '../../../schema/subgraph.ts';
import type { DatabaseSource } from '../../_shared/databaseSource.ts';
import { no } from './answer.ts';
import type { EventFormat } from './event.ts';
import { type AppRec, writeAppRec } from './kith/appRec.ts';
import { appRecErrors } from './kith/codes.ts';

type System = Extract<Caller, { kind: 'system' }>;
type Kept = {
  recorded: Date;
  projected: boolean;
  app_rec: AppRec | null;
  format: EventFormat;
  client_id: string;
  original: Buffer;
};

const columns = 'recorded, app_rec, format, client_id';
/** The original only where it is asked for: it is the large part. */
const kept = (original: string) => `
  select ${columns}, ${original} as original, projected from hendelseslager.event where id = $1 and legal_entity = $2
  union all
  select ${columns}, ${original}, false from hendelseslager.quarantine where id = $1 and legal_entity = $2`;
const withoutOriginal = kept('null::bytea');
const withOriginal = kept('original');

/**
 * JFT's status (reference 7.1), and for a KITH message its receipt in short. `journaled` is when the read models had it, for
 * kinds that they understand; they are written with the event. `failed` is when a message was set aside; other formats are
 * refused at once instead. `read` stays `null`, because reading is not acknowledged here.
 */
const statusOf = ({ recorded, projected, app_rec: appRec }: Kept): RouteAnswer => {
  const registered = recorded.toISOString();
  return {
    status: 200,
    body: {
      registered,
      read: null,
      journaled: projected ? registered : null,
      failed: appRec?.status === 2 ? registered : null,
      ...(appRec && {
        appRec: {
          status: String(appRec.status),
          errors: appRec.errors.map(({ code, path }) => ({ code, text: appRecErrors[code], path })),
        },
      }),
    },
  };
};

const appRecOf = (
  { app_rec: appRec, recorded }: Kept,
  id: string,
  { organisation: { legalEntity } }: System,
): RouteAnswer =>
  appRec
    ? {
        status: 200,
        headers: { 'content-type': 'application/xml; charset=utf-8' },
        body: writeAppRec(appRec, { id, recorded, legalEntity }),
      }
    : no('unknown');

const mediaTypes: Readonly<Record<EventFormat, string>> = {
  'fhir-message': 'application/fhir+json',
  'fhir-document': 'application/fhir+json',
  cloudevents: 'application/cloudevents+json',
  kith: 'application/xml',
};

/** What was sent, byte for byte, to the system that sent it: other readers have GraphQL, which logs whom it shows what. */
const originalOf = ({ client_id, format, original }: Kept, { clientId }: System): RouteAnswer =>
  client_id === clientId
    ? {
        status: 200,
        headers: {
          'content-type': mediaTypes[format],
          'content-disposition': 'attachment',
          'x-content-type-options': 'nosniff',
        },
        body: original,
      }
    : no('unknown');

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const statusRoute: Route = { method: 'GET', path: '/events/:id/status', bodyLimit: 1_024 };
const appRecRoute: Route = { method: 'GET', path: '/events/:id/apprec', bodyLimit: 1_024 };
const originalRoute: Route = { method: 'GET', path: '/events/:id/original', bodyLimit: 1_024 };
/** What became of an event, for the legal entity that sent it. */
export const outcomeRoutes: readonly Route[] = [statusRoute, appRecRoute, originalRoute];

export const readOutcome = async (
  database: DatabaseSource,
  { route: { path }, params, caller, signal }: RouteRequest,
): Promise<RouteAnswer> => {
  if (caller.kind !== 'system') return no('caller');
  const id = params['id'] ?? '';
  if (!uuid.test(id)) return no('unknown');
  const text = path === originalRoute.path ? withOriginal : withoutOriginal;
  const found = await database.query<Kept>(text, [id, caller.organisation.legalEntity], signal);
  if (!found.ok) return no('unavailable');
  const [it] = found.value;
  if (!it) return no('unknown');
  if (path === originalRoute.path) return originalOf(it, caller);
  return path === appRecRoute.path ? appRecOf(it, id.toLowerCase(), caller) : statusOf(it);
};
