import { holdsNationalId, withoutNationalIds } from '../../../schema/nationalIdText.ts';
import {
  type CodeableConcept,
  type FhirCodeableConcept,
  type FhirReference,
  isNorwegianSystem,
  mapConcept,
  mapQuantity,
  type Quantity,
} from '../../_shared/fhir.ts';
import type { Provenance } from '../../_shared/group.ts';
import {
  extensionUrls,
  idIn,
  type NilarObservation,
  type NilarPractitionerRole,
  type NilarReport,
  type NilarResources,
} from './nilar.ts';

type Identifier = { system: string | null; value: string };
type Practitioner = { identifier: Identifier | null; name: string | null; role: null };
type Organization = { identifier: Identifier | null; name: string | null };
export type ReportParty = { practitioner: Practitioner | null; organization: Organization | null };
export type ReportProvenance = Provenance & {
  organisation: Organization | null;
  recorded: string | null;
  author: Practitioner | null;
};

export type DiagnosticObservation = {
  id: string;
  status: string;
  category: CodeableConcept[];
  code: CodeableConcept;
  method: CodeableConcept | null;
  effective: string | null;
  valueQuantity: Quantity | null;
  valueString: string | null;
  valueCodeableConcept: CodeableConcept | null;
  valueDateTime: string | null;
  valueRange: { low: Quantity | null; high: Quantity | null } | null;
  interpretation: CodeableConcept[];
  referenceRange: string | null;
  comment: string | null;
  accredited: boolean | null;
  hasMember: DiagnosticObservation[];
  provenance: ReportProvenance;
};

/** One report with its results in place, laboratory or imaging. */
export type Report = {
  id: string;
  kind: 'laboratory' | 'imaging';
  status: string;
  category: CodeableConcept[];
  code: CodeableConcept | null;
  effective: string | null;
  issued: string | null;
  firstPublished: string | null;
  performer: ReportParty[];
  requester: ReportParty | null;
  specimen: { type: CodeableConcept | null; collected: string | null }[];
  results: DiagnosticObservation[];
  missingResults: number;
  comment: string | null;
  provenance: ReportProvenance;
};

/** HPR number and HER-id: what else a message may name a professional by stays behind. */
const professionalSystems = ['urn:oid:2.16.578.1.12.4.1.4.4', 'urn:oid:2.16.578.1.12.4.1.2'];

/** A national id that was written where another identifier belongs is not passed on. */
const mapIdentifier = (reference: FhirReference): Identifier | null => {
  const { system, value } = reference.identifier ?? {};
  return value && !holdsNationalId(value) ? { system: system ?? null, value } : null;
};
const mapName = ({ display }: FhirReference): string | null => (display ? withoutNationalIds(display) : null);
const mapPractitioner = (reference: FhirReference): Practitioner => {
  const identifier = mapIdentifier(reference);
  const isOpen = identifier?.system && professionalSystems.includes(identifier.system);
  return { identifier: isOpen ? identifier : null, name: mapName(reference), role: null };
};
const mapOrganization = (reference: FhirReference): Organization => ({
  identifier: mapIdentifier(reference),
  name: mapName(reference),
});

/** A reference to a role -> the person and organisation in it; `null` when the source did not give the role. */
const mapParty = (
  reference: FhirReference | undefined,
  roles: ReadonlyMap<string, NilarPractitionerRole>,
): ReportParty | null => {
  const role = roles.get(idIn(reference?.reference) ?? '');
  if (!role) return null;
  return {
    practitioner: role.practitioner ? mapPractitioner(role.practitioner) : null,
    organization: role.organization ? mapOrganization(role.organization) : null,
  };
};

const extensionIn = ({ extension }: Pick<NilarReport, 'extension'>, url: string) =>
  extension.find((it) => it.url === url);

const joined = (texts: readonly (string | null | undefined)[], separator: string): string | null =>
  texts.filter((text) => text).join(separator) || null;

const mapReferenceRange = (ranges: NilarObservation['referenceRange']): string | null =>
  joined(
    ranges.map(({ text, low, high }) => {
      const limits = low || high ? `${low?.value ?? ''}–${high?.value ?? ''} ${high?.unit ?? low?.unit ?? ''}` : '';
      return text ?? limits.trim();
    }),
    '; ',
  );

const mapObservation = (
  observation: NilarObservation,
  hasMember: DiagnosticObservation[],
  provenance: ReportProvenance,
): DiagnosticObservation => {
  const { valueQuantity, valueCodeableConcept, valueRange } = observation;
  return {
    id: observation.id,
    status: observation.status,
    category: observation.category.map(mapConcept),
    code: mapConcept(observation.code),
    method: observation.method ? mapConcept(observation.method) : null,
    effective: observation.effectiveDateTime ?? null,
    valueQuantity: valueQuantity ? mapQuantity(valueQuantity) : null,
    valueString: observation.valueString ?? null,
    valueCodeableConcept: valueCodeableConcept ? mapConcept(valueCodeableConcept) : null,
    valueDateTime: observation.valueDateTime ?? null,
    valueRange: valueRange
      ? {
          low: valueRange.low ? mapQuantity(valueRange.low) : null,
          high: valueRange.high ? mapQuantity(valueRange.high) : null,
        }
      : null,
    interpretation: observation.interpretation.map(mapConcept),
    referenceRange: mapReferenceRange(observation.referenceRange),
    comment: joined(
      observation.note.map(({ text }) => text),
      '\n',
    ),
    accredited: extensionIn(observation, extensionUrls.accredited)?.valueBoolean ?? null,
    hasMember,
    provenance: { ...provenance, recorded: observation.issued ?? provenance.recorded },
  };
};

const memberIds = ({ hasMember }: NilarObservation) =>
  hasMember.map(({ reference }) => idIn(reference)).filter((id) => id !== null);

/** Codes of a whole hierarchy are repeated in the tags of its top (reference 4.2). */
const hasAnyCode = ({ meta, code }: NilarObservation, codes: readonly string[]): boolean =>
  [...(meta?.tag ?? []), ...code.coding].some(
    (coding) => isNorwegianSystem(coding.system, 7280) && codes.includes(coding.code ?? ''),
  );

/** A report's observations -> its results, children only under their parent, and how many named ones are not there. */
const nest = (
  observations: readonly NilarObservation[],
  { result }: NilarReport,
  codes: readonly string[] | null,
  provenance: ReportProvenance,
): Pick<Report, 'results' | 'missingResults'> => {
  const byId = new Map(observations.map((observation) => [observation.id, observation]));
  const members = new Set(observations.flatMap(memberIds));
  const placed = new Set<string>();
  const missing = new Set<string>();
  const mapWithMembers = (observation: NilarObservation): DiagnosticObservation => {
    placed.add(observation.id);
    const under: DiagnosticObservation[] = [];
    for (const id of memberIds(observation)) {
      const member = byId.get(id);
      if (!member) missing.add(id);
      else if (!placed.has(id)) under.push(mapWithMembers(member)); // a circle of members ends here
    }
    return mapObservation(observation, under, provenance);
  };
  const results = observations
    .filter((observation) => !members.has(observation.id) && (!codes || hasAnyCode(observation, codes)))
    .map(mapWithMembers);
  if (!codes) {
    // Those of a circle have no top; better shown once at the top than not at all.
    for (const observation of observations) if (!placed.has(observation.id)) results.push(mapWithMembers(observation));
    for (const { reference } of result) {
      const id = idIn(reference);
      if (id && !byId.has(id)) missing.add(id);
    }
  }
  return { results, missingResults: missing.size };
};

const isImaging = ({ category, code }: NilarReport): boolean =>
  [...category, ...(code ? [code] : [])]
    .flatMap(({ coding }) => coding)
    .some((coding) => isNorwegianSystem(coding.system, 8202) && ['BLD', 'RAD', 'NUK'].includes(coding.code ?? ''));

const commentText = (concept: FhirCodeableConcept | undefined) => (concept ? mapConcept(concept).text : null);

const instant = ({ effective, issued }: Report): number => Date.parse(effective ?? issued ?? '') || 0;

/**
 * PPS -> this graph: resources joined by their references, newest report first. Nothing is left out for its status:
 * a cancelled report is shown as cancelled.
 *
 * @param codes when given, results without one of these NLK codes are left out, and reports left with none
 * @param retrieved ISO 8601
 */
export const mapReports = (
  { reports, observations, specimens, serviceRequests, practitionerRoles }: NilarResources,
  codes: readonly string[] | null,
  retrieved: string,
): Report[] => {
  const roles = new Map(practitionerRoles.map((role) => [role.id, role]));
  const requests = new Map(serviceRequests.map((request) => [request.id, request]));
  const materials = new Map(specimens.map((specimen) => [specimen.id, specimen]));
  const observationsOf = Map.groupBy(observations, (observation) =>
    idIn(extensionIn(observation, extensionUrls.diagnosticReport)?.valueReference?.reference),
  );

  const mapReport = (report: NilarReport): Report => {
    const performer = report.performer.map((reference) => mapParty(reference, roles)).filter((it) => it !== null);
    const request = requests.get(idIn(report.basedOn[0]?.reference) ?? '');
    const provenance: ReportProvenance = {
      source: 'PROVESVAR',
      organisation: performer.find(({ organization }) => organization)?.organization ?? null,
      recorded: report.issued ?? null,
      author: performer.find(({ practitioner }) => practitioner)?.practitioner ?? null,
      retrieved,
    };
    let nested: Pick<Report, 'results' | 'missingResults'> | null = null;
    const nestOnce = () => {
      nested ??= nest(observationsOf.get(report.id) ?? [], report, codes, provenance);
      return nested;
    };
    return {
      id: report.id,
      kind: isImaging(report) ? 'imaging' : 'laboratory',
      status: report.status,
      category: report.category.map(mapConcept),
      code: report.code ? mapConcept(report.code) : null,
      effective: report.effectiveDateTime ?? null,
      issued: report.issued ?? null,
      firstPublished: extensionIn(report, extensionUrls.reportDate)?.valueDateTime ?? null,
      performer,
      requester: mapParty(request?.requester, roles),
      specimen: report.specimen.flatMap(({ reference }) => {
        const material = materials.get(idIn(reference) ?? '');
        if (!material) return [];
        const { type, collection } = material;
        return [{ type: type ? mapConcept(type) : null, collected: collection?.collectedDateTime ?? null }];
      }),
      // Most of the work, and most reports are on other pages than the one that is asked for.
      get results() {
        return nestOnce().results;
      },
      get missingResults() {
        return nestOnce().missingResults;
      },
      comment: joined(
        report.extension
          .filter(({ url }) => url === extensionUrls.comment)
          .map((it) => it.valueAnnotation?.text ?? commentText(it.valueCodeableConcept)),
        '\n',
      ),
      provenance,
    };
  };

  return reports
    .map(mapReport)
    .filter(({ results }) => !codes || results.length > 0)
    .sort((a, b) => instant(b) - instant(a) || (a.id < b.id ? -1 : 1));
};

const valueText = ({ valueString, valueCodeableConcept }: DiagnosticObservation): string | null =>
  valueString ?? valueCodeableConcept?.text ?? null;
const flattened = (results: readonly DiagnosticObservation[]): DiagnosticObservation[] =>
  results.flatMap((result) => [result, ...flattened(result.hasMember)]);

/** What an imaging report says, all its examinations together. */
export const conclusionOf = ({ results }: Report): string | null => joined(flattened(results).map(valueText), '\n\n');
