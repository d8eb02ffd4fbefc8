import people from './data/people.json' with { type: 'json' };
import type { SyntheticPractitioner } from './model.ts';
import { firstNationalId } from './nationalIds.ts';
import { organisations } from './organisations.ts';

export type Professional = { hprNumber: string; name: string };

const categoryNames: Record<string, string> = {
  FA1: 'Provisorfarmasøyt',
  HF: 'Helsefagarbeider',
  LE: 'Lege',
  PS: 'Psykolog',
  SP: 'Sykepleier',
};

/** What the file does not say: birth dates are invented, and the numbers made from them have month + 65. */
const born: Record<string, { birthDate: string; sex: 'female' | 'male' }> = {
  '9990001': { birthDate: '1974-05-12', sex: 'female' },
  '9990002': { birthDate: '1989-02-03', sex: 'male' },
  '9990003': { birthDate: '1993-11-21', sex: 'female' },
  '9990004': { birthDate: '1981-08-30', sex: 'male' },
  '9990005': { birthDate: '1969-01-17', sex: 'male' },
  '9990006': { birthDate: '1985-10-09', sex: 'female' },
  '9990007': { birthDate: '1977-04-25', sex: 'male' },
  'Glad Øy': { birthDate: '1972-06-06', sex: 'female' },
  '9990009': { birthDate: '1996-12-01', sex: 'female' },
  '9990010': { birthDate: '1979-03-14', sex: 'male' },
};

const listed = people.behandlere.map(({ hpr, kategori, virksomhet, navn }) => {
  const organisation = organisations.find((it) => it.name === virksomhet)!;
  const [given, family] = navn.split(' ') as [string, string];
  return {
    hpr,
    category: kategori,
    organisation,
    name: { given, family },
    nationalId: firstNationalId({ ...born[hpr ?? navn]!, synthetic: 'nhn65' }),
  };
});

/** Health personnel: those of the file, and the reference cast's doctor and nurse. */
export const practitioners: readonly SyntheticPractitioner[] = [
  ...listed.flatMap(({ hpr, category, organisation, name, nationalId }): SyntheticPractitioner[] =>
    hpr === null || category === null
      ? []
      : [
          {
            hprNumber: hpr,
            nationalId,
            name,
            category,
            categoryName: categoryNames[category]!,
            organisation: organisation.number,
            herId: category === 'LE' ? organisation.herId + 100 : null,
            validFrom: '2015-06-15',
            revoked: false,
          },
        ],
  ),
  {
    hprNumber: '999000101',
    nationalId: '08707925079',
    name: { given: 'ANE', family: 'DEMOLEGE' },
    category: 'LE',
    categoryName: 'Lege',
    organisation: '319996028',
    herId: 8_999_951,
    validFrom: '2006-02-01',
    revoked: false,
  },
  {
    hprNumber: '999000202',
    nationalId: '19759014866',
    name: { given: 'SIV', family: 'DEMOSYKEPLEIER' },
    category: 'SP',
    categoryName: 'Sykepleier',
    organisation: '319988777',
    herId: null,
    validFrom: '2014-06-20',
    revoked: false,
  },
];

/** Works without a HPR number, and is therefore in no list of health personnel: the case worker of the file. */
export type SyntheticEmployee = Pick<SyntheticPractitioner, 'nationalId' | 'name' | 'organisation'>;

export const employees: readonly SyntheticEmployee[] = listed
  .filter(({ hpr }) => hpr === null)
  .map(({ nationalId, name, organisation }) => ({ nationalId, name, organisation: organisation.number }));

const professional = (number: string): Professional => {
  const { hprNumber, name } = practitioners.find((it) => it.hprNumber === number)!;
  return { hprNumber, name: `${name.given} ${name.family}` };
};

/** Those who write in the histories, by what they do there. */
export const professionals = {
  nursingHomeDoctor: professional('9990001'),
  homeNurse: professional('9990002'),
  emergencyDoctor: professional('9990004'),
  generalPractitioner: professional('9990005'),
  hospitalDoctor: professional('9990007'),
  agencyNurse: professional('9990009'),
  psychologist: professional('9990010'),
  castDoctor: professional('999000101'),
  castNurse: professional('999000202'),
};
