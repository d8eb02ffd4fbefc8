import { parseNationalId } from '../../../../schema/nationalId.ts';
import type { CodeableConcept, Period } from '../../../_shared/fhir.ts';
import type { NamedPerson, RegisterPerson } from './client.ts';

export type HumanName = { text: string | null; given: string[]; family: string | null };
export type Municipality = { code: string; name: string | null };
export type Address = {
  lines: string[];
  postalCode: string | null;
  city: string | null;
  municipality: Municipality | null;
};
export type Relation = {
  kind: 'PARENTAL_RESPONSIBILITY' | 'GUARDIANSHIP';
  /** `null` when the register knows the representative by name only. Never leaves the subgraph but through `identify`. */
  nationalId: string | null;
  name: HumanName | null;
  type: CodeableConcept;
  scope: CodeableConcept | null;
  personalMatters: boolean;
  period: Period;
};

/** What the person index remembers of a person; addresses are not among it. */
export type Facts = {
  name: HumanName | null;
  birthDate: string | null;
  sex: CodeableConcept;
  deceased: { isDeceased: boolean; date: string | null };
  /** The register's own word; anything but `Unclassified` is protected. */
  addressProtection: string;
  municipality: Municipality | null;
  responsible: string[];
  guardians: string[];
};

export type Person = {
  registerId: string;
  /** The one in use first. */
  nationalIds: string[];
  facts: Facts;
  residential: Address | null;
  postal: Address | null;
  relations: Relation[];
};

/** Time and time zone of the register's dates are unknown and must be ignored (its OpenAPI document). */
const dayOf = (dateTime: string | null | undefined): string | null => dateTime?.slice(0, 10) ?? null;

const filled = (values: readonly (string | null | undefined)[]): string[] =>
  values.filter((value): value is string => Boolean(value));

type Name = {
  givenName?: string | null | undefined;
  middleName?: string | null | undefined;
  familyName?: string | null | undefined;
};
const mapName = (name: Name | null | undefined): HumanName | null => {
  if (!name) return null;
  const given = filled([name.givenName, name.middleName]);
  const text = [...given, ...filled([name.familyName])].join(' ');
  return text ? { text, given, family: name.familyName ?? null } : null;
};

/** The register's own codes have no published code system, so they stand as they came. */
const ownWord = (code: string): CodeableConcept => ({
  text: code,
  coding: [{ system: null, code, display: null, version: null }],
});

const sexes: Record<string, { code: string; display: string }> = {
  Female: { code: 'female', display: 'Kvinne' },
  Male: { code: 'male', display: 'Mann' },
};
const mapSex = (gender: string | undefined): CodeableConcept => {
  const known = gender ? sexes[gender] : { code: 'unknown', display: 'Ukjent' };
  if (!known) return ownWord(gender!); // a word the register did not have when this was written is not lost
  return {
    text: known.display,
    coding: [{ system: 'http://hl7.org/fhir/administrative-gender', ...known, version: null }],
  };
};

type City = { cityName?: string | null | undefined; postalCode?: string | null | undefined } | null | undefined;
const address = (
  lines: readonly (string | null | undefined)[],
  city: City,
  municipality: Municipality | null,
): Address => ({
  lines: filled(lines),
  postalCode: city?.postalCode ?? null,
  city: city?.cityName ?? null,
  municipality,
});

const mapMunicipality = (
  it:
    | { municipalityNumber?: string | null | undefined; municipalityName?: string | null | undefined }
    | null
    | undefined,
): Municipality | null =>
  it?.municipalityNumber ? { code: it.municipalityNumber, name: it.municipalityName ?? null } : null;

type Street = NonNullable<RegisterPerson['residentialAddress'][number]['streetAddress']>;
const streetLines = (street: Street) => {
  const number = filled([street.addressNumber?.houseNumber, street.addressNumber?.houseLetter]).join('');
  return [
    street.coAddressName && `c/o ${street.coAddressName}`,
    street.addressAdditionalName,
    filled([street.addressName, number, street.separatelyOccupiedUnitNumber]).join(' '),
  ];
};

const mapResidential = (versions: RegisterPerson['residentialAddress']): Address | null => {
  const [it] = versions;
  if (it?.streetAddress)
    return address(streetLines(it.streetAddress), it.streetAddress.city, mapMunicipality(it.streetAddress));
  if (it?.cadastralAddress) {
    const { coAddressName, addressAdditionalName, cadastralNumber, city } = it.cadastralAddress;
    const lines = [coAddressName && `c/o ${coAddressName}`, addressAdditionalName];
    return address(lines, city, mapMunicipality(cadastralNumber));
  }
  return it?.unknownResidence ? address([], null, mapMunicipality(it.unknownResidence)) : null;
};

const mapPostal = (versions: RegisterPerson['postalAddress']): Address | null => {
  const [it] = versions;
  if (it?.streetAddress) return address(streetLines(it.streetAddress), it.streetAddress.city, null);
  if (it?.postBoxAddress) {
    const { postBoxOwner, postBoxIdentification, city } = it.postBoxAddress;
    return address([postBoxOwner, postBoxIdentification], city, null);
  }
  if (!it?.freeFormPostalAddress) return null;
  return address(it.freeFormPostalAddress.addressLine ?? [], it.freeFormPostalAddress.city, null);
};

const period = (it: { validFrom?: string | null | undefined; validTo?: string | null | undefined }): Period => ({
  start: dayOf(it.validFrom),
  end: dayOf(it.validTo),
});

/** Parental responsibility for this person (a parent's own record names their children the same way), then guardians. */
const mapRelations = (person: RegisterPerson, nationalIds: readonly string[]): Relation[] => [
  ...person.parentalResponsibility
    .filter(({ subjectOfResponsibility }) => nationalIds.includes(subjectOfResponsibility ?? ''))
    .map(
      (it): Relation => ({
        kind: 'PARENTAL_RESPONSIBILITY',
        nationalId: it.responsible ?? null,
        name: mapName(it.responsibleWithoutIdentifier?.name),
        type: ownWord(it.responsibilityType),
        scope: null,
        personalMatters: true,
        period: period(it),
      }),
    ),
  ...person.guardianshipOrFuturePowerOfAttorney
    .filter(({ guardian }) => guardian)
    .map(
      (it): Relation => ({
        kind: 'GUARDIANSHIP',
        nationalId: it.guardian?.identificationNumber ?? null,
        name: mapName(it.guardian?.name),
        type: ownWord(it.guardianshipType),
        scope: it.guardian?.guardianshipScope ? ownWord(it.guardian.guardianshipScope) : null,
        personalMatters: it.guardian?.isGuardianshipInPersonalScope === true,
        period: period(it),
      }),
    ),
];

/** All numbers that ever led to the person, the one in use first; what is no national id (a DUF number) is left out. */
export const nationalIdsOf = ({
  norwegianIdentificationNumber: versions,
}: Pick<NamedPerson, 'norwegianIdentificationNumber'>) => {
  const inUse = versions.filter(({ isValid, status }) => isValid && status !== 'Discontinued');
  const numbers = [...inUse, ...versions].map(({ identificationNumber }) => identificationNumber);
  return [...new Set(numbers)].filter((number) => parseNationalId(number));
};

export const nameOf = ({ name }: NamedPerson): HumanName | null => mapName(name[0]);

/** Persontjenesten -> this graph. */
export const mapPerson = (person: RegisterPerson): Person => {
  const nationalIds = nationalIdsOf(person);
  const relations = mapRelations(person, nationalIds);
  const residential = mapResidential(person.residentialAddress);
  const idsOf = (kind: Relation['kind']) => [
    ...new Set(
      filled(relations.filter((it) => it.kind === kind && it.personalMatters).map(({ nationalId }) => nationalId)),
    ),
  ];
  return {
    registerId: person.id,
    nationalIds,
    facts: {
      name: mapName(person.name[0]),
      birthDate: dayOf(person.birth[0]?.birthDate) ?? person.birth[0]?.birthYear ?? null,
      sex: mapSex(person.gender[0]?.gender),
      deceased: {
        isDeceased: person.death?.isValid === true,
        date: person.death?.isValid ? dayOf(person.death.deceasedDate) : null,
      },
      // Inferred: no element at all means that nobody has decided on protection, as in the population register.
      addressProtection: person.addressProtection[0]?.protectionLevel ?? 'Unclassified',
      municipality: residential?.municipality ?? null,
      responsible: idsOf('PARENTAL_RESPONSIBILITY'),
      guardians: idsOf('GUARDIANSHIP'),
    },
    residential,
    postal: mapPostal(person.postalAddress),
    relations,
  };
};
