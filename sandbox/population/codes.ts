import serviceTypes from './data/serviceTypes.json' with { type: 'json' };
import type { Concept } from './model.ts';

const coded =
  (system: string) =>
  (code: string, display: string): Concept => ({ system, code, display });

/** Concepts by their code system, as the services spell it (reference 15). */
export const atc = coded('http://www.whocc.no/atc');
export const sct = coded('http://snomed.info/sct');
export const icd10 = coded('http://hl7.org/fhir/sid/icd-10-no');
export const nlk = coded('http://ehelse.no/fhir/CodeSystem/no-kodeverk-7280-nlk');
export const ncrp = coded('http://ehelse.no/fhir/CodeSystem/no-kodeverk-7270-ncrp');
export const labArea = coded('http://ehelse.no/fhir/CodeSystem/no-kodeverk-8202');
export const specimen = coded('http://ehelse.no/fhir/CodeSystem/no-kodeverk-8351');
const reaction = coded('urn:oid:2.16.578.1.12.4.1.1.7497');
const prescriptionStatus = coded('urn:oid:2.16.578.1.12.4.1.1.7408');
const medicineForm = coded('urn:oid:2.16.578.1.12.4.1.1.7448');
const documentType = coded('urn:oid:2.16.578.1.12.4.1.1.9602');

/** What the sandbox knows no code for travels as text, as it does in practice. */
export const text = (display: string): Concept => ({ display });

/** Code 1 of 7497 is inferred (reference 2.3), and the only one of that system used here. */
export const anaphylaxis = reaction('1', 'Anafylaktisk reaksjon');

export const areas = {
  biochemistry: labArea('CLIN', 'Medisinsk biokjemi'),
  microbiology: labArea('MBIO', 'Medisinsk mikrobiologi'),
};

export const specimens = {
  plasma: specimen('P', 'Plasma'),
  serum: specimen('S', 'Serum'),
  blood: specimen('B', 'Blod'),
  urine: specimen('U', 'Urin'),
};

export const statuses = {
  dispensable: prescriptionStatus('E', 'Ekspederbar'),
  dispensed: prescriptionStatus('U', 'Ekspedert'),
  recalled: prescriptionStatus('T', 'Tilbakekalt'),
};

export const tablet = medicineForm('53', 'Tablett');

/** Categories of 9602 that the national filter by category speaks of (reference 3.2). */
export const documentCategories = {
  summary: documentType('A00-1', 'Epikriser og sammenfatninger'),
  results: documentType('C00-1', 'Prøvesvar'),
  organFunction: documentType('D00-1', 'Organfunksjon'),
  imaging: documentType('E00-1', 'Bildediagnostikk'),
  correspondence: documentType('I00-1', 'Korrespondanse'),
};
/** Inferred (reference 3.3); documents of other kinds carry their category as type. */
export const dischargeSummary = documentType('A01-2', 'Epikrise');

const iplos = new Map(serviceTypes.tjenestetypeHelseOmsorg.koder.map(({ kode, navn }) => [kode, navn]));

/** Municipal health and care service, 9151. */
export const serviceType = (code: string): Concept => {
  const display = iplos.get(code);
  if (!display) throw new RangeError(`9151 has no code ${code}`);
  return { system: 'urn:oid:2.16.578.1.12.4.1.1.9151', code, display };
};
