import type { Calendar } from './calendar.ts';
import cast from './data/cast.json' with { type: 'json' };
import file from './data/people.json' with { type: 'json' };
import points from './data/points.json' with { type: 'json' };
import type { SyntheticPerson } from './model.ts';
import { type Municipality, municipalityOf, placeName } from './municipalities.ts';
import { firstNationalId } from './nationalIds.ts';
import { organisations } from './organisations.ts';
import { randomFor, uuidFor } from './random.ts';

/** The part of a person that the registers hold. */
export type Register = Omit<
  SyntheticPerson,
  | 'privacy'
  | 'criticalInformation'
  | 'documents'
  | 'labReports'
  | 'imagingReports'
  | 'medication'
  | 'medicationList'
  | 'services'
  | 'news2'
>;

/** A fixed person before the history is made: register part, IPLOS services (9151) and privacy settings. */
export type FixedPerson = Register & { serviceTypes: readonly string[]; privacy: SyntheticPerson['privacy'] };

type FileEntry = (typeof file.personer)[number];
type FileLimit = {
  type: string;
  modul?: string;
  fra?: string;
  til?: string;
  utløper?: string;
  hpr?: string;
  kilde?: string;
};
type Restriction = SyntheticPerson['privacy']['restrictions'][number];

const protections = {
  UGRADERT: 'Unclassified',
  FORTROLIG: 'Confidential',
  STRENGT_FORTROLIG: 'StrictlyConfidential',
} as const;
const modules: Record<string, Restriction['module']> = {
  legemidler: 'medication',
  prøvesvar: 'labReports',
  kritisk: 'criticalInformation',
};
const limitsOf = ({ begrensninger }: FileEntry): readonly FileLimit[] => begrensninger ?? [];
const streets = ['Skogveien', 'Elvegata', 'Fjellstien', 'Myrveien', 'Bakkegata', 'Fjordveien', 'Kirkebakken'];

/** An invented address; the postal code does not follow the municipality. */
export const addressIn = (municipality: Municipality, key: string): NonNullable<SyntheticPerson['address']> => {
  const random = randomFor('address', key);
  return {
    street: `${random.pick(streets)} ${random.between(1, 120)}`,
    postalCode: String(random.between(1, 9_990)).padStart(4, '0'),
    city: placeName(municipality),
  };
};

/** Nobody is on a list before birth. */
const onList = (hprNumber: string, surgery: string, birthDate: string) => ({
  hprNumber,
  herId: organisations.find((it) => it.number === surgery)!.herId,
  since: birthDate > '2024-01-01' ? birthDate : '2024-01-01',
});

/** Nordvik legekontor's doctor: nearly everybody's general practitioner. */
export const usualGeneralPractitioner = (birthDate: string) => onList('9990005', '310005010', birthDate);

/** A period without a module concerns what is dated by what happened then: documents and lab reports. */
const restrictionsOf = (entry: FileEntry): Restriction[] =>
  limitsOf(entry).flatMap((it): Restriction[] => {
    if (it.type !== 'SPERRING') return [];
    const module = it.modul ? modules[it.modul] : undefined;
    if (module && it.utløper) return [{ module, to: it.utløper, expired: true }];
    if (module) return [{ module }];
    if (!it.fra || !it.til) return []; // one document: its label says it; one organisation: cannot be expressed
    const { fra: from, til: to } = it;
    return [
      { module: 'documents', from, to },
      { module: 'labReports', from, to },
    ];
  });

/** The file's date, or three months ahead when that has passed: the person exists to show a delay that runs. */
const delayOf = (entry: FileEntry, calendar: Calendar): string | null => {
  const delay = limitsOf(entry).find((it) => it.type === 'UTSATT_INNSYN')?.til;
  if (!delay) return null;
  return delay > calendar.day(0) ? delay : calendar.day(-90);
};

const privacyOf = (entry: FileEntry, calendar: Calendar): SyntheticPerson['privacy'] => ({
  reservations: limitsOf(entry).flatMap((it) => (it.type === 'RESERVASJON' && it.kilde ? [it.kilde] : [])),
  restrictions: restrictionsOf(entry),
  blockedProfessionals: limitsOf(entry).flatMap((it) => (it.hpr ? [it.hpr] : [])),
  delayedUntil: delayOf(entry, calendar),
});

const parentsOf = (keys: readonly string[]): SyntheticPerson['parents'] =>
  keys.map((key) => {
    const sex = file.personer.find(({ id }) => id === key)?.kjønn;
    const alone = sex === 'M' ? 'Father' : 'Mother';
    return { key, responsibility: keys.length > 1 ? 'Joint' : alone };
  });

/** The 44 of the file that have a number. `århundre`, born in 1899, has none and is left out: nobody can be looked up without one. */
const fromFile = (calendar: Calendar): FixedPerson[] =>
  file.personer.flatMap((entry): FixedPerson[] => {
    if (entry.nummer === null) return [];
    const municipality = municipalityOf(entry.kommunenummer);
    const sex = entry.kjønn === 'K' ? 'female' : 'male';
    const birthDate = entry.fødselsdato;
    const died = 'dødsdato' in entry ? entry.dødsdato : undefined;
    return [
      {
        key: entry.id,
        registerId: uuidFor('register', entry.id),
        nationalId: entry.nummer,
        formerNationalIds:
          entry.id === 'flyttet-mellom'
            ? [firstNationalId({ birthDate, sex, synthetic: 'tenor80', dNumber: true })]
            : [],
        givenName: entry.fornavn,
        familyName: entry.etternavn,
        birthDate,
        deathDate: died ?? null,
        sex,
        municipality,
        addressProtection: protections[entry.adressebeskyttelse as keyof typeof protections],
        address: entry.id === 'fh' ? null : addressIn(municipality, entry.id),
        parents: parentsOf(entry.foreldre ?? []),
        guardian: entry.verge ?? null,
        representativeBy: entry.fullmaktTil ? [entry.fullmaktTil] : [],
        generalPractitioner: entry.id === 'dnr' ? null : usualGeneralPractitioner(birthDate),
        point: points[entry.id as keyof typeof points],
        serviceTypes: entry.tjenester,
        privacy: privacyOf(entry, calendar),
      },
    ];
  });

export const openPrivacy: SyntheticPerson['privacy'] = {
  reservations: [],
  restrictions: [],
  blockedProfessionals: [],
  delayedUntil: null,
};

const fromCast = (): FixedPerson[] =>
  cast.map((entry) => {
    const municipality = municipalityOf('5001');
    return {
      ...entry,
      sex: entry.sex as FixedPerson['sex'],
      registerId: uuidFor('register', entry.key),
      formerNationalIds: [],
      deathDate: null,
      municipality,
      addressProtection: entry.protection === 'Confidential' ? 'Confidential' : 'Unclassified',
      address: addressIn(municipality, entry.key),
      parents: parentsOf(entry.parents ?? []),
      guardian: null,
      representativeBy: [],
      generalPractitioner: onList('999000101', '319996028', entry.birthDate),
      serviceTypes: entry.services,
      privacy:
        entry.key === 'granskog' ? { ...openPrivacy, restrictions: [{ module: 'criticalInformation' }] } : openPrivacy,
    };
  });

/** Everybody who is the same whatever the seed. */
export const fixedPeople = (calendar: Calendar): FixedPerson[] => [...fromCast(), ...fromFile(calendar)];
