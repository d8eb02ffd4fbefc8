import * as z from 'zod';
import { holdsNationalId } from '../../../schema/nationalIdText.ts';
import { FhirCodeableConcept, FhirCoding, FhirPeriod, FhirResource } from '../../_shared/fhir.ts';
import { securityLabels } from '../securityLabels.ts';
import type { EventResource, IncomingEvent } from './event.ts';
import { readPastTime } from './event.ts';
import { identifyPerson, mentionsOf } from './person.ts';
import { type Read, refuse } from './refusal.ts';

const Security = z.object({ security: z.array(FhirCoding).default([]) }).default({ security: [] });
const Bundle = z.object({
  resourceType: z.literal('Bundle'),
  type: z.enum(['message', 'document']),
  meta: Security,
  identifier: z.object({ system: z.string().max(256).optional(), value: z.string().min(1).max(256) }),
  timestamp: z.string().optional(),
  entry: z.array(z.object({ fullUrl: z.string().optional(), resource: FhirResource })).min(1),
});
const MessageHeader = z
  .object({
    resourceType: z.literal('MessageHeader'),
    eventCoding: FhirCoding.extend({ code: z.string().min(1).max(256) }).optional(),
    eventUri: z.string().min(1).max(256).optional(),
  })
  .refine(({ eventCoding, eventUri }) => eventCoding ?? eventUri, { path: ['eventCoding'] });
const Composition = z.object({
  resourceType: z.literal('Composition'),
  type: FhirCodeableConcept,
  date: z.string().optional(),
  event: z.array(z.object({ period: FhirPeriod.optional() })).default([]),
});

/** Where resources of any kind keep their clinical time, the most specific first (FHIR R4). */
const Timed = z.object({
  effectiveDateTime: z.string().optional(),
  effectiveInstant: z.string().optional(),
  effectivePeriod: FhirPeriod.optional(),
  performedDateTime: z.string().optional(),
  performedPeriod: FhirPeriod.optional(),
  occurrenceDateTime: z.string().optional(),
  whenHandedOver: z.string().optional(),
  recordedDate: z.string().optional(),
  authoredOn: z.string().optional(),
  date: z.string().optional(),
  status: z.string().optional(),
  period: FhirPeriod.optional(),
});

/** An ended service changed when it ended, a running one when it began; for other states only the message knows when. */
const serviceTimes = (at: string, { status, period }: z.infer<typeof Timed>) => {
  if (status === 'finished' || status === 'cancelled') return [[`${at}period.end`, period?.end] as const];
  return status === 'active' ? [[`${at}period.start`, period?.start] as const] : [];
};

/** Candidates for when it happened in the world, in order of preference. */
export const clinicalTimes = (
  resource: FhirResource,
  at: string,
): (readonly [path: string, text: string | undefined])[] => {
  const { data } = Timed.safeParse(resource);
  if (!data) return [];
  if (resource.resourceType === 'EpisodeOfCare') return serviceTimes(at, data);
  return [
    [`${at}effectiveDateTime`, data.effectiveDateTime],
    [`${at}effectiveInstant`, data.effectiveInstant],
    [`${at}effectivePeriod.start`, data.effectivePeriod?.start],
    [`${at}performedDateTime`, data.performedDateTime],
    [`${at}performedPeriod.start`, data.performedPeriod?.start],
    [`${at}occurrenceDateTime`, data.occurrenceDateTime],
    [`${at}whenHandedOver`, data.whenHandedOver],
    [`${at}period.start`, data.period?.start],
    [`${at}recordedDate`, data.recordedDate],
    [`${at}authoredOn`, data.authoredOn],
    [`${at}date`, data.date],
  ];
};

/** `meta.security` of the bundle or of any resource in it, code system 9603; normal when nothing is said. */
const securityLabelOf = (bundle: z.infer<typeof Bundle>): Read<IncomingEvent['securityLabel']> => {
  const metas = [bundle.meta, ...bundle.entry.map(({ resource }) => Security.safeParse(resource['meta']).data)];
  const codes = metas.flatMap((meta) => meta?.security ?? []).filter(({ system }) => /[.-]9603$/.test(system ?? ''));
  const labels = new Set(codes.map(({ code }) => securityLabels.find((label) => label === code)));
  if (labels.has(undefined)) return refuse('not a security label of code system 9603', 'meta.security');
  if (labels.size > 1) return refuse('an event has one security label', 'meta.security');
  const [label = 'N'] = labels;
  return { ok: true, value: label };
};

/** MessageHeader or Composition, which comes first and says what kind of event this is. */
const readFirst = ({ type, entry }: z.infer<typeof Bundle>) => {
  const shape = type === 'message' ? MessageHeader : Composition;
  const { data, error } = shape.safeParse(entry[0]?.resource);
  if (error)
    return refuse(
      `the first entry of a ${type} is not a usable ${type === 'message' ? 'MessageHeader' : 'Composition'}`,
      ...error.issues.map(({ path }) => ['entry.0.resource', ...path].join('.')),
    );
  if (data.resourceType === 'MessageHeader') {
    const { eventCoding, eventUri } = data;
    return { ok: true as const, value: { type: eventCoding?.code ?? eventUri!, times: [] } };
  }
  const [code] = data.type.coding;
  const times = [
    ['entry.0.resource.event.0.period.start', data.event[0]?.period?.start],
    ['entry.0.resource.date', data.date],
  ] as const;
  return {
    ok: true as const,
    value: { type: (code?.code ?? data.type.text ?? 'Composition').slice(0, 256), times },
  };
};

/**
 * FHIR message (MessageHeader first) or document as VKP and JFT send it (Composition first) -> event. The key is
 * `Bundle.identifier`; the time is clinical, from the resources, and the bundle's own timestamp only where they have none.
 */
export const readFhirBundle = (
  payload: unknown,
  original: Buffer,
  environment: 'sandbox' | 'production',
  now: Date,
): Read<IncomingEvent> => {
  const { data: bundle, error } = Bundle.safeParse(payload);
  if (error)
    return refuse(
      'not a FHIR message or document bundle with identifier and entries',
      ...error.issues.map(({ path }) => path.join('.')),
    );
  const first = readFirst(bundle);
  if (!first.ok) return first;
  const { system = '', value } = bundle.identifier;
  const key = `${system}|${value}`;
  if (holdsNationalId(key)) return refuse('must not hold a national id', 'identifier');
  if (holdsNationalId(first.value.type)) return refuse('must not hold a national id', 'entry.0.resource');

  const resources: EventResource[] = bundle.entry;
  const at = (index: number) => `entry.${index}.resource.`;
  const person = identifyPerson(mentionsOf(resources, at), null, environment);
  if (!person.ok) return person;
  const label = securityLabelOf(bundle);
  if (!label.ok) return label;
  const occurred = readPastTime(
    [
      ...first.value.times,
      ...resources.flatMap(({ resource }, index) => clinicalTimes(resource, at(index))),
      ['timestamp', bundle.timestamp],
    ],
    now,
  );
  if (!occurred.ok) return occurred;
  const stated = bundle.timestamp === undefined ? null : readPastTime([['timestamp', bundle.timestamp]], now);
  if (stated && !stated.ok) return stated;
  return {
    ok: true,
    value: {
      format: bundle.type === 'message' ? 'fhir-message' : 'fhir-document',
      key,
      type: first.value.type,
      person: person.value,
      occurred: occurred.value,
      stated: stated?.value.at ?? null,
      securityLabel: label.value,
      versionOf: null,
      resources,
      payload,
      original,
    },
  };
};
