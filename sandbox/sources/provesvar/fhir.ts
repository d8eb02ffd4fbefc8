import { identifierSystem } from '../../../schema/nationalId.ts';
import type { Concept, SyntheticImagingReport, SyntheticLabReport, SyntheticPerson } from '../../population/model.ts';
import { uuidFor } from '../../population/random.ts';

/** A FHIR resource as PPS gives it, with what the search looks at. */
export type Resource = { resourceType: string; id: string; [member: string]: unknown };
type Coding = { system?: string; code: string };
/** All resources of one report. `dated` is what `date` searches, `tags` what `_tag` does. */
export type Indexed = { resource: Resource; dated: string | null; tags: Coding[] };

const structure = 'http://nhn.no/fhir/nilar/StructureDefinition';
const area = (code: string, display: string) => ({
  coding: [{ system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-8202', code, display }],
});
const deviations = {
  '1': 'Over øvre referansegrense',
  '2': 'Under nedre referansegrense',
  '3': 'Utenfor referansegrensene',
} as const;
const hpr = 'urn:oid:2.16.578.1.12.4.1.4.4';
const enh = 'urn:oid:2.16.578.1.12.4.1.4.101';

/** A concept without a code travels as text. */
const concept = ({ system, code, display }: Concept) =>
  code ? { coding: [{ ...(system ? { system } : {}), code, display }] } : { text: display };
const codingOf = ({ system, code }: Concept): Coding[] => (code ? [{ ...(system ? { system } : {}), code }] : []);

const profiled = (resourceType: string, profile: string, id: string, tags: Coding[] = []) => ({
  resourceType,
  id,
  meta: { profile: [`${structure}/${profile}`], ...(tags.length > 0 ? { tag: tags } : {}) },
});
const subjectOf = ({ nationalId }: SyntheticPerson) => ({
  identifier: { system: identifierSystem(nationalId), value: nationalId },
});
const plain = (resource: Resource): Indexed => ({ resource, dated: null, tags: [] });

type Professional = { hprNumber: string; name: string };
type Unit = { number: string; name: string };
const role = (id: string, professional: Professional, unit: Unit | null): Indexed =>
  plain({
    ...profiled('PractitionerRole', 'nilar-practitioner-role', id),
    practitioner: { identifier: { system: hpr, value: professional.hprNumber }, display: professional.name },
    ...(unit ? { organization: { identifier: { system: enh, value: unit.number }, display: unit.name } } : {}),
  });

/** Result -> valueQuantity, or text in a CodeableConcept, which is how KITH text results arrive (reference 4.2). */
const valueMember = (value: SyntheticLabReport['results'][number]['value']) =>
  'text' in value
    ? { valueCodeableConcept: { text: value.text } }
    : {
        valueQuantity: {
          value: value.number,
          ...(value.comparator ? { comparator: value.comparator } : {}),
          unit: value.unit,
          system: 'http://unitsofmeasure.org',
          code: value.unit,
        },
      };

const labResources = (person: SyntheticPerson, report: SyntheticLabReport): Indexed[] => {
  const idOf = (kind: string, part = '') => uuidFor('provesvar', kind, report.id, part);
  const reportId = idOf('DiagnosticReport');
  const subject = subjectOf(person);
  const { results } = report;
  const underAnother = new Set(results.flatMap(({ members }) => members ?? []));
  const codesUnder = (result: (typeof results)[number]): Coding[] => [
    ...codingOf(result.analysis),
    ...results.filter(({ id }) => result.members?.includes(id)).flatMap(codesUnder),
  ];
  const specimen = { reference: `Specimen/${idOf('Specimen')}` };
  const observations = results.map((result): Indexed => {
    const tags = underAnother.has(result.id) ? [] : codesUnder(result); // only the top one is tagged, with all codes under it
    const resource = {
      ...profiled('Observation', 'nilar-observation', idOf('Observation', result.id), tags),
      extension: [
        {
          url: `${structure}/nilar-diagnostic-report-ref`,
          valueReference: { reference: `DiagnosticReport/${reportId}` },
        },
      ],
      status: report.status,
      category: [concept(report.area)],
      code: concept(result.analysis),
      subject,
      effectiveDateTime: report.collected,
      issued: report.recorded,
      ...valueMember(result.value),
      ...(result.deviation
        ? {
            interpretation: [
              {
                coding: [
                  {
                    system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-8244',
                    code: result.deviation,
                    display: deviations[result.deviation],
                  },
                ],
              },
            ],
          }
        : {}),
      ...(result.referenceRange ? { referenceRange: [{ text: result.referenceRange }] } : {}),
      ...(result.comment ? { note: [{ text: result.comment }] } : {}),
      ...(result.members?.length
        ? { hasMember: result.members.map((id) => ({ reference: `Observation/${idOf('Observation', id)}` })) }
        : {}),
      specimen,
    };
    return { resource, dated: report.collected, tags };
  });
  return [
    {
      dated: report.collected,
      tags: [],
      resource: {
        ...profiled('DiagnosticReport', 'nilar-diagnostic-report', reportId),
        extension: [{ url: `${structure}/nilar-report-date`, valueDateTime: report.recorded }],
        basedOn: [{ reference: `ServiceRequest/${idOf('ServiceRequest')}` }],
        status: report.status,
        category: [report.area.code === 'PAT' ? area('PAT', 'Patologi') : area('LAB', 'Laboratoriemedisin')],
        code: concept(report.area),
        subject,
        effectiveDateTime: report.collected,
        issued: report.recorded,
        performer: [{ reference: `PractitionerRole/${idOf('PractitionerRole', 'performer')}` }],
        specimen: [specimen],
        result: results
          .filter(({ id }) => !underAnother.has(id))
          .map(({ id }) => ({ reference: `Observation/${idOf('Observation', id)}` })),
      },
    },
    ...observations,
    plain({
      ...profiled('Specimen', 'nilar-specimen', idOf('Specimen')),
      accessionIdentifier: { value: '1' },
      type: concept(report.specimen),
      subject,
      collection: { collectedDateTime: report.collected },
    }),
    plain({
      ...profiled('ServiceRequest', 'nilar-service-request', idOf('ServiceRequest')),
      status: 'completed',
      intent: 'order',
      subject,
      requester: { reference: `PractitionerRole/${idOf('PractitionerRole', 'requester')}` },
    }),
    role(idOf('PractitionerRole', 'performer'), report.author, report.organisation),
    role(idOf('PractitionerRole', 'requester'), report.requester, null),
  ];
};

/** One observation holds the examination and, as a text result, what the radiologist wrote. */
const imagingResources = (person: SyntheticPerson, report: SyntheticImagingReport): Indexed[] => {
  const idOf = (kind: string) => uuidFor('provesvar', kind, report.id, '');
  const subject = subjectOf(person);
  const radiology = area('RAD', 'Radiologi');
  const tags = codingOf(report.examination);
  const times = { effectiveDateTime: report.performed, issued: report.recorded };
  return [
    {
      dated: report.performed,
      tags: [],
      resource: {
        ...profiled('DiagnosticReport', 'nilar-diagnostic-report', idOf('DiagnosticReport')),
        extension: [{ url: `${structure}/nilar-report-date`, valueDateTime: report.recorded }],
        status: report.status,
        category: [area('BLD', 'Bildediagnostikk')],
        code: radiology,
        subject,
        ...times,
        performer: [{ reference: `PractitionerRole/${idOf('PractitionerRole')}` }],
        result: [{ reference: `Observation/${idOf('Observation')}` }],
      },
    },
    {
      dated: report.performed,
      tags,
      resource: {
        ...profiled('Observation', 'nilar-observation', idOf('Observation'), tags),
        extension: [
          {
            url: `${structure}/nilar-diagnostic-report-ref`,
            valueReference: { reference: `DiagnosticReport/${idOf('DiagnosticReport')}` },
          },
        ],
        status: report.status,
        category: [radiology],
        code: concept(report.examination),
        subject,
        ...times,
        valueCodeableConcept: { text: report.conclusion },
      },
    },
    role(idOf('PractitionerRole'), report.author, report.organisation),
  ];
};

/** All that PPS holds about a person. */
export const resourcesOf = (person: SyntheticPerson): Indexed[] => [
  ...person.labReports.flatMap((report) => labResources(person, report)),
  ...person.imagingReports.flatMap((report) => imagingResources(person, report)),
];
