import type { CodeableConcept, Period } from '../../../_shared/fhir.ts';
import { dateOf, norwegianCode } from '../soap.ts';
import type { PatientGPDetails } from './client.ts';

/** A doctor on a patient's list; `hprNumber` is `null` for a list that has no doctor at the moment. */
export type ListDoctor = {
  hprNumber: string | null;
  /** As this register has it; most answers leave it to the register of health personnel. */
  name: string | null;
  herId: number | null;
  relationship: CodeableConcept | null;
  substituteForHprNumber: string | null;
  period: Period | null;
  patientPeriod: Period | null;
};

const mapPeriod = (it: { From: string | null; To: string | null } | null): Period | null =>
  it && { start: dateOf(it.From), end: dateOf(it.To) };

/** FLR -> this graph: those who hold the list at `now` (ISO 8601), and the list itself when nobody does. */
export const mapDoctors = (details: PatientGPDetails, now: string): ListDoctor[] => {
  const contract = {
    herId: details.GPHerId === null ? null : Number(details.GPHerId),
    patientPeriod: mapPeriod(details.Period),
  };
  // The register writes times without an offset; compared as text, a border is up to two hours off, which no list is.
  const doctors = details.DoctorCycles.filter(
    ({ Valid }) => (Valid?.From ?? '') <= now && (!Valid?.To || Valid.To > now),
  ).map(
    (it): ListDoctor => ({
      ...contract,
      hprNumber: it.HprNumber,
      name: [it.GP?.FirstName, it.GP?.MiddleName, it.GP?.LastName].filter(Boolean).join(' ') || null,
      relationship:
        it.Relationship && norwegianCode(it.Relationship.OID, it.Relationship.CodeValue, it.Relationship.CodeText),
      substituteForHprNumber: it.SubstituteForHprNumber,
      period: mapPeriod(it.Valid),
    }),
  );
  if (doctors.length > 0) return doctors;
  return [{ ...contract, hprNumber: null, name: null, relationship: null, substituteForHprNumber: null, period: null }];
};
