import { allow, federationEntry, mayRead, type Rules } from '../_shared/shield.ts';

/** Who may see which field. Types without a rule of their own are reached only through `Patient`. */
export const rules: Rules = {
  Query: federationEntry,
  _Service: allow,
  Patient: { id: allow, labReports: mayRead('laboratory'), imagingReports: mayRead('imaging') },
  LabReportGroup: allow,
  ImagingReportGroup: allow,
  LabReport: allow,
  ImagingReport: allow,
  DiagnosticObservation: allow,
  Specimen: allow,
  ReportParty: allow,
  Range: allow,
  Absence: allow,
  Provenance: allow,
  Identifier: allow,
  Organization: allow,
  Practitioner: allow,
  Coding: allow,
  CodeableConcept: allow,
  Quantity: allow,
  PageInfo: allow,
};
