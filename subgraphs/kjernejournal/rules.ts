import { allow, federationEntry, mayRead, type Rules } from '../_shared/shield.ts';

/** Everything here is reached through a patient that the assertion names, in a category that it permits. */
export const rules: Rules = {
  Query: federationEntry,
  _Service: allow,
  Patient: {
    id: allow,
    criticalInformation: mayRead('criticalInformation'),
    documents: mayRead('documents'),
  },
  CriticalInformation: allow,
  TreatmentLimitation: allow,
  AllergyIntolerance: allow,
  AllergyReaction: allow,
  Implant: allow,
  CriticalCondition: allow,
  DocumentGroup: allow,
  DocumentReference: allow,
  Absence: allow,
  Provenance: allow,
  Organization: allow,
  Practitioner: allow,
  Identifier: allow,
  CodeableConcept: allow,
  Coding: allow,
  PageInfo: allow,
};
