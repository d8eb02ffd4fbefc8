import { identifierSystem } from '../../../schema/nationalId.ts';
import type { Concept, Population, SyntheticMedication, SyntheticPerson } from '../../population/model.ts';
import { uuidFor } from '../../population/random.ts';

type Json = { [member: string]: unknown };
type Entry = { fullUrl: string; resource: Json };
type Reference = { reference: string; type: string; display: string };

const profile = (name: string) => `http://ehelse.no/fhir/StructureDefinition/${name}`;
const basisProfile = (name: string) => `http://hl7.no/fhir/StructureDefinition/${name}`;
const oid = (number: number) => `urn:oid:2.16.578.1.12.4.1.1.${number}`;
const coded = (system: string, code: string, display?: string) => ({
  coding: [{ system, code, ...(display ? { display } : {}) }],
});
const concept = ({ system, code, display }: Concept, usualSystem: string) =>
  code ? coded(system ?? usualSystem, code, display) : { text: display };

/** Code system 9101. The reference has 1 and 2; 3 for «as needed» is inferred. */
const uses: Record<SyntheticMedication['use'], [code: string, display: string]> = {
  fixed: ['1', 'Fast'],
  course: ['2', 'Kur'],
  asNeeded: ['3', 'Ved behov'],
};

/** `2,5 mg`, `667 mg/ml`, `1000 mg/800 IE` -> a FHIR Ratio. */
const ratio = (strength: string) => {
  const quantity = (text: string) => {
    const [, number, unit] = /^([\d.,]+)?\s*(.*)$/.exec(text.trim())!;
    return { value: number ? Number(number.replace(',', '.')) : 1, unit };
  };
  const [numerator, denominator] = strength.split('/');
  return { numerator: quantity(numerator!), ...(denominator ? { denominator: quantity(denominator) } : {}) };
};

/** A resource's address inside the document: the same for the same words, as a source's own ids would be. */
const entry = (kind: string, id: string, resource: Json): Entry => ({
  fullUrl: `urn:uuid:${uuidFor('eresept', kind, id)}`,
  resource: { resourceType: kind, id, meta: { profile: [profile(`sfm-${kind}`)] }, ...resource },
});
const pointTo = ({ fullUrl, resource }: Entry, display: string): Reference => ({
  reference: fullUrl,
  type: profile(`sfm-${String(resource['resourceType'])}`),
  display,
});

const section = (code: string, title: string, entries: Reference[], whenEmpty: 'nilknown' | 'unavailable') => ({
  title,
  code: coded('http://ehelse.no/fhir/CodeSystem/sfm-section-types', code),
  ...(entries.length > 0
    ? { entry: entries }
    : { emptyReason: coded('http://terminology.hl7.org/CodeSystem/list-empty-reason', whenEmpty) }),
});

const mapPatient = ({ registerId, nationalId, givenName, familyName, birthDate, sex }: SyntheticPerson) =>
  entry('Patient', registerId, {
    identifier: [{ use: 'official', system: identifierSystem(nationalId), value: nationalId }],
    active: true,
    name: [{ family: familyName, given: [givenName] }],
    gender: sex,
    birthDate,
  });

/** With the professional's national id beside the HPR number, as SFM has it: Kilde must not let it through. */
const mapPractitioner = (population: Population, { hprNumber, name }: { hprNumber: string; name: string }) => {
  const known = population.practitioners.find((it) => it.hprNumber === hprNumber);
  const words = name.split(' ');
  return entry('Practitioner', hprNumber, {
    identifier: [
      { use: 'official', system: 'urn:oid:2.16.578.1.12.4.1.4.4', value: hprNumber },
      ...(known ? [{ use: 'official', system: identifierSystem(known.nationalId), value: known.nationalId }] : []),
    ],
    active: true,
    name: [{ family: words.at(-1), given: words.slice(0, -1) }],
  });
};

const mapProduct = ({ fest, atc, form, strength, group }: SyntheticMedication) =>
  entry('Medication', fest.id, {
    extension: [
      {
        url: basisProfile('no-basis-prescriptiongroup'),
        extension: [
          { url: 'prescriptiongroup', valueCodeableConcept: coded(oid(7421), group, `Reseptgruppe ${group}`) },
        ],
      },
    ],
    code: {
      coding: [
        { system: 'http://ehelse.no/fhir/CodeSystem/FEST', code: fest.id, display: fest.name },
        { system: atc.system ?? 'http://www.whocc.no/atc', code: atc.code, display: atc.display },
      ],
    },
    status: 'active',
    form: concept(form, oid(7448)),
    ingredient: [
      {
        itemCodeableConcept: concept(atc, 'http://www.whocc.no/atc'),
        strength: ratio(strength),
      },
    ],
  });

const statementId = ({ prescriptionId }: SyntheticMedication) => uuidFor('eresept', 'statement', prescriptionId);
const statementUrl = (medication: SyntheticMedication) =>
  `urn:uuid:${uuidFor('eresept', 'MedicationStatement', statementId(medication))}`;

const mapStatement = (
  medication: SyntheticMedication,
  refer: { product: Reference; patient: Reference; prescriber: Reference },
  { onList, renewedBy }: { onList: boolean; renewedBy: SyntheticMedication | undefined },
) => {
  const { prescriptionId, inUse, prescribed, expires, dosage, refills, status, use, reason, dispenses } = medication;
  const recalled = status.code === 'T';
  return entry('MedicationStatement', statementId(medication), {
    extension: [
      {
        url: profile('sfm-reseptamendment'),
        extension: [
          { url: 'reseptdate', valueDate: prescribed },
          { url: 'expirationdate', valueDate: expires },
          { url: 'dssn', valueString: dosage },
          ...(dispenses[0] ? [{ url: 'numberofpackages', valueDecimal: dispenses[0].packages }] : []),
          { url: 'reit', valueString: String(refills) },
          { url: 'itemgroup', valueCodeableConcept: coded(oid(7402), 'L', 'Legemiddel') },
          { url: 'ereseptdosing', extension: [{ url: 'starttime', valueDate: prescribed }] },
          { url: 'rfstatus', extension: [{ url: 'status', valueCodeableConcept: concept(status, oid(7408)) }] },
          { url: 'typeresept', valueCodeableConcept: coded(oid(7491), 'E', 'Eresept') },
        ],
      },
      {
        url: profile('sfm-regInfo'),
        extension: [
          {
            url: 'status',
            valueCodeableConcept: coded(
              'http://ehelse.no/fhir/CodeSystem/sfm-medicationstatement-registration-status',
              '3',
              'Godkjent',
            ),
          },
          {
            url: 'type',
            valueCodeableConcept: coded('http://ehelse.no/fhir/CodeSystem/sfm-performer-roles', '1', 'Forskrevet av'),
          },
          { url: 'provider', valueReference: refer.prescriber },
        ],
      },
      {
        url: profile('sfm-generic-substitution'),
        extension: [{ url: 'genericSubstitutionAccepted', valueBoolean: true }],
      },
    ],
    identifier: [
      { use: 'usual', type: { text: 'ReseptId' }, value: prescriptionId },
      ...(onList ? [{ use: 'usual', type: { text: 'PLL' }, value: uuidFor('eresept', 'PLL', prescriptionId) }] : []),
    ],
    status: recalled ? 'stopped' : inUse ? 'active' : 'completed',
    medicationReference: refer.product,
    subject: refer.patient,
    ...(renewedBy ? { partOf: [{ reference: statementUrl(renewedBy) }] } : {}),
    dosage: [
      {
        sequence: 1,
        text: dosage,
        extension: [
          { url: profile('sfm-use'), valueCodeableConcept: coded(oid(9101), ...uses[use]) },
          { url: profile('sfm-application-area'), extension: [{ url: 'text', valueString: reason }] },
        ],
      },
    ],
  });
};

const mapDispense = (
  { prescriptionId }: SyntheticMedication,
  { dispensed, packages }: SyntheticMedication['dispenses'][number],
  refer: { product: Reference; patient: Reference; pharmacy: Reference; statement: Reference },
) => {
  const id = uuidFor('eresept', 'M10', prescriptionId, dispensed);
  return entry('MedicationDispense', id, {
    extension: [
      {
        url: profile('sfm-dispenseinfo'),
        extension: [
          { url: 'cancellation', valueBoolean: false },
          { url: 'prescriptionid', valueString: prescriptionId },
        ],
      },
    ],
    identifier: [{ use: 'official', type: { text: 'M10id' }, value: id }],
    status: 'completed',
    medicationReference: refer.product,
    subject: refer.patient,
    performer: [{ actor: refer.pharmacy }],
    authorizingPrescription: [refer.statement],
    quantity: { value: packages },
    whenHandedOver: dispensed,
  });
};

/** The signed list's particulars, and the role that its author had when signing. */
const mapSignedList = (
  population: Population,
  person: SyntheticPerson,
  patient: Reference,
): { basic: Entry; others: Entry[] } | null => {
  if (!person.medicationList) return null;
  const { signedAt, responsible } = person.medicationList;
  const doctor = mapPractitioner(population, responsible);
  const number = population.practitioners.find((it) => it.hprNumber === responsible.hprNumber)?.organisation;
  const organisation = population.organisations.find((it) => it.number === number);
  const employer =
    organisation &&
    entry('Organization', organisation.number, {
      identifier: [{ use: 'official', system: 'urn:oid:2.16.578.1.12.4.1.2', value: String(organisation.herId) }],
      name: organisation.name,
    });
  const role = entry('PractitionerRole', uuidFor('eresept', 'role', responsible.hprNumber), {
    practitioner: pointTo(doctor, responsible.name),
    ...(employer ? { organization: pointTo(employer, organisation.name) } : {}),
  });
  const basic = entry('Basic', uuidFor('eresept', 'M25.1', person.registerId), {
    meta: { profile: [profile('sfm-PLL-info')] },
    extension: [{ url: profile('sfm-pllInformation'), extension: [{ url: 'PLLdate', valueDateTime: signedAt }] }],
    code: coded('http://ehelse.no/fhir/CodeSystem/sfm-message-type', 'M25.1', 'PLL'),
    subject: patient,
    author: pointTo(role, responsible.name),
  });
  return { basic, others: [doctor, role, ...(employer ? [employer] : [])] };
};

/** A later prescription of the same product renews one that is no longer in use. */
const renewalOf = (medication: SyntheticMedication, all: readonly SyntheticMedication[]) =>
  medication.inUse || medication.status.code === 'T'
    ? undefined
    : all.find((it) => it.inUse && it.fest.id === medication.fest.id && it.prescribed > medication.prescribed);

/**
 * A person's medication as SFM's document bundle (reference 5.2, and a public example of the service): Composition first,
 * sections by code, everything referred to lying in the bundle. That an empty section says `nilknown` is inferred; sections
 * that SFM has nothing to ask for say `unavailable`, as the example has it.
 *
 * @param failed the parts that SFM could not have; their sections say `unavailable`
 */
export const medicationDocument = (
  population: Population,
  person: SyntheticPerson,
  { locked, now, failed }: { locked: boolean; now: string; failed: { medicationList: boolean } },
): Json => {
  const prescribed = person.medication.filter((it) => locked || !it.locked);
  const patient = mapPatient(person);
  const subject = pointTo(patient, `${person.givenName} ${person.familyName}`);
  const signed = failed.medicationList ? null : mapSignedList(population, person, subject);

  const supporting = new Map<string, Entry>();
  const add = (it: Entry) => {
    supporting.set(it.fullUrl, it);
    return it;
  };
  const statements: Entry[] = [];
  const dispenses: Entry[] = [];
  for (const medication of prescribed) {
    const product = pointTo(add(mapProduct(medication)), medication.fest.name);
    const prescriber = pointTo(add(mapPractitioner(population, medication.prescriber)), medication.prescriber.name);
    const statement = mapStatement(
      medication,
      { product, patient: subject, prescriber },
      { onList: signed !== null && medication.inUse, renewedBy: renewalOf(medication, prescribed) },
    );
    statements.push(statement);
    for (const dispense of medication.dispenses) {
      const pharmacy = add(entry('Organization', dispense.pharmacy, { name: dispense.pharmacy }));
      dispenses.push(
        mapDispense(medication, dispense, {
          product,
          patient: subject,
          pharmacy: pointTo(pharmacy, dispense.pharmacy),
          statement: pointTo(statement, medication.fest.name),
        }),
      );
    }
  }
  for (const other of signed?.others ?? []) add(other);

  const listed = (entries: readonly Entry[]) => entries.map((it) => pointTo(it, String(it.resource['resourceType'])));
  const composition = entry('Composition', uuidFor('eresept', 'Composition', person.registerId), {
    meta: { profile: [profile('sfm-MedicationComposition')] },
    status: 'final',
    type: coded('http://loinc.org', '11503-0', 'Medical records'),
    subject,
    date: now,
    title: 'Legemidler',
    section: [
      section('sectionMedication', 'Medication', listed(statements), 'nilknown'),
      section(
        'sectionPLLinfo',
        'PllInfo',
        signed ? listed([signed.basic]) : [],
        failed.medicationList ? 'unavailable' : 'nilknown',
      ),
      section('sectionAllergies', 'Allergies', [], 'unavailable'),
      section('sectionDispense', 'sectionDispense', listed(dispenses), 'nilknown'),
      section('sectionOtherPrescriptions', 'Other Prescriptions', [], 'unavailable'),
    ],
  });
  return {
    resourceType: 'Bundle',
    meta: { profile: [profile('sfm-MedicationBundle')] },
    type: 'document',
    timestamp: now,
    entry: [
      composition,
      patient,
      ...supporting.values(),
      ...statements,
      ...dispenses,
      ...(signed ? [signed.basic] : []),
    ],
  };
};
