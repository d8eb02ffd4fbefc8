import type {
  Population,
  SyntheticImagingReport,
  SyntheticLabReport,
  SyntheticPerson,
} from '../../sandbox/population/model.ts';
import { createPopulation } from '../../sandbox/population/population.ts';

const nlk = (code: string, display: string) => ({
  system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-7280-nlk',
  code,
  display,
});
const area = (code: string, display: string) => ({
  system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-8202',
  code,
  display,
});
type Result = SyntheticLabReport['results'][number];

const quantity = (id: string, code: string, display: string, number: number): Result => ({
  id,
  analysis: nlk(code, display),
  value: { number, unit: 'umol/L' },
  referenceRange: '45 - 90',
  deviation: number > 90 ? '1' : null,
  comment: null,
});
export const creatinine = (id: string, number = 80): Result => quantity(id, 'NPU04998', 'P-Kreatinin', number);
export const crp = (id: string): Result => quantity(id, 'NPU19748', 'P-CRP', 12);

/** A culture with its microbe and, under that, one agent: three levels, the lowest with a code of its own. */
export const culture = (id: string): Result[] => {
  const finding = { value: { text: 'E. coli' }, referenceRange: null, deviation: null, comment: null };
  return [
    { ...finding, id: `${id}-top`, analysis: { display: 'U-Dyrkning' }, members: [`${id}-microbe`] },
    { ...finding, id: `${id}-microbe`, analysis: { display: 'Mikrobe' }, members: [`${id}-agent`] },
    { ...finding, id: `${id}-agent`, analysis: nlk('NPU99001', 'Ampicillin'), value: { text: 'Følsom' } },
  ];
};

const laboratory = {
  author: { hprNumber: '9990007', name: 'Varsom Bre' },
  organisation: { number: '310006017', name: 'Sørfjord sykehus HF' },
};

/** @param collected ISO 8601 with offset */
export const labReport = (
  id: string,
  collected: string,
  results: Result[],
  change: Partial<SyntheticLabReport> = {},
): SyntheticLabReport => ({
  id,
  recorded: collected,
  ...laboratory,
  status: 'final',
  area: area('CLIN', 'Medisinsk biokjemi'),
  collected,
  specimen: { system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-8351', code: 'P', display: 'Plasma' },
  requester: { hprNumber: '9990005', name: 'Klok Ørret' },
  results,
  ...change,
});

export const imagingReport = (id: string, performed: string): SyntheticImagingReport => ({
  id,
  recorded: performed,
  ...laboratory,
  status: 'preliminary',
  examination: {
    system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-7270-ncrp',
    code: 'SNA0GG',
    display: 'MR lumbalcolumna',
  },
  performed,
  conclusion: 'Ingen prolaps.',
});

/** The sandbox's people, with histories of the test's own for those named. Everybody else has no reports. */
export const populationWith = (changes: Record<string, Partial<SyntheticPerson>>): Population => {
  const whole = createPopulation();
  const people = whole.people.map(
    (person): SyntheticPerson => ({ ...person, labReports: [], imagingReports: [], ...changes[person.key] }),
  );
  const byKey = (key: string) => people.find((person) => person.key === key);
  return {
    ...whole,
    people,
    byKey,
    byNationalId: (id) =>
      people.find(({ nationalId, formerNationalIds }) => nationalId === id || formerNationalIds.includes(id)),
    byRegisterId: (id) => people.find(({ registerId }) => registerId === id),
    somebodyElse: (person) => byKey(person.key === 'fjordarm' ? 'mange-kilder' : 'fjordarm')!,
  };
};

/** National id of one of them. */
export const numberOf = (population: Population, key: string): string => {
  const person = population.byKey(key);
  if (!person) throw new RangeError(`nobody is called ${key}`);
  return person.nationalId;
};
