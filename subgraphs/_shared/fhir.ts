import * as z from 'zod';

/** FHIR R4 data types as national services send them. Loose on purpose: unknown members occur, and are ignored. */
export const FhirCoding = z.object({
  system: z.string().optional(),
  code: z.string().optional(),
  display: z.string().optional(),
  version: z.string().optional(),
});
export const FhirCodeableConcept = z.object({
  text: z.string().optional(),
  coding: z.array(FhirCoding).default([]),
});
export type FhirCodeableConcept = z.infer<typeof FhirCodeableConcept>;
export const FhirIdentifier = z.object({
  system: z.string().optional(),
  value: z.string().optional(),
});
export const FhirReference = z.object({
  reference: z.string().optional(),
  identifier: FhirIdentifier.optional(),
  display: z.string().optional(),
});
export type FhirReference = z.infer<typeof FhirReference>;
export const FhirQuantity = z.object({
  value: z.number().optional(),
  comparator: z.string().optional(),
  unit: z.string().optional(),
  code: z.string().optional(),
});
export const FhirPeriod = z.object({
  start: z.string().optional(),
  end: z.string().optional(),
});
export const FhirExtension = z.looseObject({ url: z.string() });

/** Any resource of a bundle before its own shape has been read: taken as it is, without a copy. */
export type FhirResource = { resourceType: string; id?: string; [member: string]: unknown };
export const FhirResource = z.custom<FhirResource>(
  (value) =>
    typeof value === 'object' && value !== null && 'resourceType' in value && typeof value.resourceType === 'string',
);
export const FhirBundle = z.object({
  resourceType: z.literal('Bundle'),
  type: z.string(),
  total: z.number().optional(),
  link: z.array(z.object({ relation: z.string(), url: z.string() })).default([]),
  entry: z
    .array(
      z.object({
        fullUrl: z.string().optional(),
        resource: FhirResource,
        search: z.object({ mode: z.string() }).optional(),
      }),
    )
    .default([]),
});
export type FhirBundle = z.infer<typeof FhirBundle>;
export const FhirOperationOutcome = z.object({
  resourceType: z.literal('OperationOutcome'),
  issue: z.array(
    z.object({
      severity: z.string(),
      code: z.string(),
      details: FhirCodeableConcept.optional(),
      diagnostics: z.unknown().optional(),
    }),
  ),
});

export type Coding = {
  system: string | null;
  code: string | null;
  display: string | null;
  version: string | null;
};
export type CodeableConcept = { text: string | null; coding: Coding[] };
export type Quantity = {
  value: number | null;
  comparator: string | null;
  unit: string | null;
  code: string | null;
};
export type Period = { start: string | null; end: string | null };

/** FHIR -> this graph. The text to show is the source's own, or else the first code's name. */
export const mapConcept = (concept: FhirCodeableConcept): CodeableConcept => ({
  text: concept.text ?? concept.coding.find(({ display }) => display)?.display ?? null,
  coding: concept.coding.map(({ system, code, display, version }) => ({
    system: system ?? null,
    code: code ?? null,
    display: display ?? null,
    version: version ?? null,
  })),
});
export const mapQuantity = (quantity: z.infer<typeof FhirQuantity>): Quantity => ({
  value: quantity.value ?? null,
  comparator: quantity.comparator ?? null,
  unit: quantity.unit ?? null,
  code: quantity.code ?? null,
});
export const mapPeriod = (period: z.infer<typeof FhirPeriod>): Period => ({
  start: period.start ?? null,
  end: period.end ?? null,
});

/** How a numbered Norwegian code system ends, however it is written; compiled once for each number. */
const endings = new Map<number, RegExp>();
const endingOf = (number: number): RegExp => {
  const known = endings.get(number) ?? new RegExp(`(?:\\.|no-kodeverk-)${number}(?:-[a-z]+)?$`);
  endings.set(number, known);
  return known;
};

/**
 * Whether a code comes from the Norwegian code system of this number: `urn:oid:…1.1.8202`,
 * `http://ehelse.no/fhir/CodeSystem/no-kodeverk-8202`, `http://helsedir.no/…-8202` (reference 15).
 */
export const isNorwegianSystem = (system: string | null | undefined, number: number): boolean =>
  system !== null && system !== undefined && endingOf(number).test(system);
