import * as z from 'zod';
import type { AssertedPatient } from '../../../schema/assertion.ts';
import { askOrdinaryFirst, type Opened } from '../../_shared/elevation.ts';
import { FhirCodeableConcept, FhirCoding, FhirExtension, FhirPeriod, FhirReference } from '../../_shared/fhir.ts';
import type { Authentication, CallContext, Result, Source } from '../../_shared/source.ts';
import type { CriticalInformationType } from './criticalInformationTypes.ts';
import { callHeaders, type HeaderGeneration, patientHeader, roleHeader } from './headers.ts';
import { refusalOn } from './refusals.ts';

const KjRecord = z.object({
  id: z.string(),
  meta: z.object({ lastUpdated: z.string().optional() }).optional(),
  contained: z.array(z.looseObject({ resourceType: z.string(), id: z.string().optional() })).default([]),
  extension: z.array(FhirExtension).default([]),
});
const Annotations = z.array(z.object({ text: z.string() })).default([]);
const Categories = z.array(FhirCodeableConcept).default([]);

export const FhirConsent = KjRecord.extend({
  resourceType: z.literal('Consent'),
  status: z.string(),
  category: Categories,
  policyRule: FhirCodeableConcept.optional(),
  patient: FhirReference,
  dateTime: z.string().optional(),
  performer: z.array(FhirReference).default([]),
});
export const FhirAllergyIntolerance = KjRecord.extend({
  resourceType: z.literal('AllergyIntolerance'),
  clinicalStatus: FhirCodeableConcept.optional(),
  verificationStatus: FhirCodeableConcept.extend({ extension: z.array(FhirExtension).default([]) }).optional(),
  category: z.array(z.string()).default([]),
  criticality: z.string().optional(),
  code: FhirCodeableConcept,
  patient: FhirReference,
  onsetDateTime: z.string().optional(),
  recordedDate: z.string().optional(),
  recorder: FhirReference.optional(),
  note: Annotations,
  reaction: z
    .array(z.object({ manifestation: z.array(FhirCodeableConcept).default([]), severity: z.string().optional() }))
    .default([]),
});
export const FhirDeviceUseStatement = KjRecord.extend({
  resourceType: z.literal('DeviceUseStatement'),
  status: z.string(),
  subject: FhirReference,
  device: FhirReference,
  recordedOn: z.string().optional(),
  source: FhirReference.optional(),
  note: Annotations,
});
export const FhirCondition = KjRecord.extend({
  resourceType: z.literal('Condition'),
  clinicalStatus: FhirCodeableConcept.optional(),
  verificationStatus: FhirCodeableConcept.optional(),
  category: Categories,
  code: FhirCodeableConcept,
  subject: FhirReference,
  onsetDateTime: z.string().optional(),
  recordedDate: z.string().optional(),
  recorder: FhirReference.optional(),
  note: Annotations,
});
export const FhirProcedure = KjRecord.extend({
  resourceType: z.literal('Procedure'),
  status: z.string(),
  category: FhirCodeableConcept.optional(),
  code: FhirCodeableConcept,
  subject: FhirReference,
  performedDateTime: z.string().optional(),
  performedPeriod: FhirPeriod.optional(),
  recorder: FhirReference.optional(),
  note: Annotations,
});
export const FhirFlag = KjRecord.extend({
  resourceType: z.literal('Flag'),
  status: z.string(),
  category: Categories,
  code: FhirCodeableConcept,
  subject: FhirReference,
  period: FhirPeriod.optional(),
  author: FhirReference.optional(),
});
export const FhirDevice = z.object({
  resourceType: z.literal('Device'),
  type: FhirCodeableConcept.optional(),
  deviceName: z.array(z.object({ name: z.string() })).default([]),
});
/** The recorder, as kjernejournal keeps them: contained, with HPR number and organisation number. */
export const FhirPractitionerRole = z.object({
  resourceType: z.literal('PractitionerRole'),
  practitioner: FhirReference.optional(),
  organization: FhirReference.optional(),
  code: z.array(z.object({ text: z.string().optional(), coding: z.array(FhirCoding).default([]) })).default([]),
});

const resources = {
  Consent: FhirConsent,
  AllergyIntolerance: FhirAllergyIntolerance,
  DeviceUseStatement: FhirDeviceUseStatement,
  Condition: FhirCondition,
  Procedure: FhirProcedure,
  Flag: FhirFlag,
};
type Resources = { [Type in keyof typeof resources]: z.infer<(typeof resources)[Type]> };
const searchset = <Resource>(shape: z.ZodType<Resource>) =>
  z.object({
    resourceType: z.literal('Bundle'),
    link: z.array(z.object({ relation: z.string() })).default([]),
    // The shape is that of one resource type: an entry of another would be a fault, and is not left out in silence.
    entry: z.array(z.object({ resource: shape })).default([]),
  });

// Made once: zod compiles a shape when it first reads with it.
const searchsets: { [Type in CriticalInformationType]: ReturnType<typeof searchset<Resources[Type]>> } = {
  Consent: searchset(resources.Consent),
  AllergyIntolerance: searchset(resources.AllergyIntolerance),
  DeviceUseStatement: searchset(resources.DeviceUseStatement),
  Condition: searchset(resources.Condition),
  Procedure: searchset(resources.Procedure),
  Flag: searchset(resources.Flag),
};

export type CriticalResource<Type extends CriticalInformationType> = Resources[Type];
export type AnyCriticalResource = Resources[CriticalInformationType];

const authentication: Authentication = {
  as: 'user',
  audience: 'nhn:critical-information',
  scope: 'nhn:critical-information/api',
};

/** How this installation speaks with the service. */
export type CriticalInformationSettings = { headers: HeaderGeneration; sourceSystem: string };

/**
 * All records of one resource type about the patient, refuted and withdrawn ones included. The service's `POST /status` is not
 * asked first: what it says of restriction, block and reservation these calls say too, and it would cost a round trip.
 *
 * @returns all of them or an error, never a first page passed off as the whole. A 410, which is the answer about one deleted
 *   record, names none here, and so is an error like any other: not «nothing registered».
 */
export const readCriticalInformation = <Type extends CriticalInformationType>(
  source: Source,
  { headers: generation, sourceSystem }: CriticalInformationSettings,
  type: Type,
  patient: AssertedPatient,
  context: CallContext,
): Promise<Result<Opened<CriticalResource<Type>[]>>> => {
  const { assertion } = context;
  return askOrdinaryFirst<CriticalResource<Type>[]>(assertion.accessBasis, async (basis) => {
    const answer = await source.call(
      {
        method: 'GET',
        path: type,
        headers: {
          accept: 'application/fhir+json',
          ...patientHeader(generation, patient.nins[0]),
          ...roleHeader(generation, assertion),
          ...callHeaders(generation, { assertion, basis, sourceSystem }),
        },
        authentication,
        shape: searchsets[type],
        refusal: refusalOn(source.name, basis),
      },
      context,
    );
    if (!answer.ok) return answer;
    const { link, entry } = answer.value.value;
    if (link.some(({ relation }) => relation === 'next'))
      return { ok: false, error: { kind: 'invalid', source: source.name, paths: ['link.next'] } };
    return { ok: true, value: entry.map(({ resource }) => resource) };
  });
};
