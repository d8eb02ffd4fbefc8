import { allow, federationEntry, mayRead, type Rules } from '../_shared/shield.ts';

/** Everything below `Patient.medication` is reached through it only, and decided there. */
export const rules: Rules = {
  Query: federationEntry,
  _Service: allow,
  Patient: { id: allow, medication: mayRead('medication') },
  MedicationGroup: allow,
  PartialFailure: allow,
  Medication: allow,
  MedicationStatement: allow,
  Prescription: allow,
  PrescriptionPage: allow,
  MedicationDispense: allow,
  DispensePage: allow,
  MedicationList: allow,
  Absence: allow,
  Provenance: allow,
  Practitioner: allow,
  Organization: allow,
  Identifier: allow,
  CodeableConcept: allow,
  Coding: allow,
  PageInfo: allow,
};
