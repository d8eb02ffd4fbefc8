import { holdsNationalId } from '../../../../schema/nationalIdText.ts';
import type { EventResource, EventTime, IncomingEvent } from '../event.ts';
import { readPastTime } from '../event.ts';
import type { Person } from '../person.ts';
import { identifyPerson } from '../person.ts';
import { type Read, refuseMessage } from '../refusal.ts';
import { type AppRec, type AppRecError, type Party, statusOf } from './appRec.ts';
import { personSystems } from './codes.ts';
import { fhirTime } from './time.ts';
import { jsonOf, readValue, type XmlNode } from './xmlNode.ts';

export type Environment = 'sandbox' | 'production';

/** What a message says of itself, before anything of the patient is read. */
export type Head = {
  key: string;
  type: string;
  typeName: string | null;
  /** GenDate, as a FHIR dateTime: when the message was made, never when it happened. */
  issued: string;
  sender: Party | null;
  receiver: Party | null;
};

/** A message with a name of its own. It becomes an event, or is kept aside with the reasons in its receipt. */
export type Delivery = { key: string; original: Buffer; appRec: AppRec; event: IncomingEvent | null };

/** A number that a message gives for its patient, as it is written there. */
export type Ident = { path: string; idType: string; value: string };

/** What stands in the way of an event, where in the message; or the value. */
export type Found<T> = { ok: true; value: T } | { ok: false; errors: AppRecError[] };
export const lacks = (code: AppRecError['code'], ...paths: string[]): { ok: false; errors: AppRecError[] } => ({
  ok: false,
  errors: [...new Set(paths)].map((path) => ({ code, path })),
});

const longestKey = 256;

/** MsgId names the message, GenDate says when it was made: without them there is nothing to answer to. */
export const readHead = (
  id: XmlNode | undefined,
  genDate: XmlNode | undefined,
  paths: { id: string; genDate: string },
  now: Date,
): Read<{ key: string; issued: string }> => {
  const key = readValue(id);
  if (key === undefined || key.length > longestKey)
    return refuseMessage('E10', `from 1 to ${longestKey} characters`, paths.id);
  if (holdsNationalId(key)) return refuseMessage('E10', 'must not hold a national id', paths.id);
  const issued = fhirTime(readValue(genDate) ?? '');
  // The receipt repeats it, so it has to be a time before anything else is looked at.
  if (!readPastTime([[paths.genDate, issued]], now).ok)
    return refuseMessage('T02', 'not a time that has been', paths.genDate);
  return { ok: true, value: { key, issued } };
};

/**
 * The one person a message is about. E30 for no number of a kind that is known everywhere, E31 for one that is wrong, of another
 * kind than it says, not of this environment, or one of several.
 *
 * @param alsoNamed numbers in the documents: they name nobody by themselves, and have to agree
 */
export const readPerson = (
  idents: readonly Ident[],
  alsoNamed: readonly Ident[],
  at: string,
  environment: Environment,
): Found<Person> => {
  const isKnown = ({ idType }: Ident) => Object.hasOwn(personSystems, idType);
  if (!idents.some(isKnown)) return lacks('E30', at);
  const mentions = [...idents, ...alsoNamed].filter(isKnown).map(({ path, idType, value }) => ({
    path,
    system: personSystems[idType],
    nationalId: value,
  }));
  const person = identifyPerson(mentions, null, environment);
  return person.ok ? person : lacks('E31', ...person.refusal.paths);
};

/** The first of the times a message has, as a moment or date that has been. T99 at the last where it has none: GenDate will not do. */
export const readOccurred = (
  candidates: readonly (readonly [path: string, text: string | undefined])[],
  now: Date,
): Found<EventTime> => {
  const times = candidates.map(([path, text]) => [path, text === undefined ? text : fhirTime(text)] as const);
  const read = readPastTime(times, now);
  return read.ok ? read : lacks('T99', ...read.refusal.paths.slice(-1));
};

const appRecOf = (
  { key, type, typeName, issued, sender, receiver }: Head,
  errors: readonly AppRecError[],
  isKept: boolean,
): AppRec => ({
  status: statusOf(errors, isKept),
  errors,
  sender: receiver,
  receiver: sender,
  message: { type, typeName, id: key, issued },
});

/** A message that cannot be an event, with the reasons. */
export const setAside = (head: Head, errors: readonly AppRecError[], original: Buffer): Delivery => ({
  key: head.key,
  original,
  appRec: appRecOf(head, errors, false),
  event: null,
});

/**
 * A message as an event. `resources` is what it says in FHIR, as far as that goes; all of it is in `message`.
 *
 * @param errors in parts of the message that could not be used
 */
export const keep = (
  head: Head,
  event: Pick<IncomingEvent, 'type' | 'person' | 'occurred' | 'versionOf'> & { resources: EventResource[] },
  root: XmlNode,
  errors: readonly AppRecError[],
  original: Buffer,
): Delivery => ({
  key: head.key,
  original,
  appRec: appRecOf(head, errors, true),
  event: {
    ...event,
    format: 'kith',
    key: head.key,
    stated: new Date(head.issued),
    securityLabel: 'N',
    payload: { entry: event.resources, message: { [root.name]: jsonOf(root) } },
    original,
  },
});
