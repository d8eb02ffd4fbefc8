import { identifierSystem } from '../../../schema/nationalId.ts';
import {
  type CriticalInformationType,
  kindSystem,
  kindsOfCriticalInformation,
} from '../../../subgraphs/kjernejournal/adapter/criticalInformationTypes.ts';
import type { Concept, CriticalEntry, SyntheticPerson } from '../../population/model.ts';

type Kind = keyof typeof kindsOfCriticalInformation;
type EntryOf<K extends CriticalEntry['kind']> = Extract<CriticalEntry, { kind: K }>;
type ConditionEntry = Extract<CriticalEntry, { condition: Concept }>;
export type CriticalResource = { resourceType: CriticalInformationType; id: string } & Record<string, unknown>;

const extension = (name: string, value: Record<string, unknown>) => ({
  url: `http://nhn.no/kj/fhir/StructureDefinition/${name}`,
  ...value,
});
const concept = ({ system, code, display }: Concept) =>
  code ? { coding: [{ system, code, display }] } : { text: display };
const kindCoding = (kind: Kind) => ({ system: kindSystem, ...kindsOfCriticalInformation[kind] });
const status = (list: string, code: string) => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${list}`, code }],
});
const notes = (text: string | null) => (text ? { note: [{ text }] } : {});

const subject = ({ nationalId }: SyntheticPerson) => ({
  identifier: { system: identifierSystem(nationalId), value: nationalId },
});
const recorderRef = { reference: '#recorderRef' };
const recorder = ({ author, organisation }: CriticalEntry) => ({
  resourceType: 'PractitionerRole',
  id: 'recorderRef',
  practitioner: {
    identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.4', value: author.hprNumber },
    display: author.name,
  },
  organization: {
    identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.101', value: organisation.number },
    display: organisation.name,
  },
});
const head = <Type extends CriticalInformationType>(resourceType: Type, entry: CriticalEntry) => ({
  resourceType,
  id: entry.id,
  meta: { versionId: '1', lastUpdated: entry.recorded },
  contained: [recorder(entry)] as Record<string, unknown>[],
});

const consent = (entry: EntryOf<'treatmentLimitation'>, person: SyntheticPerson): CriticalResource => ({
  ...head('Consent', entry),
  extension: [extension('KjText', { valueString: entry.statement })],
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'adr' }] },
  category: [{ coding: [kindCoding('limitedLifeProlongingTreatment')] }],
  patient: subject(person),
  dateTime: entry.decided,
  performer: [recorderRef],
  policyRule: { ...concept(entry.limitation), text: entry.limitation.display },
});

const allergyIntolerance = (entry: EntryOf<'allergy'>, person: SyntheticPerson): CriticalResource => {
  const isPresumed = entry.verification === 'presumed';
  return {
    ...head('AllergyIntolerance', entry),
    clinicalStatus: status('allergyintolerance-clinical', 'active'),
    verificationStatus: {
      ...status('allergyintolerance-verification', isPresumed ? 'unconfirmed' : 'confirmed'),
      ...(isPresumed ? { extension: [extension('Presumed', { valueBoolean: true })] } : {}),
    },
    category: [entry.category],
    criticality: 'high',
    code: concept(entry.substance),
    patient: subject(person),
    recordedDate: entry.recorded,
    recorder: recorderRef,
    reaction: [{ manifestation: [concept(entry.reaction)], severity: entry.severity }],
  };
};

const deviceUseStatement = (entry: EntryOf<'implant'>, person: SyntheticPerson): CriticalResource => {
  const statement = head('DeviceUseStatement', entry);
  return {
    ...statement,
    contained: [...statement.contained, { resourceType: 'Device', id: 'deviceRef', type: concept(entry.device) }],
    extension: [extension('KjImplanted', { valueDateTime: entry.since })],
    status: 'active',
    subject: subject(person),
    device: { reference: '#deviceRef' },
    recordedOn: entry.recorded,
    source: recorderRef,
  };
};

const condition = (entry: ConditionEntry, kind: Kind, person: SyntheticPerson): CriticalResource => ({
  ...head('Condition', entry),
  clinicalStatus: status('condition-clinical', 'active'),
  verificationStatus: status('condition-ver-status', 'confirmed'),
  category: [{ coding: [kindCoding(kind)] }],
  code: concept(entry.condition),
  subject: subject(person),
  ...(entry.since ? { onsetDateTime: entry.since } : {}),
  recordedDate: entry.recorded,
  recorder: recorderRef,
  ...notes(entry.note),
});

const procedure = (entry: ConditionEntry, person: SyntheticPerson): CriticalResource => ({
  ...head('Procedure', entry),
  extension: [extension('KjRecordedDate', { valueDateTime: entry.recorded })],
  status: 'in-progress',
  category: { coding: [kindCoding('ongoingTreatment')] },
  code: concept(entry.condition),
  subject: subject(person),
  ...(entry.since ? { performedDateTime: entry.since } : {}),
  recorder: recorderRef,
  ...notes(entry.note),
});

const flag = (entry: ConditionEntry, person: SyntheticPerson): CriticalResource => ({
  ...head('Flag', entry),
  ...(entry.note ? { extension: [extension('KjText', { valueString: entry.note })] } : {}),
  status: 'active',
  category: [{ coding: [kindCoding('changedRoutine')] }],
  code: concept(entry.condition),
  subject: subject(person),
  ...(entry.since ? { period: { start: entry.since } } : {}),
  author: recorderRef,
});

/** One entry of the person's critical information as kjernejournal's profiles have it. */
export const resourceOf = (entry: CriticalEntry, person: SyntheticPerson): CriticalResource => {
  switch (entry.kind) {
    case 'treatmentLimitation':
      return consent(entry, person);
    case 'allergy':
      return allergyIntolerance(entry, person);
    case 'implant':
      return deviceUseStatement(entry, person);
    case 'anaesthesiaComplication': {
      const kind = /intub/i.test(entry.condition.display) ? 'intubationProblem' : 'otherProblemWithAnaesthesia';
      return condition(entry, kind, person);
    }
    case 'criticalCondition':
      return condition(entry, 'criticalMedicalCondition', person);
    case 'infection':
      return condition(entry, 'infection', person);
    case 'ongoingTreatment':
      return procedure(entry, person);
    case 'changedRoutine':
      return flag(entry, person);
  }
};

/** Values of `criticalInfoType` and what each keeps, by resource type; types without a subdivision are not here. */
export const subdivisions: Record<string, Record<string, (resource: CriticalResource) => boolean>> = {
  AllergyIntolerance: {
    DrugReaction: ({ category }) => (category as string[]).includes('medication'),
    OtherAllergen: ({ category }) => !(category as string[]).includes('medication'),
  },
  Condition: Object.fromEntries(
    Object.entries({
      IntubationProblem: '3',
      OtherProblemWithAnesthesia: '4',
      CriticalMedicalCondition: '5',
      TransplantsAndOtherForeignBodies: '7',
      Infection: '10',
    }).map(([name, code]) => [
      name,
      ({ category }: CriticalResource) =>
        (category as { coding: { code: string }[] }[]).some(({ coding }) => coding.some((it) => it.code === code)),
    ]),
  ),
};
