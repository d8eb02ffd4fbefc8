import type * as z from 'zod';
import {
  type CodeableConcept,
  type FhirCodeableConcept,
  type FhirExtension,
  type FhirReference,
  mapConcept,
} from '../../_shared/fhir.ts';
import { readBy } from '../../_shared/readBy.ts';
import {
  type AnyCriticalResource,
  type CriticalResource,
  FhirDevice,
  FhirPractitionerRole,
} from './criticalInformationClient.ts';
import { criticalInformationTypes, kindsOfCriticalInformation } from './criticalInformationTypes.ts';
import { mapOrganisation, mapPractitioner, type RecordProvenance } from './provenance.ts';

type Entry = { id: string; provenance: RecordProvenance };
export type TreatmentLimitation = Entry & {
  limitation: CodeableConcept;
  statement: string | null;
  decided: string | null;
  validUntil: string | null;
};
export type AllergyIntolerance = Entry & {
  code: CodeableConcept;
  category: string[];
  criticality: string | null;
  clinicalStatus: CodeableConcept | null;
  verificationStatus: CodeableConcept | null;
  reactions: { manifestation: CodeableConcept[]; severity: string | null }[];
  onset: string | null;
  note: string | null;
};
export type Implant = Entry & { device: CodeableConcept; since: string | null; note: string | null };
export type CriticalCondition = Entry & {
  kind: CodeableConcept;
  code: CodeableConcept;
  clinicalStatus: CodeableConcept | null;
  verificationStatus: CodeableConcept | null;
  since: string | null;
  note: string | null;
};

/** The national id that the record itself names as its subject. */
export const subjectOf = (resource: AnyCriticalResource): string | null => {
  const { identifier } = 'patient' in resource ? resource.patient : resource.subject;
  return identifier?.value ?? null;
};

/** Whether its owner has refuted it or recorded it in error. */
export const isWithdrawn = (resource: AnyCriticalResource): boolean => {
  const statuses =
    'status' in resource ? [resource.status] : resource.verificationStatus?.coding.map(({ code }) => code ?? '');
  const withdrawn: readonly string[] = criticalInformationTypes[resource.resourceType].withdrawn;
  return statuses?.some((status) => withdrawn.includes(status)) ?? false;
};

const optional = (concept: FhirCodeableConcept | undefined) => (concept ? mapConcept(concept) : null);
const textOf = (notes: { text: string }[]) => notes.map(({ text }) => text).join('\n') || null;

/** Several concepts that say one thing together: the first text, all codes. */
const joined = (concepts: FhirCodeableConcept[]): CodeableConcept => {
  const mapped = concepts.map(mapConcept);
  return { text: mapped.find(({ text }) => text)?.text ?? null, coding: mapped.flatMap(({ coding }) => coding) };
};

/** Kjernejournal's own extensions go by the last part of their address, with or without «Kj» before it, in any case. */
const isExtension = (url: string, name: string): boolean => {
  const last = url.slice(url.lastIndexOf('/')).toLowerCase();
  return last === `/${name}` || last === `/kj${name}`;
};
const extensionText = (extensions: z.infer<typeof FhirExtension>[], name: Lowercase<string>): string | null => {
  const found = extensions.find(({ url }) => isExtension(url, name));
  const value = found?.['valueString'] ?? found?.['valueDateTime'] ?? found?.['valueDate'];
  return typeof value === 'string' ? value : null;
};

/** The resource that is contained in another, where the reference names one and it is of the shape. */
const contained = <T>(
  shape: z.ZodType<T>,
  resource: AnyCriticalResource,
  reference: FhirReference | undefined,
): T | null => {
  if (!reference?.reference?.startsWith('#')) return null;
  const id = reference.reference.slice(1);
  const found = resource.contained.find((it) => it.id === id);
  const read = found && readBy(shape, found);
  return read?.ok ? read.value : null;
};

const provenanceOf = (
  resource: AnyCriticalResource,
  recorder: FhirReference | undefined,
  recorded: string | null | undefined,
): RecordProvenance => {
  const role = contained(FhirPractitionerRole, resource, recorder);
  return {
    organisation: role?.organization ? mapOrganisation(role.organization) : null,
    author: role?.practitioner ? mapPractitioner(role.practitioner, role.code[0]) : null,
    recorded: recorded ?? resource.meta?.lastUpdated ?? null,
  };
};

/** Consent -> decision to limit treatment. One past `validUntil` stands: the service says to show it as active. */
export const mapTreatmentLimitation = (consent: CriticalResource<'Consent'>): TreatmentLimitation => ({
  id: consent.id,
  limitation: joined([...(consent.policyRule ? [consent.policyRule] : []), ...consent.category]),
  statement:
    (['text', 'behandlingsavklaring-hlr-minus-reason'] as const)
      .map((name) => extensionText(consent.extension, name))
      .filter((text) => text !== null)
      .join('\n') || null,
  decided: consent.dateTime ?? null,
  validUntil: extensionText(consent.extension, 'validuntil'),
  provenance: provenanceOf(consent, consent.performer[0], null),
});

/** «Presumed» is an extension in R4 and a code in R5; either way it is kept, beside what FHIR says. */
const verificationOf = (
  status: NonNullable<CriticalResource<'AllergyIntolerance'>['verificationStatus']>,
): CodeableConcept => {
  const mapped = mapConcept(status);
  const presumed = status.extension.some(
    (extension) => isExtension(extension.url, 'presumed') && extension['valueBoolean'] === true,
  );
  if (!presumed) return mapped;
  const coding = {
    system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification',
    code: 'presumed',
    display: 'Sannsynlig',
    version: null,
  };
  return { text: status.text ?? coding.display, coding: [coding, ...mapped.coding] };
};

export const mapAllergyIntolerance = (allergy: CriticalResource<'AllergyIntolerance'>): AllergyIntolerance => ({
  id: allergy.id,
  code: mapConcept(allergy.code),
  category: allergy.category,
  criticality: allergy.criticality ?? null,
  clinicalStatus: optional(allergy.clinicalStatus),
  verificationStatus: allergy.verificationStatus ? verificationOf(allergy.verificationStatus) : null,
  reactions: allergy.reaction.map(({ manifestation, severity }) => ({
    manifestation: manifestation.map(mapConcept),
    severity: severity ?? null,
  })),
  onset: allergy.onsetDateTime ?? null,
  note: textOf(allergy.note),
  provenance: provenanceOf(allergy, allergy.recorder, allergy.recordedDate),
});

/** Mechanical implants come as statements about a device, transplants and other foreign bodies as conditions. */
export const mapDevice = (statement: CriticalResource<'DeviceUseStatement'>): Implant => {
  const device = contained(FhirDevice, statement, statement.device);
  const name = device?.deviceName[0]?.name ?? statement.device.display;
  return {
    id: statement.id,
    device: device?.type ? mapConcept(device.type) : { text: name ?? null, coding: [] },
    since: extensionText(statement.extension, 'implanted'),
    note: textOf(statement.note),
    provenance: provenanceOf(statement, statement.source, statement.recordedOn),
  };
};

export const isImplant = ({ category }: CriticalResource<'Condition'>): boolean =>
  category.some(({ coding }) => coding.some(({ code }) => code === kindsOfCriticalInformation.implant.code));

export const mapForeignBody = (condition: CriticalResource<'Condition'>): Implant => ({
  id: condition.id,
  device: mapConcept(condition.code),
  since: condition.onsetDateTime ?? null,
  note: textOf(condition.note),
  provenance: provenanceOf(condition, condition.recorder, condition.recordedDate),
});

export const mapCondition = (condition: CriticalResource<'Condition'>): CriticalCondition => ({
  id: condition.id,
  kind: joined(condition.category),
  code: mapConcept(condition.code),
  clinicalStatus: optional(condition.clinicalStatus),
  verificationStatus: optional(condition.verificationStatus),
  since: condition.onsetDateTime ?? null,
  note: textOf(condition.note),
  provenance: provenanceOf(condition, condition.recorder, condition.recordedDate),
});

export const mapProcedure = (procedure: CriticalResource<'Procedure'>): CriticalCondition => ({
  id: procedure.id,
  kind: joined(procedure.category ? [procedure.category] : []),
  code: mapConcept(procedure.code),
  clinicalStatus: null,
  verificationStatus: null,
  since: procedure.performedDateTime ?? procedure.performedPeriod?.start ?? null,
  note: textOf(procedure.note),
  provenance: provenanceOf(procedure, procedure.recorder, extensionText(procedure.extension, 'recordeddate')),
});

export const mapFlag = (flag: CriticalResource<'Flag'>): CriticalCondition => ({
  id: flag.id,
  kind: joined(flag.category),
  code: mapConcept(flag.code),
  clinicalStatus: null,
  verificationStatus: null,
  since: flag.period?.start ?? null,
  note: extensionText(flag.extension, 'text'),
  provenance: provenanceOf(flag, flag.author, null),
});
