import * as z from 'zod';
import { type CodeableConcept, FhirIdentifier, mapConcept } from '../../_shared/fhir.ts';
import { readBy } from '../../_shared/readBy.ts';
import type { FhirDocumentReference } from './documentClient.ts';
import { mapOrganisation, mapPractitioner, type Organisation, type Practitioner } from './provenance.ts';

export type DocumentReference = {
  id: string;
  title: string | null;
  category: CodeableConcept | null;
  type: CodeableConcept | null;
  date: string | null;
  authors: Practitioner[];
  organisation: Organisation | null;
  securityLabel: CodeableConcept | null;
  contentType: string | null;
  sizeBytes: number | null;
  recorded: string | null;
};

const FhirPatient = z.object({ identifier: z.array(FhirIdentifier).default([]) });
const FhirOrganization = z.object({
  identifier: z.array(FhirIdentifier).default([]),
  name: z.string().optional(),
});
const FhirPractitioner = z.object({
  identifier: z.array(FhirIdentifier).default([]),
  name: z
    .array(
      z.object({ text: z.string().optional(), family: z.string().optional(), given: z.array(z.string()).default([]) }),
    )
    .default([]),
});

const containedIn = (document: FhirDocumentReference, reference: string | undefined) => {
  if (!reference?.startsWith('#')) return undefined;
  const id = reference.slice(1);
  return document.contained.find((it) => it.id === id);
};
const readAs = <T>(shape: z.ZodType<T>, resource: unknown): T | null => {
  const read = readBy(shape, resource);
  return read.ok ? read.value : null;
};

/**
 * The national id that the document itself names as its subject: in the reference, or in the contained patient it points to.
 * Inferred: the reference's example leaves `subject` out; IHE MHD has it, and without it nobody can tell whose a document is.
 */
export const subjectOf = (document: FhirDocumentReference): string | null => {
  const { subject } = document;
  if (subject?.identifier?.value) return subject.identifier.value;
  const contained = containedIn(document, subject?.reference);
  return (contained && readAs(FhirPatient, contained)?.identifier[0]?.value) ?? null;
};

const nameOf = ({ name: [name] }: z.infer<typeof FhirPractitioner>) =>
  name?.text ?? ([...(name?.given ?? []), name?.family].filter(Boolean).join(' ') || undefined);

const authorsOf = (document: FhirDocumentReference): { authors: Practitioner[]; organisations: Organisation[] } => {
  const authors: Practitioner[] = [];
  const organisations: Organisation[] = [];
  for (const { reference } of document.author) {
    const contained = containedIn(document, reference);
    if (contained?.resourceType === 'Organization') {
      const it = readAs(FhirOrganization, contained);
      if (it) organisations.push(mapOrganisation({ identifier: it.identifier[0], display: it.name }));
    }
    if (contained?.resourceType === 'Practitioner') {
      const it = readAs(FhirPractitioner, contained);
      const hpr = it?.identifier.find(({ system }) => system === 'urn:oid:2.16.578.1.12.4.1.4.4');
      if (it) authors.push(mapPractitioner({ identifier: hpr, display: nameOf(it) }));
    }
  }
  return { authors, organisations };
};

/** FHIR -> this graph, or `null` for one that is replaced or withdrawn. */
export const mapDocument = (document: FhirDocumentReference): DocumentReference | null => {
  if (document.status !== 'current') return null;
  const { authors, organisations } = authorsOf(document);
  const [content] = document.content;
  const attachment = content?.attachment;
  const labels = document.securityLabel.map(mapConcept);
  return {
    id: document.masterIdentifier?.value ?? document.id,
    title: attachment?.title ?? null,
    category: document.category[0] ? mapConcept(document.category[0]) : null,
    type: document.type ? mapConcept(document.type) : null,
    date: document.date ?? null,
    authors,
    organisation: organisations[0] ?? null,
    securityLabel: labels[0] ? { text: labels[0].text, coding: labels.flatMap(({ coding }) => coding) } : null,
    contentType: attachment?.contentType ?? null,
    sizeBytes: attachment?.size ?? null,
    recorded: attachment?.creation ?? document.date ?? null,
  };
};
