import type { CriticalEntry, Population, SyntheticDocument, SyntheticPerson } from '../../sandbox/population/model.ts';
import { createPopulation } from '../../sandbox/population/population.ts';

const author = { hprNumber: '9990007', name: 'Varsom Bre' };
const organisation = { number: '310006017', name: 'Sørfjord sykehus HF' };
const openPrivacy = { reservations: [], restrictions: [], blockedProfessionals: [], delayedUntil: null };
const anaphylaxis = { system: 'urn:oid:2.16.578.1.12.4.1.1.7497', code: '1', display: 'Anafylaktisk reaksjon' };

/** One entry of each kind, with ids that begin with the person's key. */
export const criticalEntries = (key: string): CriticalEntry[] => {
  const entry = (kind: string) => ({
    id: `${key}-${kind}`,
    recorded: '2026-02-11T09:20:00+01:00',
    author,
    organisation,
  });
  return [
    {
      ...entry('limitation'),
      kind: 'treatmentLimitation',
      limitation: { display: 'HLR minus' },
      statement: 'Alvorlig hjertesvikt. Pasienten er enig.',
      decided: '2026-02-10',
    },
    {
      ...entry('penicillin'),
      kind: 'allergy',
      substance: { system: 'http://www.whocc.no/atc', code: 'J01CE02', display: 'Fenoksymetylpenicillin' },
      category: 'medication',
      reaction: anaphylaxis,
      severity: 'severe',
      verification: 'confirmed',
    },
    {
      ...entry('nuts'),
      kind: 'allergy',
      substance: { display: 'Nøtter' },
      category: 'food',
      reaction: anaphylaxis,
      severity: 'moderate',
      verification: 'presumed',
    },
    { ...entry('pacemaker'), kind: 'implant', device: { display: 'Pacemaker' }, since: '2019-05' },
    {
      ...entry('intubation'),
      kind: 'anaesthesiaComplication',
      condition: { display: 'Vanskelig intubasjon' },
      since: '2018',
      note: 'Videolaryngoskop',
    },
    {
      ...entry('addison'),
      kind: 'criticalCondition',
      condition: {
        system: 'http://hl7.org/fhir/sid/icd-10-no',
        code: 'E27.1',
        display: 'Primær binyrebarksvikt',
      },
      since: '2015-03-01',
      note: null,
    },
    {
      ...entry('dialysis'),
      kind: 'ongoingTreatment',
      condition: { display: 'Hemodialyse' },
      since: '2024-01',
      note: null,
    },
    { ...entry('mrsa'), kind: 'infection', condition: { display: 'MRSA' }, since: null, note: null },
    {
      ...entry('arm'),
      kind: 'changedRoutine',
      condition: { display: 'Ikke blodtrykk i venstre arm' },
      since: null,
      note: 'Lymfeødem',
    },
  ];
};

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
const categories = {
  'A00-1': 'Epikriser og sammenfatninger',
  'C00-1': 'Prøvesvar, vev og vesker',
  'E00-1': 'Bildediagnostikk',
  'I00-1': 'Korrespondanse',
};

/** A document of so many days ago. */
export const document = (
  id: string,
  days: number,
  { category = 'A00-1' as keyof typeof categories, label = 'N' } = {},
): SyntheticDocument => {
  const concept = { system: 'urn:oid:2.16.578.1.12.4.1.1.9602', code: category, display: categories[category] };
  return {
    id,
    recorded: daysAgo(days),
    author,
    organisation,
    title: `Dokument ${id}`,
    category: concept,
    type: concept,
    securityLabel: label,
    contentType: 'application/pdf',
    text: 'Oppdiktet innhold',
  };
};

/** What these tests need of a person; the register part is the population's own. */
const histories: Record<string, Partial<SyntheticPerson>> = {
  fjordarm: {
    privacy: openPrivacy,
    criticalInformation: criticalEntries('fjordarm'),
    documents: [
      document('new-summary', 10),
      document('old-summary', 9_000),
      document('correspondence', 100, { category: 'I00-1' }),
      document('old-results', 500, { category: 'C00-1' }),
      document('imaging', 700, { category: 'E00-1' }),
    ],
  },
  'mange-kilder': {
    privacy: openPrivacy,
    criticalInformation: criticalEntries('mange-kilder'),
    documents: Array.from({ length: 250 }, (_, index) =>
      document(`many-${String(index).padStart(3, '0')}`, index + 1, {
        category: index % 10 === 0 ? 'E00-1' : 'A00-1',
      }),
    ),
  },
  granskog: {
    privacy: { ...openPrivacy, restrictions: [{ module: 'criticalInformation' }] },
    criticalInformation: criticalEntries('granskog'),
    documents: [],
  },
  'sperring-utløpt': {
    privacy: { ...openPrivacy, restrictions: [{ module: 'criticalInformation', to: '2020-01-01', expired: true }] },
    criticalInformation: criticalEntries('expired'),
    documents: [],
  },
  'blokkert-og-sperret': {
    privacy: {
      ...openPrivacy,
      restrictions: [{ module: 'criticalInformation' }],
      blockedProfessionals: ['9990004'],
    },
    criticalInformation: criticalEntries('blocked'),
    documents: [document('blocked', 1)],
  },
  reservert: {
    privacy: { ...openPrivacy, reservations: ['kjernejournal'] },
    criticalInformation: [],
    documents: [document('reserved', 1)],
  },
  'sperret-dokument': {
    privacy: openPrivacy,
    criticalInformation: [],
    documents: [document('open', 5), document('restricted', 6, { label: 'NORS' })],
  },
  'sperret-periode': {
    privacy: {
      ...openPrivacy,
      restrictions: [{ module: 'documents', from: daysAgo(40).slice(0, 10), to: daysAgo(5).slice(0, 10) }],
    },
    criticalInformation: [],
    documents: [document('within-1', 10), document('within-2', 30)],
  },
  'utsatt-innsyn': {
    privacy: openPrivacy,
    criticalInformation: [],
    documents: [
      document('plain', 1),
      document('own-restriction', 2, { label: 'NORS' }),
      document('delayed', 3, { label: 'NORU' }),
      document('refused', 4, { label: 'NORN_FFL' }),
      document('for-youths', 5, { label: 'NORN_UNGDOM' }),
      document('unknown-label', 6, { label: 'NYKODE' }),
    ],
  },
  'vanlig-3': { privacy: openPrivacy, criticalInformation: [], documents: [] },
  'flyttet-mellom': {
    privacy: openPrivacy,
    criticalInformation: criticalEntries('moved'),
    documents: [document('moved', 1)],
  },
};

/** The sandbox's people with the histories above, and nothing about the others. */
export const kjernejournalPopulation = (): Population => {
  const population = createPopulation();
  const people = population.people.map((person) => ({
    ...person,
    criticalInformation: [],
    documents: [],
    ...histories[person.key],
  }));
  const find = (matches: (person: SyntheticPerson) => boolean) => people.find(matches);
  return {
    ...population,
    people,
    byKey: (key) => find((person) => person.key === key),
    byRegisterId: (id) => find(({ registerId }) => registerId === id),
    byNationalId: (id) =>
      find(({ nationalId, formerNationalIds }) => nationalId === id || formerNationalIds.includes(id)),
    somebodyElse: ({ key }) => find((person) => person.key === (key === 'fjordarm' ? 'mange-kilder' : 'fjordarm'))!,
  };
};

export const nationalIdOf = (population: Population, key: string): string => population.byKey(key)!.nationalId;
