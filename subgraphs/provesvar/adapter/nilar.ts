import * as z from 'zod';
import { FhirCodeableConcept, FhirCoding, FhirIdentifier, FhirQuantity, FhirReference } from '../../_shared/fhir.ts';

/**
 * The profiles of the implementation guide `http://nhn.no/fhir/nilar` (1.5.0), as far as they are read. Most elements are
 * optional here though the profile requires them: the guide itself warns that laboratories' messages vary.
 */
const structure = 'http://nhn.no/fhir/nilar/StructureDefinition';
export const extensionUrls = {
  /** First publication; `issued` is the version's own time. */
  reportDate: `${structure}/nilar-report-date`,
  comment: `${structure}/nilar-comment`,
  /** From an observation back to its report, exactly one. */
  diagnosticReport: `${structure}/nilar-diagnostic-report-ref`,
  accredited: `${structure}/nilar-accredited`,
} as const;

/** How NLK is written where we write it; where we read, any of its spellings will do (`isNorwegianSystem`). */
export const nlkSystem = 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-7280-nlk';

const Annotation = z.object({ text: z.string() });
const Extension = z.object({
  url: z.string(),
  valueDateTime: z.string().optional(),
  valueBoolean: z.boolean().optional(),
  valueReference: FhirReference.optional(),
  valueAnnotation: Annotation.optional(),
  valueCodeableConcept: FhirCodeableConcept.optional(),
});

/** Subject is by identifier only: there is no Patient resource. */
const aboutSomebody = {
  id: z.string(),
  subject: z.object({ identifier: FhirIdentifier.optional() }).optional(),
};

export const NilarReport = z.object({
  ...aboutSomebody,
  status: z.string(),
  category: z.array(FhirCodeableConcept).default([]),
  code: FhirCodeableConcept.optional(),
  effectiveDateTime: z.string().optional(),
  issued: z.string().optional(),
  basedOn: z.array(FhirReference).default([]),
  performer: z.array(FhirReference).default([]),
  specimen: z.array(FhirReference).default([]),
  result: z.array(FhirReference).default([]),
  extension: z.array(Extension).default([]),
});
export type NilarReport = z.infer<typeof NilarReport>;

export const NilarObservation = z.object({
  ...aboutSomebody,
  meta: z.object({ tag: z.array(FhirCoding).default([]) }).optional(),
  status: z.string(),
  category: z.array(FhirCodeableConcept).default([]),
  code: FhirCodeableConcept,
  method: FhirCodeableConcept.optional(),
  effectiveDateTime: z.string().optional(),
  issued: z.string().optional(),
  valueQuantity: FhirQuantity.optional(),
  valueString: z.string().optional(),
  valueCodeableConcept: FhirCodeableConcept.optional(),
  valueDateTime: z.string().optional(),
  valueRange: z.object({ low: FhirQuantity.optional(), high: FhirQuantity.optional() }).optional(),
  interpretation: z.array(FhirCodeableConcept).default([]),
  referenceRange: z
    .array(z.object({ text: z.string().optional(), low: FhirQuantity.optional(), high: FhirQuantity.optional() }))
    .default([]),
  note: z.array(Annotation).default([]),
  hasMember: z.array(FhirReference).default([]),
  extension: z.array(Extension).default([]),
});
export type NilarObservation = z.infer<typeof NilarObservation>;

export const NilarSpecimen = z.object({
  ...aboutSomebody,
  type: FhirCodeableConcept.optional(),
  collection: z.object({ collectedDateTime: z.string().optional() }).optional(),
});
export type NilarSpecimen = z.infer<typeof NilarSpecimen>;

export const NilarServiceRequest = z.object({
  ...aboutSomebody,
  requester: FhirReference.optional(),
});
export type NilarServiceRequest = z.infer<typeof NilarServiceRequest>;

/** Holds person and organisation by identifier and display only. */
export const NilarPractitionerRole = z.object({
  id: z.string(),
  practitioner: FhirReference.optional(),
  organization: FhirReference.optional(),
});
export type NilarPractitionerRole = z.infer<typeof NilarPractitionerRole>;

/** Everything that an answer is made of, not joined yet. */
export type NilarResources = {
  reports: NilarReport[];
  observations: NilarObservation[];
  specimens: NilarSpecimen[];
  serviceRequests: NilarServiceRequest[];
  practitionerRoles: NilarPractitionerRole[];
};

/** The national id that a resource names as its subject. */
export const subjectOf = ({ subject }: { subject?: NilarReport['subject'] }): string | null =>
  subject?.identifier?.value ?? null;

/** `DiagnosticReport/17`, relative or absolute, with or without version -> `17`. */
export const idIn = (reference: string | undefined): string | null => {
  if (!reference) return null;
  const versioned = reference.lastIndexOf('/_history/');
  const named = versioned < 0 ? reference : reference.slice(0, versioned);
  return named.slice(named.lastIndexOf('/') + 1) || null;
};
