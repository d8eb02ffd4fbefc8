import * as z from 'zod';
import { FhirResource } from '../../_shared/fhir.ts';
import { readBy } from '../../_shared/readBy.ts';
import type { SecurityLabel } from '../securityLabels.ts';
import type { Person } from './person.ts';
import { type Read, refuse } from './refusal.ts';

export const formats = ['fhir-message', 'fhir-document', 'cloudevents', 'kith'] as const;
export type EventFormat = (typeof formats)[number];

/** A resource of an event; `fullUrl` is what others of the same event refer to it by. */
export type EventResource = { fullUrl?: string | undefined; resource: FhirResource };

/** Clinical time, offset and precision as written, and the instant that it sorts by. */
export type EventTime = { text: string; at: Date };

/** An event as its sender stated it, checked. The server's stamps are added when it is stored. */
export type IncomingEvent = {
  format: EventFormat;
  /** Idempotency key within the format and the legal entity (reference 13.4). */
  key: string;
  type: string;
  person: Person;
  occurred: EventTime;
  /** When the sender made the statement: of two states of one thing, the one stated later holds. `null`: when received. */
  stated: Date | null;
  securityLabel: SecurityLabel;
  /** Of an event that comes in versions: what all versions of it share, and whether this one changes those before. */
  versionOf: { thing: string; isCorrection: boolean } | null;
  resources: EventResource[];
  payload: unknown;
  original: Buffer;
};

/** Stored bodies, as far as their resources are looked up in them again: a bundle, and the data of a CloudEvent. */
const StoredBundle = z.object({ entry: z.array(z.object({ fullUrl: z.string().optional(), resource: FhirResource })) });
const StoredData = z.object({ data: FhirResource });

/** Resources in a stored payload of any format; none where it holds no FHIR. */
export const resourcesOf = (payload: unknown): EventResource[] => {
  if (typeof payload === 'object' && payload !== null && 'entry' in payload) {
    const bundle = readBy(StoredBundle, payload);
    if (bundle.ok) return bundle.value.entry;
  }
  const single = readBy(StoredData, payload);
  return single.ok ? [{ resource: single.value.data }] : [];
};

const dateTime = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?)?)?$/;

/** Clocks differ; an event further ahead than this has a wrong time or a wrong offset. A date alone may be today's anywhere. */
const aheadMs = { moment: 5 * 60_000, date: 14 * 60 * 60_000 };

/**
 * FHIR dateTime: a moment with offset, or a date, month or year. Sorts as the first moment of it, in UTC.
 *
 * @returns `null` for what is no time: wrong format, a day that does not exist, or before 1900
 */
export const readTime = (text: string): EventTime | null => {
  const [, year, month = '01', day = '01'] = dateTime.exec(text) ?? [];
  if (year === undefined || year < '1900') return null;
  const midnight = new Date(`${year}-${month}-${day}T00:00:00Z`);
  const exists = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(`${year}-${month}-${day}`);
  const at = new Date(text);
  return exists && !Number.isNaN(at.getTime()) ? { text, at } : null;
};

/** The first of `candidates` that is there, as a time that has been. */
export const readPastTime = (
  candidates: readonly (readonly [path: string, text: string | undefined])[],
  now: Date,
): Read<EventTime> => {
  const [path, text] = candidates.find(([, it]) => it !== undefined) ?? [];
  if (path === undefined || text === undefined)
    return refuse('the time of the event is missing', ...candidates.map(([it]) => it));
  const time = readTime(text);
  if (!time) return refuse('not a FHIR dateTime with offset, from 1900', path);
  const ahead = time.at.getTime() - now.getTime();
  if (ahead > (text.includes('T') ? aheadMs.moment : aheadMs.date)) return refuse('the time is ahead of now', path);
  return { ok: true, value: time };
};
