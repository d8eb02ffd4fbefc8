import { allow, federationEntry, mayRead, type Rules } from '../_shared/shield.ts';

/** Types below Patient are reached only through its fields, which are decided on here. */
export const rules: Rules = {
  Query: federationEntry,
  _Service: allow,
  Patient: {
    id: allow,
    municipalServices: mayRead('municipalServices'),
    earlyWarningScores: mayRead('measurements'),
    events: mayRead('events'),
  },
  MunicipalServiceGroup: allow,
  MunicipalService: allow,
  ServiceContact: allow,
  EarlyWarningScoreGroup: allow,
  EarlyWarningScore: allow,
  EarlyWarningPart: allow,
  EventGroup: allow,
  RecordedEvent: allow,
  PageInfo: allow,
  Absence: allow,
  Provenance: allow,
  Identifier: allow,
  Organization: allow,
  Practitioner: allow,
  CodeableConcept: allow,
  Coding: allow,
  Quantity: allow,
  Period: allow,
};
