import { icd10 } from '../codes.ts';
import { criticalEntry } from '../critical.ts';
import { document } from '../documents.ts';
import { imagingReport } from '../imaging.ts';
import { labReport, measuredResult, urineCulture, usualResult } from '../laboratory.ts';
import { endedCourse, inRegularUse, prescription } from '../medication.ts';
import type { History, Scene } from '../scene.ts';

/**
 * Hvit Bølge, born 1940: more medicines than anybody can keep in their head. Warfarin together with a course of
 * trimethoprim, oxycodone (A) and oxazepam (B) at her age, paracetamol twice, one prescription that ran out, one
 * recalled, one that she has locked, and a list signed by her general practitioner.
 */
export const bolge = (scene: Scene, usual: History): Partial<History> => {
  const { calendar, doctor, hospital } = scene;
  return {
    criticalInformation: [
      criticalEntry(
        scene,
        {
          kind: 'ongoingTreatment',
          condition: icd10('Z92.1', 'Langtidsbruk av antikoagulantia'),
          since: calendar.day(2_400).slice(0, 7),
          note: 'Warfarin, INR-mål 2,0–3,0.',
        },
        900,
      ),
      ...usual.criticalInformation,
    ],
    medication: [
      ...(
        [
          'warfarin',
          'metoprolol',
          'furosemide',
          'ramipril',
          'atorvastatin',
          'metformin',
          'levothyroxine',
          'pantoprazole',
          'lactulose',
          'digoxin',
          'alendronate',
        ] as const
      ).map((key) => inRegularUse(scene, key)),
      prescription(scene, 'oxycodone', { daysAgo: 26, dispensedDaysAgo: [26], refills: 0, by: hospital }),
      prescription(scene, 'oxazepam', { daysAgo: 47, dispensedDaysAgo: [19, 47], refills: 1 }),
      prescription(scene, 'paracetamol', { daysAgo: 140, dispensedDaysAgo: [50, 140] }),
      prescription(scene, 'paracetamol', {
        daysAgo: 26,
        dispensedDaysAgo: [26],
        dosage: '2 tabletter 4 ganger daglig',
        by: hospital,
      }),
      prescription(scene, 'amlodipine', { daysAgo: 402, status: 'dispensed', dispensedDaysAgo: [130, 221, 310, 402] }),
      prescription(scene, 'escitalopram', { daysAgo: 88, dispensedDaysAgo: [88], locked: true }),
      prescription(scene, 'naproxen', { daysAgo: 33, inUse: false, status: 'recalled', by: hospital }),
      endedCourse(scene, 'trimethoprim', 9),
    ],
    medicationList: { signedAt: calendar.at(21, '15:10'), responsible: doctor.author },
    labReports: [
      labReport(scene, {
        daysAgo: 2,
        status: 'preliminary',
        results: [measuredResult(scene, 'inr', 4.6, { comment: 'Kontroll anbefales. Ny behandling med trimetoprim?' })],
      }),
      labReport(scene, {
        daysAgo: 11,
        answerDays: 2,
        area: 'microbiology',
        specimen: 'urine',
        results: urineCulture(scene, 'Klebsiella pneumoniae', [
          ['Ampicillin', 'Resistent'],
          ['Cefotaksim', 'Følsom'],
          ['Trimetoprim', 'Følsom'],
          ['Ciprofloksacin', 'Følsom ved økt dose'],
        ]),
      }),
      labReport(scene, {
        daysAgo: 24,
        status: 'amended',
        results: [
          measuredResult(scene, 'potassium', 5.1, { comment: 'Rettet svar. Tidligere oppgitt 6,1: hemolysert prøve.' }),
          measuredResult(scene, 'creatinine', 126),
          measuredResult(scene, 'egfr', 34),
          measuredResult(scene, 'troponinT', 5, { comparator: '<' }),
        ],
      }),
      labReport(scene, { daysAgo: 40, status: 'cancelled', results: [] }),
      labReport(scene, {
        daysAgo: 90,
        results: (['hba1c', 'tsh', 'hemoglobin', 'creatinine', 'egfr'] as const).map((key) => usualResult(scene, key)),
      }),
      ...usual.labReports.filter(({ recorded }) => Date.parse(recorded) < Date.parse(calendar.at(91, '08:00'))),
    ],
    imagingReports: [
      imagingReport(scene, {
        daysAgo: 27,
        examination: 'headCt',
        status: 'amended',
        conclusion: 'Ingen blødning eller bruddlinje etter fall. Tilføyd ved regransking: kronisk småkarsykdom.',
      }),
      imagingReport(scene, {
        daysAgo: 27,
        examination: 'lumbarMr',
        conclusion: 'Kompresjonsbrudd i L2, ca. 30 % høydetap. Ingen affeksjon av ryggmargskanalen.',
      }),
    ],
    documents: [
      document(scene, {
        daysAgo: 25,
        category: 'summary',
        title: 'Epikrise ortopedi',
        text: 'Innlagt to døgn etter fall i hjemmet. Kompresjonsbrudd L2, behandles uten operasjon. Startet oksykodon i nedtrappende dose. Naproksen seponert på grunn av warfarin. Fastlege bes gjennomgå legemiddellisten.',
      }),
      document(scene, {
        daysAgo: 21,
        category: 'correspondence',
        title: 'Legemiddelgjennomgang',
        text: 'Gjennomgang med pasient og hjemmetjeneste. Paracetamol står dobbelt og samles i én resept. Oksazepam bare ved behov. Oksykodon trappes ned over tre uker.',
      }),
      ...usual.documents,
    ],
  };
};
