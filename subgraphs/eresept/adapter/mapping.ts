import {
  type CodeableConcept,
  type Coding,
  type FhirReference,
  isNorwegianSystem,
  mapConcept,
} from '../../_shared/fhir.ts';
import type { Provenance as SourceProvenance } from '../../_shared/group.ts';
import type { SfmDocument } from './document.ts';
import { answeredCode, errorCodeSystem } from './refusals.ts';
import type { SfmExtension, SfmResourceOf, UpstreamCodes } from './shapes.ts';

type Identifier = { system: string | null; value: string };
export type Practitioner = { identifier: Identifier | null; name: string | null; role: null };
export type Organization = { identifier: Identifier | null; name: string | null };
export type Provenance = SourceProvenance & {
  organisation: Organization | null;
  recorded: string | null;
  author: Practitioner | null;
};
export type Product = {
  name: string | null;
  code: CodeableConcept | null;
  fest: Coding | null;
  atc: Coding | null;
  form: CodeableConcept | null;
  strength: string | null;
  prescriptionGroup: CodeableConcept | null;
};
export type Statement = {
  medication: Product;
  dosage: string | null;
  use: CodeableConcept | null;
  reason: CodeableConcept | null;
  status: string;
  start: string | null;
  prescriptionId: string | null;
  onMedicationList: boolean;
  provenance: Provenance;
};
export type Prescription = {
  prescriptionId: string;
  medication: Product;
  dosage: string | null;
  issued: string | null;
  expires: string | null;
  refills: number | null;
  packages: number | null;
  status: CodeableConcept | null;
  type: CodeableConcept | null;
  prescriber: Practitioner | null;
  genericSubstitution: boolean | null;
  replacedBy: string | null;
  provenance: Provenance;
};
export type Dispense = {
  /** Unique in the patient's list: position of a cursor, not given out. */
  key: string;
  medication: Product;
  dispensed: string | null;
  packages: number | null;
  pharmacy: Organization | null;
  prescriptionId: string | null;
  status: string;
  cancelled: boolean;
  provenance: Provenance;
};
export type SignedList = {
  signed: string | null;
  signedBy: Practitioner | null;
  messageType: CodeableConcept;
  provenance: Provenance;
};
export type PartialFailure = {
  part: 'KJERNEJOURNAL' | 'PRESCRIPTIONS' | 'MEDICATION_LIST' | 'DISPENSES';
  code: CodeableConcept;
  text: string;
};
/** What of a patient's medication can be told. A list is `null` when SFM could not say; `partial` then says so. */
export type MappedMedication = {
  inUse: Statement[] | null;
  prescriptions: Prescription[] | null;
  dispenses: Dispense[] | null;
  list: SignedList | null;
  partial: PartialFailure[];
};

/** Profiles have moved between hosts before (reference 15); the names at the end of their addresses have not. */
const isNamed = (url: string, name: string): boolean =>
  url.endsWith(name) && (url.length === name.length || url[url.length - name.length - 1] === '/');

/** The extension at the end of a path of names, e.g. `sfm-reseptamendment`, `rfstatus`, `status`. */
const at = (extensions: readonly SfmExtension[], ...path: string[]): SfmExtension | undefined => {
  let found: SfmExtension | undefined;
  let among: readonly SfmExtension[] = extensions;
  for (const name of path) {
    found = among.find(({ url }) => isNamed(url, name));
    if (!found) return undefined;
    among = found.extension ?? [];
  }
  return found;
};
const concept = (extension: SfmExtension | undefined): CodeableConcept | null =>
  extension?.valueCodeableConcept ? mapConcept(extension.valueCodeableConcept) : null;
const textOnly = (text: string): CodeableConcept => ({ text, coding: [] });

type Resource = SfmResourceOf<'MedicationStatement'> | SfmResourceOf<'MedicationDispense'>;
const identifierOf = (resource: Resource, kind: 'ReseptId' | 'PLL' | 'M10id') =>
  resource.identifier.find(({ type }) => type?.text === kind)?.value ?? null;

/** HPR number only: SFM gives professionals' national ids beside it, and those go no further. */
const mapPractitioner = (document: SfmDocument, reference: FhirReference | undefined): Practitioner | null => {
  const role = document.find('PractitionerRole', reference);
  const practitioner = document.find('Practitioner', role ? role.practitioner : reference);
  if (!practitioner) return null;
  const hpr = practitioner.identifier.find(({ system }) => system?.endsWith('.4.1.4.4'));
  const [name] = practitioner.name;
  const whole = name?.text ?? [...(name?.given ?? []), name?.family].filter(Boolean).join(' ');
  return {
    identifier: hpr?.value ? { system: hpr.system ?? null, value: hpr.value } : null,
    name: whole || null,
    role: null,
  };
};
const mapOrganization = (document: SfmDocument, reference: FhirReference | undefined): Organization | null => {
  const role = document.find('PractitionerRole', reference);
  const organization = document.find('Organization', role ? role.organization : reference);
  if (!organization) return null;
  const identifier = organization.identifier.find(({ value }) => value);
  return {
    identifier: identifier?.value ? { system: identifier.system ?? null, value: identifier.value } : null,
    name: organization.name ?? null,
  };
};

/** Norwegian decimal comma, as the rest of a prescription is written. */
const quantityText = ({ value, unit }: { value?: number | undefined; unit?: string | undefined }) =>
  [value === undefined ? null : String(value).replace('.', ','), unit].filter(Boolean).join(' ');
const mapStrength = ({ ingredient }: SfmResourceOf<'Medication'>): string | null => {
  const strengths = ingredient.flatMap(({ strength }) => {
    if (!strength?.numerator) return [];
    const { numerator, denominator } = strength;
    if (!denominator) return [quantityText(numerator)];
    const per = denominator.value === 1 ? (denominator.unit ?? '') : quantityText(denominator);
    return [per ? `${quantityText(numerator)}/${per}` : quantityText(numerator)];
  });
  return strengths.filter(Boolean).join(' + ') || null;
};

const mapProduct = (document: SfmDocument, resource: Resource): Product => {
  const medication = document.find('Medication', resource.medicationReference);
  const source = medication?.code ?? resource.medicationCodeableConcept;
  const code = source ? mapConcept(source) : null;
  const festCode = code?.coding.find(({ system }) => system?.endsWith('/FEST')) ?? null;
  const isAtc = ({ system }: Coding) => system === 'http://www.whocc.no/atc' || isNorwegianSystem(system, 7180);
  return {
    name: source?.text ?? festCode?.display ?? resource.medicationReference?.display ?? code?.text ?? null,
    code,
    fest: festCode,
    atc: code?.coding.find(isAtc) ?? null,
    form: medication?.form ? mapConcept(medication.form) : null,
    strength: medication ? mapStrength(medication) : null,
    prescriptionGroup: concept(at(medication?.extension ?? [], 'no-basis-prescriptiongroup', 'prescriptiongroup')),
  };
};

/** The registration of kind 1, «Forskrevet av»: a statement has one per thing done to it. */
const prescribing = (statement: SfmResourceOf<'MedicationStatement'>): readonly SfmExtension[] => {
  const isPrescribing = ({ url, extension = [] }: SfmExtension) =>
    isNamed(url, 'sfm-regInfo') &&
    at(extension, 'type')?.valueCodeableConcept?.coding.some(({ code }) => code === '1') === true;
  return statement.extension.find(isPrescribing)?.extension ?? [];
};
const amendment = (statement: SfmResourceOf<'MedicationStatement'>, ...path: string[]) =>
  at(statement.extension, 'sfm-reseptamendment', ...path);
const dosageOf = (statement: SfmResourceOf<'MedicationStatement'>): string | null =>
  statement.dosage
    .map(({ text }) => text)
    .filter(Boolean)
    .join('\n') ||
  (amendment(statement, 'dssn')?.valueString ?? null);

const mapReason = ({ reasonCode, dosage }: SfmResourceOf<'MedicationStatement'>): CodeableConcept | null => {
  if (reasonCode[0]) return mapConcept(reasonCode[0]);
  const area = at(dosage[0]?.extension ?? [], 'sfm-application-area');
  const text = area?.valueString ?? at(area?.extension ?? [], 'text')?.valueString;
  return text ? textOnly(text) : null;
};
const startOf = (statement: SfmResourceOf<'MedicationStatement'>): string | null =>
  statement.effectiveDateTime ??
  statement.effectivePeriod?.start ??
  at(statement.extension, 'effectiveDateTime')?.valueDate ?? // as a public example has it, outside all profiles
  amendment(statement, 'ereseptdosing', 'starttime')?.valueDate ??
  null;

/** FHIR statuses that say «no longer». A renewed prescription is `completed` and `partOf` the one that renewed it. */
const ended = ['completed', 'stopped', 'entered-in-error', 'not-taken'];

const failureTexts: Record<PartialFailure['part'], string> = {
  KJERNEJOURNAL: 'Kjernejournal ga ikke svar. Legemidler som bare er kjent der, vises ikke.',
  PRESCRIPTIONS: 'Reseptformidleren ga ikke legemidler og resepter. Det kan finnes noen som ikke vises.',
  MEDICATION_LIST: 'Pasientens legemiddelliste kunne ikke hentes. Det kan finnes en som ikke vises.',
  DISPENSES: 'Utleveringer fra apotek kunne ikke hentes. Det kan finnes noen som ikke vises.',
};
const emptyReasonSystem = 'http://terminology.hl7.org/CodeSystem/list-empty-reason';
/** The source's code is kept and its words are not: they hold traces and technical text. */
const failure = (part: PartialFailure['part'], system: string, code: string | null): PartialFailure => ({
  part,
  code: {
    text: failureTexts[part],
    coding: code === null ? [] : [{ system, code, display: null, version: null }],
  },
  text: failureTexts[part],
});

/** SFM's document -> this graph, of the records that `isOwn` admits. Pure; the caller has dealt with what failed entirely. */
export const mapMedication = (
  document: SfmDocument,
  codes: UpstreamCodes,
  retrieved: string,
  isOwn: (record: SfmResourceOf<'MedicationStatement' | 'MedicationDispense' | 'Basic'>) => boolean,
): MappedMedication => {
  const provenanceOf = (
    author: FhirReference | undefined,
    recorded: string | undefined,
    organisation = mapOrganization(document, author),
  ): Provenance => ({
    source: 'ERESEPT',
    retrieved,
    recorded: recorded ?? null,
    author: mapPractitioner(document, author),
    organisation,
  });

  const mapped = new Map<SfmResourceOf<'MedicationStatement'>, Statement>(); // what is in use is often prescribed as well
  const mapStatement = (statement: SfmResourceOf<'MedicationStatement'>): Statement => {
    const known = mapped.get(statement);
    if (known) return known;
    const registration = prescribing(statement);
    const fresh: Statement = {
      medication: mapProduct(document, statement),
      dosage: dosageOf(statement),
      use: concept(at(statement.dosage[0]?.extension ?? [], 'sfm-use')),
      reason: mapReason(statement),
      status: statement.status,
      start: startOf(statement),
      prescriptionId: identifierOf(statement, 'ReseptId'),
      onMedicationList: identifierOf(statement, 'PLL') !== null,
      provenance: provenanceOf(
        at(registration, 'provider')?.valueReference,
        at(registration, 'timestamp')?.valueDateTime ?? amendment(statement, 'reseptdate')?.valueDate,
      ),
    };
    mapped.set(statement, fresh);
    return fresh;
  };

  const mapPrescription = (statement: SfmResourceOf<'MedicationStatement'>): Prescription | null => {
    const prescriptionId = identifierOf(statement, 'ReseptId');
    if (prescriptionId === null) return null; // on the list without an electronic prescription
    const { medication, dosage, provenance } = mapStatement(statement);
    const refills = Number.parseInt(amendment(statement, 'reit')?.valueString ?? '', 10);
    const successor = document.find('MedicationStatement', statement.partOf[0]);
    return {
      prescriptionId,
      medication,
      dosage: amendment(statement, 'dssn')?.valueString ?? dosage,
      issued: amendment(statement, 'reseptdate')?.valueDate ?? null,
      expires: amendment(statement, 'expirationdate')?.valueDate ?? null,
      refills: Number.isNaN(refills) ? null : refills,
      packages: amendment(statement, 'numberofpackages')?.valueDecimal ?? null,
      status: concept(amendment(statement, 'rfstatus', 'status')),
      type: concept(amendment(statement, 'typeresept')),
      prescriber: provenance.author,
      genericSubstitution:
        at(statement.extension, 'sfm-generic-substitution', 'genericSubstitutionAccepted')?.valueBoolean ?? null,
      replacedBy: successor ? identifierOf(successor, 'ReseptId') : null,
      provenance,
    };
  };

  const mapDispense = (dispense: SfmResourceOf<'MedicationDispense'>, position: number): Dispense => {
    const prescribed = document.find('MedicationStatement', dispense.authorizingPrescription[0]);
    const pharmacy = mapOrganization(document, dispense.performer[0]?.actor);
    const prescriptionId =
      at(dispense.extension, 'sfm-dispenseinfo', 'prescriptionid')?.valueString ??
      (prescribed ? identifierOf(prescribed, 'ReseptId') : null);
    return {
      key: `${dispense.whenHandedOver ?? ''}|${identifierOf(dispense, 'M10id') ?? `${prescriptionId}/${position}`}`,
      medication: mapProduct(document, dispense),
      dispensed: dispense.whenHandedOver ?? null,
      packages: dispense.quantity?.value ?? null,
      pharmacy,
      prescriptionId,
      status: dispense.status,
      cancelled: at(dispense.extension, 'sfm-dispenseinfo', 'cancellation')?.valueBoolean ?? false,
      provenance: provenanceOf(undefined, undefined, pharmacy),
    };
  };

  const mapList = (basic: SfmResourceOf<'Basic'>): SignedList => {
    const signed = at(basic.extension, 'sfm-pllInformation', 'PLLdate')?.valueDateTime;
    const provenance = provenanceOf(basic.author, signed);
    return { signed: signed ?? null, signedBy: provenance.author, messageType: mapConcept(basic.code), provenance };
  };

  const partial: PartialFailure[] = [];
  if (codes.kjernejournal !== answeredCode)
    partial.push(failure('KJERNEJOURNAL', errorCodeSystem, codes.kjernejournal));
  const listFailed = codes.medicationList !== answeredCode;
  if (listFailed) partial.push(failure('MEDICATION_LIST', errorCodeSystem, codes.medicationList));

  const medicationSection = document.section('sectionMedication');
  if (!medicationSection.known) partial.push(failure('PRESCRIPTIONS', emptyReasonSystem, medicationSection.reason));
  const dispenseSection = document.section('sectionDispense');
  if (!dispenseSection.known) partial.push(failure('DISPENSES', emptyReasonSystem, dispenseSection.reason));
  const listSection = document.section('sectionPLLinfo');
  if (!listFailed && !listSection.known)
    partial.push(failure('MEDICATION_LIST', emptyReasonSystem, listSection.reason));

  const statements = document.all('MedicationStatement').filter(isOwn);
  const isRenewed = ({ status, partOf }: SfmResourceOf<'MedicationStatement'>) =>
    status === 'completed' && partOf.length > 0;
  const inSection = new Set(
    medicationSection.known
      ? medicationSection.references.map((reference) => document.find('MedicationStatement', reference))
      : [],
  );
  const listed = listSection.known ? listSection.references.map((reference) => document.find('Basic', reference)) : [];
  const signedList = listed.find((basic) => basic?.code.coding.some(({ code }) => code === 'M25.1'));

  return {
    // Renewed prescriptions may lie in the document outside its sections, so that the chain can be followed.
    inUse: medicationSection.known
      ? statements.filter((it) => inSection.has(it) && !ended.includes(it.status)).map(mapStatement)
      : null,
    prescriptions: medicationSection.known
      ? statements
          .filter((it) => inSection.has(it) || isRenewed(it))
          .flatMap((it) => mapPrescription(it) ?? [])
          .sort((one, other) => (positionOf(other) < positionOf(one) ? -1 : 1))
      : null,
    dispenses: dispenseSection.known
      ? dispenseSection.references
          .flatMap((reference) => document.find('MedicationDispense', reference) ?? [])
          .filter(isOwn)
          .map(mapDispense)
          .sort((one, other) => (other.key < one.key ? -1 : 1))
      : null,
    list: !listFailed && signedList && isOwn(signedList) ? mapList(signedList) : null,
    partial,
  };
};

/** Orders prescriptions newest first, and is unique: a ReseptId occurs once. */
export const positionOf = ({ issued, prescriptionId }: Prescription): string => `${issued ?? ''}|${prescriptionId}`;
