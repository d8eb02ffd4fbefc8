import * as z from 'zod';
import { admits, identifierSystem, parseNationalId } from '../../../schema/nationalId.ts';
import { FhirIdentifier, FhirReference, type FhirResource } from '../../_shared/fhir.ts';
import type { EventResource } from './event.ts';
import { type Read, refuse } from './refusal.ts';

/** Whom an event is about. At least one of the two is there. */
export type Person = { nationalId: string | null; id: string | null };

/** fnr, D-number and shared auxiliary number (reference 12.1). */
const personSystem = /^urn:oid:2\.16\.578\.1\.12\.4\.1\.4\.[123]$/;
const uuidReference = /^urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

const Patient = z.object({ identifier: z.array(FhirIdentifier.extend({ use: z.string().optional() })).default([]) });

type Mention = { path: string; system?: string | undefined; nationalId?: string; id?: string };

const mentionsIn = (resource: FhirResource, at: string, known: ReadonlySet<string>): Mention[] => {
  const mentions: Mention[] = [];
  if (resource.resourceType === 'Patient') {
    const { data } = Patient.safeParse(resource);
    for (const [index, { system, value, use }] of (data?.identifier ?? []).entries())
      if (value !== undefined && use !== 'old' && personSystem.test(system ?? ''))
        mentions.push({ path: `${at}identifier.${index}`, system, nationalId: value });
  }
  for (const member of ['subject', 'patient', 'for'] as const) {
    const { data } = FhirReference.safeParse(resource[member]);
    const { system, value } = data?.identifier ?? {};
    if (value !== undefined && personSystem.test(system ?? ''))
      mentions.push({ path: `${at}${member}.identifier`, system, nationalId: value });
    const id = uuidReference.exec(data?.reference ?? '')?.[1];
    // A urn:uuid that no entry of the bundle carries is Kilde's own id of the person.
    if (id !== undefined && !known.has(data!.reference!))
      mentions.push({ path: `${at}${member}.reference`, id: id.toLowerCase() });
  }
  return mentions;
};

const Contained = z.array(z.looseObject({ resourceType: z.string() })).catch([]);

/** Everybody whom the resources name as their subject, with the place where they do. */
export const mentionsOf = (resources: readonly EventResource[], prefix: (index: number) => string): Mention[] => {
  const known = new Set(resources.flatMap(({ fullUrl }) => fullUrl ?? []));
  return resources.flatMap(({ resource }, index) => [
    ...mentionsIn(resource, prefix(index), known),
    ...Contained.parse(resource['contained']).flatMap((contained, inner) =>
      mentionsIn(contained, `${prefix(index)}contained.${inner}.`, known),
    ),
  ]);
};

/**
 * The one person an event is about, by the national ids and Kilde ids that it names as subject.
 *
 * @param named Kilde's id of the person where the envelope has it
 */
export const identifyPerson = (
  mentions: readonly Mention[],
  named: string | null,
  environment: 'sandbox' | 'production',
): Read<Person> => {
  for (const { path, system, nationalId } of mentions) {
    if (nationalId === undefined) continue;
    const parsed = parseNationalId(nationalId);
    if (!parsed) return refuse('not a national id', path);
    if (!admits(environment, parsed)) return refuse('this environment does not take such a national id', path);
    if (identifierSystem(nationalId) !== system)
      return refuse('the national id is of another kind than its system', path);
  }
  const nationalIds = new Set(mentions.flatMap(({ nationalId }) => nationalId ?? []));
  const ids = new Set([...(named ? [named] : []), ...mentions.flatMap(({ id }) => id ?? [])]);
  const paths = mentions.map(({ path }) => path);
  if (nationalIds.size > 1 || ids.size > 1) return refuse('an event is about one person', ...paths);
  const [nationalId = null] = nationalIds;
  const [id = null] = ids;
  if (nationalId === null && id === null) return refuse('the event names nobody whom it is about', 'subject');
  return { ok: true, value: { nationalId, id } };
};
