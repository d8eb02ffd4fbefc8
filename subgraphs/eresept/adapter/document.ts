import type { FhirReference } from '../../_shared/fhir.ts';
import type { SfmBundle, SfmResource, SfmResourceOf } from './shapes.ts';

export type SectionCode = 'sectionMedication' | 'sectionDispense' | 'sectionPLLinfo';
/** A section that was filled in, or FHIR's reason why it was not (`null`: the section is not there at all). */
export type Section = { known: true; references: FhirReference[] } | { known: false; reason: string | null };

/** SFM's bundle as a document: references followed inside it, sections found by code, and whom each resource is about. */
export type SfmDocument = {
  all<Kind extends SfmResource['resourceType']>(kind: Kind): SfmResourceOf<Kind>[];
  find<Kind extends SfmResource['resourceType']>(
    kind: Kind,
    reference: FhirReference | undefined,
  ): SfmResourceOf<Kind> | undefined;
  section(code: SectionCode): Section;
  /** National ids of the person the document is about; none when it does not say, or says more than one. */
  subject: readonly string[];
  /** National ids of the person a resource of it is about. */
  subjectOf(resource: { subject?: FhirReference | undefined }): readonly string[];
};

type Identifier = { system?: string | undefined; value?: string | undefined };

const nationalIdSystem = /^(?:urn:oid:)?2\.16\.578\.1\.12\.4\.1\.4\.[123]$/;

/**
 * The one of FHIR's reasons that means «looked, and there is nothing»; the others, `unavailable` above all, say that nobody
 * knows. Inferred: a public example has `unavailable` where SFM may only have found nothing, and that is not ours to guess.
 */
const nothingFound = 'nilknown';

export const openDocument = (bundle: SfmBundle): SfmDocument => {
  const byUrl = new Map<string | undefined, SfmResource>();
  const byKind = new Map<string, SfmResource[]>();
  for (const { fullUrl, resource } of bundle.entry) {
    byUrl.set(fullUrl, resource);
    const sameKind = byKind.get(resource.resourceType);
    if (sameKind) sameKind.push(resource);
    else byKind.set(resource.resourceType, [resource]);
  }

  const all: SfmDocument['all'] = (kind) => (byKind.get(kind) ?? []) as SfmResourceOf<typeof kind>[];
  const find: SfmDocument['find'] = (kind, reference) => {
    const resource = reference?.reference ? byUrl.get(reference.reference) : undefined;
    return resource?.resourceType === kind ? (resource as SfmResourceOf<typeof kind>) : undefined;
  };

  const [composition] = all('Composition');
  const patients = all('Patient');
  const nationalIds = (identifiers: readonly Identifier[]) =>
    identifiers.flatMap(({ system, value }) => (value && nationalIdSystem.test(system ?? '') ? [value] : []));
  const idsOfPatients = new Map(patients.map((patient) => [patient, nationalIds(patient.identifier)]));
  const named = (reference: FhirReference | undefined): readonly string[] => {
    if (reference?.identifier) return nationalIds([reference.identifier]);
    const patient = find('Patient', reference);
    return (patient && idsOfPatients.get(patient)) ?? [];
  };

  const own = named(composition?.subject);
  const alone = patients.length === 1 ? nationalIds(patients[0]!.identifier) : [];
  const subject = own.length > 0 ? own : alone;

  return {
    all,
    find,
    subject,
    // Some resources carry a name as their only subject, or none at all (reference 5.2). A document is about one person,
    // so the document's own subject stands for theirs, unless a second person in it leaves that open.
    subjectOf: (resource) => {
      if (resource.subject?.reference || resource.subject?.identifier) return named(resource.subject);
      return patients.length <= 1 ? subject : [];
    },
    section(code) {
      const found = composition?.section.find((it) => it.code?.coding.some((coding) => coding.code === code));
      if (!found) return { known: false, reason: null };
      if (found.entry.length > 0) return { known: true, references: found.entry };
      const reason = found.emptyReason?.coding.find((coding) => coding.code)?.code ?? null;
      return reason === null || reason === nothingFound ? { known: true, references: [] } : { known: false, reason };
    },
  };
};
