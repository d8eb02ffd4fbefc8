import * as z from 'zod';
import {
  type CodeableConcept,
  FhirCodeableConcept,
  FhirExtension,
  FhirPeriod,
  FhirReference,
  mapConcept,
  mapPeriod,
  type Period,
} from '../../_shared/fhir.ts';
import catalogue from '../data/kommunale-tjenester.json' with { type: 'json' };
import type { EventResource } from '../ingest/event.ts';
import { readTime } from '../ingest/event.ts';
import { type Read, refuse } from '../ingest/refusal.ts';
import { nameOf } from './identity.ts';
import { type OrganizationState, organizationOf } from './organization.ts';
import type { ServiceRow } from './rows.ts';

export type ServiceState = {
  type: CodeableConcept;
  period: Period;
  extent: string | null;
  unit: OrganizationState | null;
  contact: { name: string | null; role: string | null; phone: string | null } | null;
};

/** Inferred: EpisodeOfCare has no element for OKT's `weeklyExtent`, and no published profile names an extension for it. */
export const extentExtension = 'https://kilde.example/fhir/StructureDefinition/weekly-extent';

const time = z.string().refine((text) => readTime(text) !== null, 'not a FHIR dateTime');
const EpisodeOfCare = z.object({
  resourceType: z.literal('EpisodeOfCare'),
  /** FHIR's `onhold`; OKT's mapping writes `on-hold` (reference 7.5). */
  status: z
    .enum(['planned', 'waitlist', 'active', 'onhold', 'on-hold', 'finished', 'cancelled', 'entered-in-error'])
    .transform((status) => (status === 'on-hold' ? ('onhold' as const) : status)),
  type: z.array(FhirCodeableConcept).default([]),
  period: FhirPeriod.extend({ start: time.optional(), end: time.optional() }).default({}),
  managingOrganization: FhirReference.optional(),
  careManager: FhirReference.optional(),
  contained: z.array(z.looseObject({ resourceType: z.string(), id: z.string().optional() })).default([]),
  extension: z.array(FhirExtension).default([]),
});
const Contact = z.object({
  practitioner: FhirReference.optional(),
  code: z.array(FhirCodeableConcept).default([]),
  telecom: z.array(z.object({ system: z.string().optional(), value: z.string().optional() })).default([]),
});

const { oid, koder: codes } = catalogue.tjenestetypeHelseOmsorg;

/** Names the codes of 9151 that came without a name. Other codes, stay types among them, stay as they are. */
const typeOf = (concepts: z.infer<typeof FhirCodeableConcept>[]): CodeableConcept => {
  const coding = concepts
    .flatMap((concept) => concept.coding)
    .map((code) => {
      const name = code.system === oid && codes.find(({ kode }) => kode === code.code)?.navn;
      return name && !code.display ? { ...code, display: name } : code;
    });
  return mapConcept({ text: concepts.find(({ text }) => text)?.text, coding });
};

const contactOf = ({ careManager, contained }: z.infer<typeof EpisodeOfCare>): ServiceState['contact'] => {
  if (!careManager) return null;
  const held = contained.find(({ id }) => careManager.reference === `#${id}`);
  const { data } = Contact.safeParse(held);
  const role = data?.code[0] && mapConcept(data.code[0]).text;
  return {
    name: careManager.display ?? data?.practitioner?.display ?? null,
    role: role ?? null,
    phone: data?.telecom.find(({ system }) => system === 'phone')?.value ?? null,
  };
};

/** EpisodeOfCare -> the state of one municipal service; `null` for other resources. */
export const readService = (entry: EventResource, unnamed: string): Read<ServiceRow> | null => {
  if (entry.resource.resourceType !== 'EpisodeOfCare') return null;
  const { data: episode, error } = EpisodeOfCare.safeParse(entry.resource);
  if (error) return refuse('not a usable EpisodeOfCare', ...error.issues.map(({ path }) => path.join('.')));
  const extent = episode.extension.find(({ url }) => url === extentExtension)?.['valueString'];
  return {
    ok: true,
    value: {
      thing: nameOf(entry, unnamed),
      status: episode.status,
      state: {
        type: typeOf(episode.type),
        period: mapPeriod(episode.period),
        extent: typeof extent === 'string' ? extent : null,
        unit: episode.managingOrganization ? organizationOf(episode.managingOrganization) : null,
        contact: contactOf(episode),
      },
    },
  };
};
