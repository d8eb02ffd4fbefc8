import type { z } from 'zod';
import type { FhirCodeableConcept } from '../../_shared/fhir.ts';
import news2 from '../data/news2.json' with { type: 'json' };
import { type Consciousness, consciousnessLevels, type Part } from './score.ts';

const loinc = 'http://loinc.org';
const { system: snomed, total, delskår: subscores, acvpu } = news2.snomed;
const { parametere: chart } = news2;

/** Codes of the measured value of each part: LOINC from the chart, SNOMED CT from reference 7.4. */
const measurements: Record<Exclude<Part, 'airOrOxygen'>, readonly (readonly [system: string, code: string])[]> = {
  respiratoryRate: [
    [loinc, chart.respirasjonsfrekvens.loinc],
    [snomed, '86290005'],
  ],
  oxygenSaturation: [
    [loinc, chart.spo2Skala1.loinc],
    [snomed, '431314004'],
  ],
  systolicBloodPressure: [
    [loinc, chart.systoliskBlodtrykk.loinc],
    [snomed, '271649006'],
  ],
  heartRate: [
    [loinc, chart.puls.loinc],
    [snomed, '364075005'],
  ],
  consciousness: [[snomed, acvpu]],
  temperature: [
    [loinc, chart.temperatur.loinc],
    [snomed, '276885007'],
  ],
};

type Concept = z.infer<typeof FhirCodeableConcept>;
const has = ({ coding }: Concept, system: string, code: string): boolean =>
  coding.some((it) => it.code === code && (it.system === system || it.system === undefined));

export const isPanel = (code: Concept): boolean => has(code, snomed, total);

/** Which part's measured value the code names; `null` for anything else, subscores too. */
export const measuredPart = (code: Concept): Exclude<Part, 'airOrOxygen'> | null => {
  const found = Object.entries(measurements).find(([, codes]) => codes.some(([system, it]) => has(code, system, it)));
  return found ? (found[0] as Exclude<Part, 'airOrOxygen'>) : null;
};

export const isAirOrOxygen = (code: Concept): boolean => has(code, snomed, subscores.luftEllerOksygen);

/** The SpO2 scale is said by which subscore the panel carries. */
export const scaleOf = (codes: readonly Concept[]): 1 | 2 | null => {
  const first = codes.some((code) => has(code, snomed, subscores.spo2Skala1));
  const second = codes.some((code) => has(code, snomed, subscores.spo2Skala2));
  if (first && second) return null; // «aldri begge»
  return second ? 2 : 1; // scale 2 is by prescription only, so a panel that says nothing is on scale 1
};

/**
 * Inferred: how Norwegian senders code air and oxygen, and ACVPU, is not published. Read are words and letters, and SNOMED CT's
 * findings as HL7 UK Core lists them in its value set ACVPU and in its NEWS2 profiles.
 */
const oxygenFindings: Record<string, boolean> = {
  '371825009': true,
  '722742002': false,
  oksygen: true,
  romluft: false,
};
const consciousnessFindings: Record<string, Consciousness> = {
  '248234008': 'A',
  '130987000': 'C',
  '300202002': 'V',
  '450847001': 'P',
  '422768004': 'U',
};

export const readOxygen = (value: Concept): boolean | null =>
  value.coding.map(({ code }) => oxygenFindings[code ?? '']).find((it) => it !== undefined) ?? null;

export const readConsciousness = (value: Concept): Consciousness | null => {
  const written = [...value.coding.map(({ code }) => code), value.text];
  return (
    consciousnessLevels.find((level) => written.includes(level)) ??
    written.map((code) => consciousnessFindings[code ?? '']).find((it) => it !== undefined) ??
    null
  );
};

const chartOf: Partial<Record<Part, { ucum: string; enhet: string }>> = {
  respiratoryRate: chart.respirasjonsfrekvens,
  oxygenSaturation: chart.spo2Skala1,
  systolicBloodPressure: chart.systoliskBlodtrykk,
  heartRate: chart.puls,
  temperature: chart.temperatur,
};

/** Whether a value is in the chart's unit; one in another unit, or in none, cannot be scored. */
export const isInUnit = (part: Part, unit: { code?: string | undefined; unit?: string | undefined }): boolean => {
  const row = chartOf[part];
  if (!row) return false;
  return unit.code === undefined ? unit.unit === row.enhet || unit.unit === row.ucum : unit.code === row.ucum;
};

const texts: Record<Part, string> = {
  respiratoryRate: 'Respirasjonsfrekvens',
  oxygenSaturation: 'Oksygenmetning (SpO2)',
  airOrOxygen: 'Luft eller oksygen',
  systolicBloodPressure: 'Systolisk blodtrykk',
  heartRate: 'Puls',
  consciousness: 'Bevissthet (ACVPU)',
  temperature: 'Temperatur',
};

/** The part as a concept, to show. */
export const conceptOf = (part: Part) => {
  const [system, code] = part === 'airOrOxygen' ? [snomed, subscores.luftEllerOksygen] : measurements[part][0]!;
  return { text: texts[part], coding: [{ system, code, display: null, version: null }] };
};
