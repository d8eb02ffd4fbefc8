import * as z from 'zod';
import { admits, identifierSystem, parseNationalId } from '../../../schema/nationalId.ts';
import { FhirIdentifier, FhirReference, type FhirResource } from '../../_shared/fhir.ts';
import { readBy } from '../../_shared/readBy.ts';
import type { EventResource } from './event.ts';
import { type Read, refuse } from './refusal.ts';

/** Whom an event is about. At least one of the two is there. */
export type Person = { nationalId: string | null; id: string | null };

/** fnr, D-number and shared auxiliary number (reference 12.1). */
const personSystem = /^urn:oid:2\.16\.578\.1\.12\.4\.1\.4\.[123]$/;
const uuidReference = /^urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

// Without defaults, here and below: they would be put into the event as it is stored.
const Patient = z.object({ identifier: z.array(FhirIdentifier.extend({ use: z.string().optional() })).optional() });

type Mention = { path: string; system?: string | undefined; nationalId?: string; id?: string };

const mentionsIn = (resource: FhirResource, at: string, known: ReadonlySet<string>): Mention[] => {
  const mentions: Mention[] = [];
  if (resource.resourceType === 'Patient') {
    const patient = readBy(Patient, resource);
    for (const [index, { system, value, use }] of ((patient.ok && patient.value.identifier) || []).entries())
      if (value !== undefined && use !== 'old' && personSystem.test(system ?? ''))
        mentions.push({ path: `${at}identifier.${index}`, system, nationalId: value });
  }
  for (const member of ['subject', 'patient', 'for'] as const) {
    if (resource[member] === undefined) continue;
    const reference = readBy(FhirReference, resource[member]);
    if (!reference.ok) continue;
    const { identifier: { system, value } = {}, reference: address = '' } = reference.value;
    if (value !== undefined && personSystem.test(system ?? ''))
      mentions.push({ path: `${at}${member}.identifier`, system, nationalId: value });
    const id = uuidReference.exec(address)?.[1];
    // A urn:uuid that no entry of the bundle carries is Kilde's own id of the person.
    if (id !== undefined && !known.has(address))
      mentions.push({ path: `${at}${member}.reference`, id: id.toLowerCase() });
  }
  return mentions;
};

const Contained = z.array(z.looseObject({ resourceType: z.string() }));
const containedIn = (resource: FhirResource): FhirResource[] => {
  if (resource['contained'] === undefined) return [];
  const read = readBy(Contained, resource['contained']);
  return read.ok ? read.value : [];
};

/** Everybody whom the resources name as their subject, with the place where they do. */
export const mentionsOf = (resources: readonly EventResource[], prefix: (index: number) => string): Mention[] => {
  const known = new Set(resources.flatMap(({ fullUrl }) => fullUrl ?? []));
  return resources.flatMap(({ resource }, index) => [
    ...mentionsIn(resource, prefix(index), known),
    ...containedIn(resource).flatMap((contained, inner) =>
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
