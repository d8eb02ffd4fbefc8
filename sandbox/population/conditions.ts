import type { DocumentParts } from './documents.ts';
import type { ImagingParts } from './imaging.ts';
import type { AnalysisKey } from './laboratory.ts';
import type { MedicineKey } from './medication.ts';

/** Something a person has or has had, and what it leaves behind in each source. */
export type Condition = {
  /** Share of people who have it, by age. */
  share(age: number): number;
  medicines: readonly MedicineKey[];
  analyses: readonly AnalysisKey[];
  document?: Omit<DocumentParts, 'daysAgo'>;
  imaging?: Omit<ImagingParts, 'daysAgo'>;
};

/** `[from age, share]`, youngest first: the share holds until the next age. */
const steps =
  (...list: readonly (readonly [number, number])[]) =>
  (age: number): number =>
    list.findLast(([from]) => age >= from)?.[1] ?? 0;

/** Lasting: medicines in regular use, controlled a few times a year. */
export const lasting: readonly Condition[] = [
  {
    share: steps([40, 0.15], [60, 0.45], [80, 0.6]),
    medicines: ['amlodipine', 'losartan'],
    analyses: ['creatinine', 'egfr', 'sodium', 'potassium'],
    document: {
      category: 'correspondence',
      title: 'Henvisning til 24-timers blodtrykksmåling',
      text: 'Hypertensjon gjennom flere år. Kontorblodtrykk 158/92 tross to midler. Ber om 24-timers måling og vurdering av behandling.',
    },
  },
  {
    share: steps([35, 0.04], [60, 0.15]),
    medicines: ['metformin', 'atorvastatin'],
    analyses: ['hba1c', 'glucose', 'ldl', 'creatinine', 'egfr'],
    document: {
      category: 'correspondence',
      title: 'Årskontroll diabetes type 2',
      text: 'HbA1c stabil på metformin. Ingen sår på føttene, normal monofilamenttest. Øyelege kontrollert siste år uten retinopati.',
    },
  },
  {
    share: steps([55, 0.04], [70, 0.14], [80, 0.22]),
    medicines: ['apixaban', 'metoprolol'],
    analyses: ['hemoglobin', 'creatinine', 'egfr'],
    document: {
      category: 'organFunction',
      title: 'EKG',
      text: 'Atrieflimmer, frekvens 78/min. Normal QRS-bredde. Ingen nytilkomne ST-forandringer.',
      contentType: 'application/xml',
    },
  },
  {
    share: steps([65, 0.05], [80, 0.15]),
    medicines: ['furosemide', 'ramipril', 'metoprolol'],
    analyses: ['creatinine', 'egfr', 'sodium', 'potassium', 'hemoglobin'],
    document: {
      category: 'summary',
      title: 'Epikrise hjertemedisin',
      text: 'Innlagt med økende tungpust og ankelødem. Ekkokardiografi viste moderat redusert pumpefunksjon. God effekt av intravenøst furosemid. Utskrives med daglig vektkontroll.',
    },
    imaging: {
      examination: 'chestXray',
      conclusion:
        'Forstørret hjerte. Lett sentral stuvning og små mengder pleuravæske på begge sider. Ingen fortetninger.',
    },
  },
  {
    share: steps([50, 0.05], [65, 0.11]),
    medicines: ['tiotropium', 'salbutamol'],
    analyses: ['crp', 'leukocytes', 'hemoglobin'],
    document: {
      category: 'organFunction',
      title: 'Spirometri',
      text: 'FEV1 58 % av forventet, FEV1/FVC 0,55 etter bronkodilatator. Forenlig med kols grad 2.',
    },
    imaging: {
      examination: 'chestXray',
      conclusion: 'Emfysematøse forandringer. Ingen infiltrater eller pleuravæske.',
    },
  },
  {
    share: steps([20, 0.02], [50, 0.08]),
    medicines: ['levothyroxine'],
    analyses: ['tsh'],
    document: {
      category: 'correspondence',
      title: 'Kontroll av stoffskifte',
      text: 'Lavt stoffskifte, behandlet i flere år. Velbefinnende på uendret dose. Ny TSH om ett år.',
    },
  },
  {
    share: steps([18, 0.06], [30, 0.08]),
    medicines: ['escitalopram'],
    analyses: ['tsh', 'ferritin', 'hemoglobin'],
    document: {
      category: 'correspondence',
      title: 'Henvisning til psykisk helsevern',
      text: 'Nedstemthet og søvnvansker i fire måneder, delvis effekt av behandling hos fastlege. Ingen selvmordstanker. Ber om vurdering.',
    },
  },
  {
    share: steps([5, 0.09], [30, 0.06], [60, 0]),
    medicines: ['budesonide', 'salbutamol'],
    analyses: ['hemoglobin', 'leukocytes'],
    document: {
      category: 'organFunction',
      title: 'Spirometri',
      text: 'FEV1 88 % av forventet, økning på 14 % etter bronkodilatator. Forenlig med astma med god kontroll.',
    },
  },
  {
    share: steps([6, 0.15], [50, 0.08]),
    medicines: ['cetirizine'],
    analyses: ['leukocytes'],
  },
  {
    share: steps([75, 0.08], [85, 0.25]),
    medicines: ['memantine'],
    analyses: ['tsh', 'hemoglobin', 'sodium'],
    document: {
      category: 'correspondence',
      title: 'Utredning av hukommelse',
      text: 'MMSE 21 av 30, klokketest 2 av 5. Pårørende beskriver svikt gjennom to år. Oppfølging av kommunens demenskoordinator.',
    },
    imaging: { examination: 'headCt', conclusion: 'Aldersforandringer. Ingen blødning, infarkt eller svulst.' },
  },
  {
    share: steps([60, 0.07], [75, 0.16]),
    medicines: ['alendronate', 'calcium'],
    analyses: ['creatinine'],
  },
  {
    share: steps([30, 0.05], [55, 0.1]),
    medicines: ['pantoprazole'],
    analyses: ['hemoglobin', 'ferritin'],
  },
];

/** Passing: a course of medicine, one blood test, one picture. */
export const passing: readonly Condition[] = [
  {
    share: steps([1, 0.5], [8, 0.08], [14, 0]),
    medicines: ['penicillinOral'],
    analyses: ['crp'],
    document: {
      category: 'correspondence',
      title: 'Notat fra legevakt',
      text: 'Feber og øreverk i to døgn. Rød, buktende trommehinne på høyre side. Startet penicillin, kontroll ved manglende bedring.',
    },
  },
  {
    share: steps([6, 0.25], [60, 0.08]),
    medicines: ['paracetamol'],
    analyses: ['crp'],
    document: {
      category: 'imaging',
      title: 'Røntgensvar fot',
      text: 'Røntgen av fot etter overtråkk. Ingen påvist brudd. Normal leddstilling.',
    },
    imaging: { examination: 'footXray', conclusion: 'Ingen påvist brudd. Lett bløtdelshevelse lateralt.' },
  },
  {
    share: steps([25, 0.2], [70, 0.1]),
    medicines: ['paracetamol', 'naproxen'],
    analyses: ['crp', 'hemoglobin'],
    document: {
      category: 'correspondence',
      title: 'Henvisning til fysioterapi',
      text: 'Korsryggsmerter i åtte uker uten utstråling eller røde flagg. Ber om veiledet opptrening.',
    },
    imaging: {
      examination: 'lumbarMr',
      conclusion: 'Degenerative forandringer i nedre lumbalskiver. Ingen skiveprolaps med nervepåvirkning.',
    },
  },
  {
    share: steps([16, 0.12], [60, 0.25]),
    medicines: ['trimethoprim'],
    analyses: ['crp', 'leukocytes', 'creatinine'],
    document: {
      category: 'correspondence',
      title: 'Notat fra legevakt',
      text: 'Svie ved vannlating i to døgn, ingen feber. Urinstiks positiv på leukocytter og nitritt. Startet trimetoprim.',
    },
  },
  {
    share: steps([16, 0.1], [65, 0.2]),
    medicines: ['doxycycline'],
    analyses: ['crp', 'leukocytes'],
    document: {
      category: 'summary',
      title: 'Epikrise kortvarig innleggelse',
      text: 'Innlagt ett døgn med pneumoni. CRP falt raskt på behandling. Utskrevet i god allmenntilstand, røntgenkontroll om seks uker.',
    },
    imaging: { examination: 'chestXray', conclusion: 'Infiltrat basalt på høyre side, forenlig med pneumoni.' },
  },
];
