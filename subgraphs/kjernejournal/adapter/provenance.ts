import { type CodeableConcept, type FhirCodeableConcept, type FhirReference, mapConcept } from '../../_shared/fhir.ts';

type Identifier = { system: string | null; value: string };
export type Organisation = { identifier: Identifier | null; name: string | null };
export type Practitioner = { identifier: Identifier | null; name: string | null; role: CodeableConcept | null };

/** Where a record comes from, before it is known when it was fetched. */
export type RecordProvenance = {
  organisation: Organisation | null;
  author: Practitioner | null;
  recorded: string | null;
};

const hprSystem = 'urn:oid:2.16.578.1.12.4.1.4.4';

export const mapOrganisation = ({
  identifier,
  display,
}: Pick<FhirReference, 'identifier' | 'display'>): Organisation => ({
  identifier: identifier?.value ? { system: identifier.system ?? null, value: identifier.value } : null,
  name: display ?? null,
});

/** Of a professional's identifiers only the HPR number goes on: the others may be a national id. */
export const mapPractitioner = (
  { identifier, display }: Pick<FhirReference, 'identifier' | 'display'>,
  role?: FhirCodeableConcept,
): Practitioner => ({
  identifier:
    identifier?.system === hprSystem && identifier.value ? { system: hprSystem, value: identifier.value } : null,
  name: display ?? null,
  role: role ? mapConcept(role) : null,
});
