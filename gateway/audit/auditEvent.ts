import type { AccessEntry } from '../../schema/accessEntry.ts';

/**
 * An entry as FHIR R4 AuditEvent in the profile of HL7 Norway for the trust framework (reference 14.5). The patient is named
 * by Kilde's id: national ids are not in the log.
 */
export const toAuditEvent = (entry: AccessEntry) => ({
  resourceType: 'AuditEvent' as const,
  id: entry.id,
  meta: { profile: ['http://hl7.no/fhir/StructureDefinition/no-domain-Trustframework-Auditevent'] },
  contained: containedIn(entry),
  ...(entry.patient ? { extension: [patientExtension, ...careRelation(entry)] } : {}),
  type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110110', display: 'Patient Record' },
  action: 'R' as const,
  recorded: entry.at,
  outcome: outcomes[entry.outcome],
  ...(entry.outcome === 'granted' ? {} : { outcomeDesc: entry.rules.join(' ') }),
  purposeOfEvent: purposesOf(entry),
  agent: [
    {
      type: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
      },
      who: { reference: entry.callerKind === 'professional' ? '#role' : '#who' },
      requestor: true,
      policy: entry.rules.map((rule) => `urn:kilde:rule:${rule}`),
    },
  ],
  source: {
    site: 'kilde',
    observer: { display: entry.clientName || entry.clientId },
    type: [{ system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4' }],
  },
  entity: entry.sources.map((source) => ({
    name: source,
    what: { display: `${entry.recordCounts[source] ?? 0} records` },
    detail: [
      { type: 'categories', valueString: entry.categoriesGranted.join(' ') || 'none' },
      { type: 'traceId', valueString: entry.traceId },
    ],
  })),
});

/** FHIR's scale: success, minor failure (a part was withheld), serious failure (nothing was given), major failure. */
const outcomes = { granted: '0', partial: '4', refused: '8', failed: '12' } as const;

const urn = { organisation: 'urn:oid:2.16.578.1.12.4.1.4.101', hpr: 'urn:oid:2.16.578.1.12.4.1.4.4' };
const patientExtension = {
  url: 'http://hl7.no/fhir/StructureDefinition/auditevent-patient-extension',
  valueReference: { reference: '#patient' },
};

const organisation = (id: string, value: string | null) =>
  value ? [{ resourceType: 'Organization', id, identifier: [{ system: urn.organisation, value }] }] : [];

const containedIn = (entry: AccessEntry) => [
  ...(entry.patient
    ? [
        {
          resourceType: 'Patient',
          id: 'patient',
          identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${entry.patient}` }],
        },
      ]
    : []),
  ...organisation('organisation', entry.organisation),
  ...organisation('unit', entry.unit),
  ...whoIn(entry),
];

const whoIn = ({
  callerKind,
  callerName,
  hprNumber,
  authorization,
  organisation: legalEntity,
  unit,
  clientId,
}: AccessEntry) => {
  if (callerKind === 'citizen') return [{ resourceType: 'Person', id: 'who', name: [{ text: callerName }] }];
  if (callerKind === 'system') {
    return [
      { resourceType: 'Device', id: 'who', deviceName: [{ name: callerName || clientId, type: 'user-friendly-name' }] },
    ];
  }
  return [
    {
      resourceType: 'Practitioner',
      id: 'who',
      ...(hprNumber ? { identifier: [{ system: urn.hpr, value: hprNumber }] } : {}),
      name: [{ text: callerName }],
      ...(authorization
        ? {
            qualification: [
              { code: { coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.9060', code: authorization }] } },
            ],
          }
        : {}),
    },
    {
      resourceType: 'PractitionerRole',
      id: 'role',
      active: true,
      practitioner: { reference: '#who' },
      ...(legalEntity ? { organization: { reference: unit ? '#unit' : '#organisation' } } : {}),
    },
  ];
};

const careRelation = ({ decisionRef, healthcareService, accessBasis }: AccessEntry) => {
  const parts = [
    ...(decisionRef ? [{ url: 'decision-ref-id', valueString: decisionRef }] : []),
    ...(healthcareService ? [{ url: 'healthcare-service', valueString: healthcareService }] : []),
    ...(accessBasis ? [{ url: 'access-basis', valueString: accessBasis }] : []),
  ];
  const url = 'http://hl7.no/fhir/StructureDefinition/auditevent-carerelation-metadata-extension';
  return parts.length > 0 ? [{ url, extension: parts }] : [];
};

/** The profile wants a code of v3-ActReason; citizens' own access is `PATRQT` there, and a system's is `HOPERAT`. */
const purposesOf = ({ purpose, purposeDetail, callerKind }: AccessEntry) => [
  {
    coding: [
      {
        system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
        code: purpose ?? (callerKind === 'citizen' ? 'PATRQT' : 'HOPERAT'),
      },
    ],
  },
  ...(purposeDetail ? [{ coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.9151', code: purposeDetail }] }] : []),
];
