import { type DocumentParts, document } from '../documents.ts';
import { labReport, textResult, usualResult } from '../laboratory.ts';
import { inRegularUse } from '../medication.ts';
import { stableSeries } from '../news2.ts';
import { professionals } from '../practitioners.ts';
import type { History, Scene } from '../scene.ts';

/** Nobody has registered anything critical, and the municipality gives nothing: an answer, not a failure. */
export const nothingRegistered = (): Partial<History> => ({ criticalInformation: [], services: [] });

const correspondence: readonly Omit<DocumentParts, 'daysAgo'>[] = [
  {
    category: 'correspondence',
    title: 'Helseopplysninger fra hjemmetjenesten',
    text: 'Uendret tilstand. Tar medisinene selv fra dosett. Vekt og blodtrykk følges ukentlig.',
  },
  {
    category: 'summary',
    title: 'Epikrise poliklinikk',
    text: 'Kontroll etter plan. God effekt av behandlingen, ingen bivirkninger. Ny kontroll om seks måneder.',
  },
  {
    category: 'organFunction',
    title: 'EKG',
    text: 'Sinusrytme 68/min. Normale ledningstider. Uendret fra forrige.',
    contentType: 'application/xml',
  },
  {
    category: 'results',
    title: 'Laboratoriesvar',
    text: 'Kreatinin, elektrolytter og hemoglobin uendret siden forrige prøve.',
  },
];

/** Stødig Elg: three measurements a day in four and a half years, and 41 documents, which is three pages of PJD. */
export const manyMeasurements = (scene: Scene): Partial<History> => ({
  news2: stableSeries(scene, 5_000, 0),
  documents: Array.from({ length: 41 }, (_, i) =>
    document(scene, { ...correspondence[i % correspondence.length]!, daysAgo: 8 + 21 * i }),
  ),
});

/** Ærlig Tind: pregnant, so that NEWS2 does not apply; the home nurse measures all the same. */
export const pregnant = (scene: Scene, usual: History): Partial<History> => ({
  medication: [inRegularUse(scene, 'folicAcid')],
  documents: [
    document(scene, {
      daysAgo: 16,
      category: 'correspondence',
      title: 'Henvisning til fødepoliklinikk',
      text: 'Gravid i uke 31. Stigende blodtrykk, 142/90 ved to kontroller. Ingen hodepine eller synsforstyrrelser. Ber om vurdering.',
    }),
    ...usual.documents,
  ],
  labReports: [
    labReport(scene, {
      daysAgo: 17,
      results: (['hemoglobin', 'ferritin', 'creatinine', 'alat'] as const).map((key) => usualResult(scene, key)),
    }),
    labReport(scene, {
      daysAgo: 17,
      specimen: 'urine',
      results: [textResult(scene, 'U-Protein, stiks', '1+', { deviation: '3' })],
    }),
    ...usual.labReports.filter(({ recorded }) => Date.parse(recorded) < Date.parse(scene.calendar.at(18, '08:00'))),
  ],
});

/** Ivrig Vind: a birth, and the screening that follows it. */
export const newborn = (scene: Scene): Partial<History> => {
  const born = scene.calendar.daysSince(scene.person.birthDate);
  return {
    medication: [],
    imagingReports: [],
    criticalInformation: [],
    documents: [
      document(scene, {
        daysAgo: Math.max(1, born - 3),
        category: 'summary',
        title: 'Epikrise nyfødt',
        text: 'Født til termin, 3 480 g, Apgar 9-10-10. Normal undersøkelse ved barnelege. Ammes. Utskrevet på tredje levedøgn.',
      }),
    ],
    labReports: [
      labReport(scene, {
        daysAgo: Math.max(1, born - 2),
        specimen: 'blood',
        results: [textResult(scene, 'Nyfødtscreening', 'Ingen av tilstandene påvist')],
      }),
    ],
  };
};

/** Sindig Ås: the epikrise from psychiatry is restricted by her, everything else is open. */
export const restrictedDocument = (scene: Scene, usual: History): Partial<History> => ({
  documents: [
    ...usual.documents,
    document(scene, {
      daysAgo: 820,
      category: 'summary',
      title: 'Epikrise psykisk helsevern for voksne',
      text: 'Behandlet poliklinisk i åtte måneder for depresjon. God bedring. Avsluttes til fastlege, uendret behandling i seks måneder.',
      label: 'NORS',
      by: { author: professionals.psychologist, organisation: scene.hospital.organisation },
    }),
  ],
});

/** Vennlig Snø: what happened on the first and last restricted day, and on the days around them. */
export const restrictedPeriod = (scene: Scene, usual: History): Partial<History> => {
  const days = ['2021-01-01', '2020-12-31', '2019-01-01', '2018-12-31'].map(scene.calendar.daysSince);
  return {
    documents: [
      ...usual.documents,
      ...days.map((daysAgo) =>
        document(scene, {
          daysAgo,
          category: 'summary',
          title: 'Epikrise dagbehandling',
          text: 'Dagbehandling uten komplikasjoner. Utskrevet samme dag.',
        }),
      ),
    ],
    labReports: [
      ...usual.labReports,
      ...days.map((daysAgo) => labReport(scene, { daysAgo, results: [usualResult(scene, 'hemoglobin')] })),
    ],
  };
};

/** Rød Vik: the latest results, and the letter about them, are not for her eyes yet. */
export const delayed = (scene: Scene, usual: History): Partial<History> => ({
  documents: [
    document(scene, {
      daysAgo: 4,
      category: 'correspondence',
      title: 'Svar på biopsi',
      text: 'Svar foreligger. Pasienten innkalles til samtale før svaret vises på nett.',
      label: 'NORU',
      by: scene.hospital,
    }),
    ...usual.documents,
  ],
  labReports: [
    labReport(scene, {
      daysAgo: 5,
      results: [usualResult(scene, 'hemoglobin'), textResult(scene, 'Biopsi, hud', 'Se eget brev', { deviation: '3' })],
    }),
    ...usual.labReports.filter(({ recorded }) => Date.parse(recorded) < Date.parse(scene.calendar.at(6, '08:00'))),
  ],
});

/** Somebody between 12 and 15: one letter that parents do not see, one that the child does not see. */
export const adolescent = (scene: Scene, usual: History): Partial<History> => ({
  documents: [
    document(scene, {
      daysAgo: 35,
      category: 'correspondence',
      title: 'Notat fra skolehelsetjenesten',
      text: 'Samtale om søvn og uro. Ønsker ikke at foreldrene får vite om samtalen nå. Ny time avtalt.',
      label: 'NORN_FORANS',
    }),
    document(scene, {
      daysAgo: 62,
      category: 'correspondence',
      title: 'Bekymring fra skolen',
      text: 'Drøftet med foreldre. Ungdommen informeres i egen samtale.',
      label: 'NORN_UNGDOM',
    }),
    ...usual.documents,
  ],
});
