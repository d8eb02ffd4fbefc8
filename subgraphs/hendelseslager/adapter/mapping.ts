import { hash } from 'node:crypto';
import * as z from 'zod';
import { withoutNationalIds } from '../../../schema/nationalIdText.ts';
import { type CodeableConcept, FhirCodeableConcept, FhirCoding, mapConcept } from '../../_shared/fhir.ts';
import { resourcesOf } from '../ingest/event.ts';
import { organisationSystem, type PractitionerState } from '../readModels/organization.ts';
import { conceptOf } from '../readModels/panelCodes.ts';
import { type Part, parts } from '../readModels/score.ts';
import type { EventRow, PanelRow, ServiceRow } from './client.ts';

export const SOURCE = 'HENDELSESLAGER';

type Origin = { legal_entity: string; recorded: Date };
/** The municipality is named on every record: what is read by agreement with another one shows it. */
const provenanceOf = (row: Origin, author: PractitionerState | null, retrieved: string) => ({
  source: SOURCE,
  organisation: { identifier: { system: organisationSystem, value: row.legal_entity }, name: null },
  recorded: row.recorded.toISOString(),
  author,
  retrieved,
});

/** An id that stays the same from one statement about a thing to the next, and tells nothing of the sender's own id. */
const idOf = (...names: string[]): string => hash('sha256', names.join('\n'), 'base64url').slice(0, 22);

export const mapService = (row: ServiceRow, retrieved: string) => ({
  id: idOf(row.legal_entity, row.episode),
  status: row.status,
  ...row.state,
  provenance: provenanceOf(row, null, retrieved),
});
export type MunicipalService = ReturnType<typeof mapService>;

const adultFrom = 16;
/** NEWS2 is not made for children under 16. `null` when the birth date is not known to the day. */
const isApplicable = (birthDate: string | null, measured: string): boolean | null => {
  const [, year, day] = /^(\d{4})(-\d{2}-\d{2})$/.exec(birthDate ?? '') ?? [];
  if (year === undefined || measured.length < 10) return null;
  return `${Number(year) + adultFrom}${day}` <= measured.slice(0, 10);
};

export const mapPanel = (row: PanelRow, birthDate: string | null, retrieved: string) => {
  const { parts: measured, performer, ...state } = row.state;
  const applicable = isApplicable(birthDate, state.measured);
  const isUsable = ({ points }: { points: number | null }) => points !== null;
  const scored = new Set<Part>(measured.filter(isUsable).map(({ part }) => part));
  return {
    id: idOf(row.legal_entity, row.observation),
    ...state,
    risk: applicable === false ? null : state.risk,
    applicable,
    parts: measured.map(({ part, ...it }) => ({ code: conceptOf(part), ...it })),
    missing: parts.filter((part) => !scored.has(part)).map(conceptOf),
    performer,
    provenance: provenanceOf(row, performer, retrieved),
  };
};
export type EarlyWarningScore = ReturnType<typeof mapPanel>;

/** Change over the complete scores of a window that counts as one: two points. Inferred: RCP names no such figure. */
const change = 2;

/** The newest complete score against the oldest; `null` when there are not two to compare. */
export const trendOf = (newestFirst: readonly { score: number | null }[]): 'RISING' | 'FALLING' | 'STABLE' | null => {
  const scores = newestFirst.map(({ score }) => score).filter((score) => score !== null);
  if (scores.length < 2) return null;
  const difference = scores[0]! - scores.at(-1)!;
  if (Math.abs(difference) < change) return 'STABLE';
  return difference > 0 ? 'RISING' : 'FALLING';
};

const First = z.object({
  entry: z
    .array(
      z.object({ resource: z.object({ eventCoding: FhirCoding.optional(), type: FhirCodeableConcept.optional() }) }),
    )
    .min(1),
});

/** The kind of event as its format says it: MessageHeader.eventCoding, Composition.type, or the CloudEvent's type. */
const typeOf = ({ payload, type, format }: EventRow): CodeableConcept => {
  const { eventCoding, type: documentType } = First.safeParse(payload).data?.entry[0]?.resource ?? {};
  if (format === 'fhir-message' && eventCoding) return mapConcept({ coding: [eventCoding] });
  if (format === 'fhir-document' && documentType) return mapConcept(documentType);
  return mapConcept({ text: type, coding: [{ code: type }] });
};

export const mapEvent = (row: EventRow, retrieved: string) => ({
  id: row.event_id,
  type: typeOf(row),
  format: row.format,
  occurred: row.occurred,
  securityLabel: row.security_label,
  resourceTypes: [...new Set(resourcesOf(row.payload).map(({ resource }) => resource.resourceType))],
  sourceSystem: row.source_system,
  corrects: row.corrects,
  content: withoutNationalIds(JSON.stringify(row.payload)),
  provenance: provenanceOf(row, null, retrieved),
});
export type RecordedEvent = ReturnType<typeof mapEvent>;
