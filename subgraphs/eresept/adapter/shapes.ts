import * as z from 'zod';
import {
  FhirCodeableConcept,
  FhirIdentifier,
  FhirPeriod,
  FhirQuantity,
  FhirReference,
  FhirResource,
} from '../../_shared/fhir.ts';
import { type Read, readBy } from '../../_shared/readBy.ts';

/** An extension of SFM's profiles. Most of what e-resept knows lies in these, several levels down. */
export type SfmExtension = {
  url: string;
  extension?: SfmExtension[] | undefined;
  valueString?: string | undefined;
  valueDate?: string | undefined;
  valueDateTime?: string | undefined;
  valueDecimal?: number | undefined;
  valueBoolean?: boolean | undefined;
  valueCodeableConcept?: FhirCodeableConcept | undefined;
  valueReference?: FhirReference | undefined;
};
const SfmExtension: z.ZodType<SfmExtension> = z.lazy(() =>
  z.object({
    url: z.string(),
    extension: z.array(SfmExtension).optional(),
    valueString: z.string().optional(),
    valueDate: z.string().optional(),
    valueDateTime: z.string().optional(),
    valueDecimal: z.number().optional(),
    valueBoolean: z.boolean().optional(),
    valueCodeableConcept: FhirCodeableConcept.optional(),
    valueReference: FhirReference.optional(),
  }),
);

const extension = z.array(SfmExtension).default([]);
/** E-resept names the kind of identifier (`ReseptId`, `PLL`, `M10id`) in the type's text. */
const TypedIdentifier = FhirIdentifier.extend({ type: z.object({ text: z.string().optional() }).optional() });
const identifier = z.array(TypedIdentifier).default([]);
const references = z.array(FhirReference).default([]);

const SfmResource = z.discriminatedUnion('resourceType', [
  z.object({
    resourceType: z.literal('Composition'),
    subject: FhirReference.optional(),
    section: z
      .array(
        z.object({
          code: FhirCodeableConcept.optional(),
          entry: references,
          emptyReason: FhirCodeableConcept.optional(),
        }),
      )
      .default([]),
  }),
  z.object({ resourceType: z.literal('Patient'), identifier }),
  z.object({
    resourceType: z.literal('Practitioner'),
    identifier,
    name: z
      .array(
        z.object({
          text: z.string().optional(),
          given: z.array(z.string()).default([]),
          family: z.string().optional(),
        }),
      )
      .default([]),
  }),
  z.object({
    resourceType: z.literal('PractitionerRole'),
    practitioner: FhirReference.optional(),
    organization: FhirReference.optional(),
  }),
  z.object({ resourceType: z.literal('Organization'), identifier, name: z.string().optional() }),
  z.object({
    resourceType: z.literal('Medication'),
    extension,
    code: FhirCodeableConcept.optional(),
    form: FhirCodeableConcept.optional(),
    ingredient: z
      .array(
        z.object({
          strength: z.object({ numerator: FhirQuantity.optional(), denominator: FhirQuantity.optional() }).optional(),
        }),
      )
      .default([]),
  }),
  z.object({
    resourceType: z.literal('MedicationStatement'),
    extension,
    identifier,
    status: z.string(),
    medicationReference: FhirReference.optional(),
    medicationCodeableConcept: FhirCodeableConcept.optional(),
    subject: FhirReference.optional(),
    partOf: references,
    effectiveDateTime: z.string().optional(),
    effectivePeriod: FhirPeriod.optional(),
    reasonCode: z.array(FhirCodeableConcept).default([]),
    dosage: z.array(z.object({ text: z.string().optional(), extension })).default([]),
  }),
  z.object({
    resourceType: z.literal('MedicationDispense'),
    extension,
    identifier,
    status: z.string(),
    medicationReference: FhirReference.optional(),
    medicationCodeableConcept: FhirCodeableConcept.optional(),
    subject: FhirReference.optional(),
    performer: z.array(z.object({ actor: FhirReference })).default([]),
    authorizingPrescription: references,
    quantity: FhirQuantity.optional(),
    whenHandedOver: z.string().optional(),
  }),
  z.object({
    resourceType: z.literal('Basic'),
    extension,
    code: FhirCodeableConcept,
    subject: FhirReference.optional(),
    author: FhirReference.optional(),
  }),
]);
export type SfmResource = z.infer<typeof SfmResource>;
export type SfmResourceOf<Kind extends SfmResource['resourceType']> = Extract<SfmResource, { resourceType: Kind }>;
const kinds = new Set<string>(SfmResource.options.map(({ shape }) => shape.resourceType.value));

const Bundle = z.object({
  resourceType: z.literal('Bundle'),
  type: z.literal('document'),
  entry: z.array(z.object({ fullUrl: z.string().optional(), resource: FhirResource })).default([]),
});
/** SFM's document, of the resources that are read here. */
export type SfmBundle = { entry: { fullUrl: string | undefined; resource: SfmResource }[] };

/** A kind that is not read here is left out; a known kind that breaks its shape makes the whole answer unusable. */
const readBundle = (document: unknown): Read<SfmBundle> => {
  const bundle = readBy(Bundle, document);
  if (!bundle.ok) return bundle;
  const entry: SfmBundle['entry'] = [];
  for (const [i, { fullUrl, resource }] of bundle.value.entry.entries()) {
    if (!kinds.has(resource.resourceType)) continue;
    const read = readBy(SfmResource, resource);
    if (!read.ok) {
      const at = `entry.${i}.resource.${resource.resourceType}`;
      return { ok: false, paths: read.paths.map((path) => `${at}.${path}`) };
    }
    entry.push({ fullUrl, resource: read.value });
  }
  return { ok: true, value: { entry } };
};

const Parameters = z.object({
  resourceType: z.literal('Parameters'),
  parameter: z.array(
    z.object({
      name: z.string(),
      resource: z.unknown().optional(),
      valueDateTime: z.string().optional(),
      valueBoolean: z.boolean().optional(),
      valueCodeableConcept: FhirCodeableConcept.optional(),
    }),
  ),
});

/** The three upstreams that SFM asks, as its answer names their outcome; `null` where it says nothing. */
export type UpstreamCodes = {
  kjernejournal: string | null;
  prescriptions: string | null;
  medicationList: string | null;
};

/** What `$getMedication` answers: a document about one patient, and how each upstream did. */
export const MedicationAnswer = Parameters.transform(({ parameter }, context) => {
  const named = (name: string) => parameter.find((it) => it.name === name);
  const codeOf = (name: string) => named(name)?.valueCodeableConcept?.coding.find(({ code }) => code)?.code ?? null;
  const codes: UpstreamCodes = {
    kjernejournal: codeOf('KJFeilkode'),
    prescriptions: codeOf('RFM96Feilkode'),
    medicationList: codeOf('RFM912Feilkode'),
  };
  const document = named('medication')?.resource;
  const bundle = document === undefined ? null : readBundle(document);
  if (bundle && !bundle.ok) {
    for (const path of bundle.paths)
      context.addIssue({ code: 'custom', message: 'unusable', path: ['medication', ...path.split('.')] });
    return z.NEVER;
  }
  return {
    bundle: bundle?.value ?? null,
    codes,
    retrieved: named('RFHentetTidspunkt')?.valueDateTime ?? null,
    locked: {
      kjernejournal: named('KJHarLaste')?.valueBoolean ?? null,
      prescriptions: named('RFHarLaste')?.valueBoolean ?? null,
    },
  };
});
export type MedicationAnswer = z.infer<typeof MedicationAnswer>;
