import * as z from 'zod';
import { holdsNationalId } from '../../../schema/nationalIdText.ts';
import { FhirResource } from '../../_shared/fhir.ts';
import { securityLabels } from '../securityLabels.ts';
import type { IncomingEvent } from './event.ts';
import { readPastTime } from './event.ts';
import { clinicalTimes } from './fhirBundle.ts';
import { identifyPerson, mentionsOf } from './person.ts';
import { type Read, refuse } from './refusal.ts';

const attribute = z.string().min(1).max(256);

/**
 * The profile of CloudEvents 1.0 that the store takes. Inferred: no Norwegian interface publishes one (reference 13.4).
 * `data` is JSON; `data_base64` is refused, because what it says about whom could not be checked.
 */
const CloudEvent = z.looseObject({
  specversion: z.literal('1.0'),
  id: attribute,
  source: attribute,
  type: attribute,
  subject: z
    .string()
    .max(256)
    .regex(/^person\/[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/)
    .optional(),
  time: z.string(),
  datacontenttype: z.enum(['application/json', 'application/fhir+json']).default('application/json'),
  orgnrparent: z.string().optional(),
  securitylabel: z.enum(securityLabels).default('N'),
  data: z.record(z.string(), z.unknown()),
  data_base64: z.undefined().optional(),
});

/**
 * One CloudEvent in structured form -> event. Key is `source` and `id`, time is `time`.
 *
 * @param legalEntity the sender's, by its token; `orgnrparent`, where given, must say the same
 */
export const readCloudEvent = (
  payload: unknown,
  original: Buffer,
  environment: 'sandbox' | 'production',
  now: Date,
  legalEntity: string,
): Read<IncomingEvent> => {
  const { data: envelope, error } = CloudEvent.safeParse(payload);
  // Brokers log every attribute but the data. Asked first, so that a number never depends on the shape being right.
  const attributes = z.record(z.string(), z.unknown()).safeParse(payload).data ?? {};
  const leaking = Object.entries(attributes)
    .filter(([name, value]) => name !== 'data' && name !== 'data_base64' && holdsNationalId(`${value} ${name}`))
    .map(([name]) => (holdsNationalId(name) ? '' : name));
  if (leaking.length > 0) return refuse('must not hold a national id', ...leaking);
  if (error)
    return refuse(
      'not a CloudEvent 1.0 with id, source, type, time and JSON data',
      ...error.issues.map(({ path }) => path.join('.')),
    );
  if (envelope.orgnrparent !== undefined && envelope.orgnrparent !== legalEntity)
    return {
      ok: false,
      refusal: {
        status: 403,
        code: 'FORBIDDEN',
        message: 'not the legal entity of your token',
        paths: ['orgnrparent'],
      },
    };

  const fhir = envelope.datacontenttype === 'application/fhir+json' ? FhirResource.safeParse(envelope.data) : null;
  if (fhir?.error) return refuse('not a FHIR resource', 'data.resourceType');
  const resources = fhir ? [{ resource: fhir.data }] : [];
  const named = envelope.subject?.slice('person/'.length).toLowerCase() ?? null;
  const person = identifyPerson(
    mentionsOf(resources, () => 'data.'),
    named,
    environment,
  );
  if (!person.ok) return person;
  const sent = readPastTime([['time', envelope.time]], now);
  if (!sent.ok) return sent;
  const clinical = fhir ? clinicalTimes(fhir.data, 'data.').filter(([, text]) => text !== undefined) : [];
  const occurred = clinical.length > 0 ? readPastTime(clinical, now) : sent;
  if (!occurred.ok) return occurred;
  return {
    ok: true,
    value: {
      format: 'cloudevents',
      key: `${envelope.source}|${envelope.id}`,
      type: envelope.type,
      person: person.value,
      occurred: occurred.value,
      stated: sent.value.at,
      securityLabel: envelope.securitylabel,
      versionOf: null,
      resources,
      payload,
      original,
    },
  };
};
