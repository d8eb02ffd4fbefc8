import * as z from 'zod';
import {
  type CodeableConcept,
  FhirCodeableConcept,
  FhirPeriod,
  FhirQuantity,
  FhirReference,
  mapConcept,
  mapQuantity,
  type Quantity,
} from '../../_shared/fhir.ts';
import type { EventResource } from '../ingest/event.ts';
import { readTime } from '../ingest/event.ts';
import { type Read, refuse } from '../ingest/refusal.ts';
import { nameOf } from './identity.ts';
import { type OrganizationState, organisationSystem, organizationOf, type PractitionerState } from './organization.ts';
import {
  isAirOrOxygen,
  isInUnit,
  isPanel,
  measuredPart,
  readConsciousness,
  readOxygen,
  scaleOf,
} from './panelCodes.ts';
import type { PanelRow } from './rows.ts';
import { type Measured, type Part, parts, type Risk, scorePanel } from './score.ts';

export type PanelState = {
  measured: string;
  scale: 1 | 2 | null;
  supplementalOxygen: boolean | null;
  /** As the measuring system wrote it. */
  reportedScore: number | null;
  /** Recomputed from the parts. */
  score: number | null;
  complete: boolean;
  /** Whether the two scores differ; `null` where one of them is missing. */
  mismatch: boolean | null;
  risk: Risk | null;
  parts: { part: Part; value: Quantity | null; finding: CodeableConcept | null; points: number | null }[];
  performer: PractitionerState | null;
  unit: OrganizationState | null;
};

const value = {
  code: FhirCodeableConcept,
  valueQuantity: FhirQuantity.optional(),
  valueInteger: z.number().int().optional(),
  valueBoolean: z.boolean().optional(),
  valueString: z.string().optional(),
  valueCodeableConcept: FhirCodeableConcept.optional(),
};
const Component = z.object(value);
type Component = z.infer<typeof Component>;
const Observation = z.object({
  resourceType: z.literal('Observation'),
  status: z.string().min(1),
  ...value,
  effectiveDateTime: z.string().optional(),
  effectiveInstant: z.string().optional(),
  effectivePeriod: FhirPeriod.optional(),
  performer: z.array(FhirReference).default([]),
  component: z.array(Component).default([]),
  hasMember: z.array(FhirReference).default([]),
});
type Observation = z.infer<typeof Observation>;
const Coded = z.object({ resourceType: z.literal('Observation'), code: FhirCodeableConcept });

/** The panel's own components, and its members with theirs: blood pressure comes as a panel within the panel. */
const componentsOf = (observation: Observation, all: readonly EventResource[]): Component[] => [
  ...observation.component,
  ...observation.hasMember.flatMap(({ reference }) => {
    const member = all.find(
      ({ fullUrl, resource }) => reference && (fullUrl === reference || reference === `Observation/${resource.id}`),
    );
    const { data } = Observation.safeParse(member?.resource);
    // A withdrawn member is no measurement.
    return data && data.status !== 'entered-in-error' ? [data, ...data.component] : [];
  }),
];

const numberOf = (component: Component | undefined): number | null =>
  component?.valueQuantity?.value ?? component?.valueInteger ?? null;

/** A number that can be scored: in the chart's unit, and the value itself, not a bound of it. */
const scorable = (part: Part, { valueQuantity }: Component): number | null =>
  valueQuantity?.value !== undefined && !valueQuantity.comparator && isInUnit(part, valueQuantity)
    ? valueQuantity.value
    : null;

const oxygenOf = (component: Component | undefined): boolean | null => {
  if (!component) return null;
  if (component.valueBoolean !== undefined) return component.valueBoolean;
  if (component.valueCodeableConcept) return readOxygen(component.valueCodeableConcept);
  const points = numberOf(component); // or as the subscore that it is: 0 for air, 2 for oxygen
  return points === 2 ? true : points === 0 ? false : null;
};

const findingOf = ({ valueCodeableConcept, valueString }: Component): CodeableConcept | null => {
  if (valueCodeableConcept) return mapConcept(valueCodeableConcept);
  return valueString === undefined ? null : mapConcept({ text: valueString, coding: [] });
};

/** Observation with the NEWS2 code -> its parts, both scores, and whether they agree; `null` for other resources. */
export const readPanel = (
  entry: EventResource,
  all: readonly EventResource[],
  unnamed: string,
): Read<PanelRow> | null => {
  const coded = Coded.safeParse(entry.resource).data;
  if (!coded || !isPanel(coded.code)) return null;
  const { data: observation, error } = Observation.safeParse(entry.resource);
  if (error) return refuse('not a usable NEWS2 Observation', ...error.issues.map(({ path }) => path.join('.')));
  const { effectiveDateTime, effectiveInstant, effectivePeriod } = observation;
  const measured = readTime(effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start ?? '');
  if (!measured) return refuse('the time of measuring is missing or no FHIR dateTime', 'effectiveDateTime');

  const components = componentsOf(observation, all);
  const found = new Map<Part, Component>();
  for (const component of components) {
    const part = isAirOrOxygen(component.code) ? 'airOrOxygen' : measuredPart(component.code);
    if (part === null) continue;
    if (found.has(part)) return refuse('a part of NEWS2 is there twice', 'component');
    found.set(part, component);
  }
  const numberFor = (part: Part): number | null => {
    const component = found.get(part);
    return component ? scorable(part, component) : null;
  };
  const consciousness = found.get('consciousness');
  const values: Measured = {
    respiratoryRate: numberFor('respiratoryRate'),
    oxygenSaturation: numberFor('oxygenSaturation'),
    scale: scaleOf(components.map(({ code }) => code)),
    supplementalOxygen: oxygenOf(found.get('airOrOxygen')),
    systolicBloodPressure: numberFor('systolicBloodPressure'),
    heartRate: numberFor('heartRate'),
    consciousness: consciousness
      ? readConsciousness(consciousness.valueCodeableConcept ?? { text: consciousness.valueString, coding: [] })
      : null,
    temperature: numberFor('temperature'),
  };
  const { points, complete, total, risk } = scorePanel(values);
  const reportedScore = numberOf(observation);
  const people = observation.performer.filter(({ identifier }) => identifier?.system !== organisationSystem);
  const units = observation.performer.filter(({ identifier }) => identifier?.system === organisationSystem);
  return {
    ok: true,
    value: {
      thing: nameOf(entry, unnamed),
      status: observation.status,
      measuredAt: measured.at,
      state: {
        measured: measured.text,
        scale: values.scale,
        supplementalOxygen: values.supplementalOxygen,
        reportedScore,
        score: total,
        complete,
        mismatch: total === null || reportedScore === null ? null : total !== reportedScore,
        risk,
        parts: parts.flatMap((part) => {
          const component = found.get(part);
          if (!component) return [];
          const { valueQuantity } = component;
          return [
            {
              part,
              value: valueQuantity ? mapQuantity(valueQuantity) : null,
              finding: findingOf(component),
              points: points[part],
            },
          ];
        }),
        performer: people[0] ? { ...organizationOf(people[0]), role: null } : null,
        unit: units[0] ? organizationOf(units[0]) : null,
      },
    },
  };
};
