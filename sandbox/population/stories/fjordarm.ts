import { icd10, sct } from '../codes.ts';
import { criticalEntry, penicillinAnaphylaxis } from '../critical.ts';
import { document } from '../documents.ts';
import { imagingReport } from '../imaging.ts';
import { labReport, measuredResult, urineCulture } from '../laboratory.ts';
import { endedCourse, type MedicineKey, prescription } from '../medication.ts';
import { measured } from '../news2.ts';
import type { History, Scene } from '../scene.ts';
import { service } from '../services.ts';

/** Days since, and P-Kreatinin, Pt-eGFR, P-Natrium, P-Kalium, B-Hemoglobin, P-CRP, P-INR: kidneys and heart fail slowly, then an infection. */
const bloodTests = [
  [338, 98, 48, 140, 4.2, 12.6, 3, 2.4],
  [246, 104, 45, 139, 4.3, 12.4, 4, 2.6],
  [151, 112, 41, 138, 4.4, 12.1, 3, 2.2],
  [69, 121, 37, 136, 4.1, 11.8, 9, 2.9],
  [26, 118, 38, 137, 4.5, 11.9, 5, 2.5],
  [1, 139, 31, 134, 4.9, 11.4, 86, 3.8],
] as const;

/** In use, how many days ago they were prescribed, and when fetched last. */
const medicines: readonly (readonly [MedicineKey, number, readonly number[]])[] = [
  ['metoprolol', 190, [12, 101, 190]],
  ['ramipril', 190, [12, 101, 190]],
  ['furosemide', 64, [9, 64]],
  ['warfarin', 190, [12, 101, 190]],
  ['atorvastatin', 190, [12, 101, 190]],
  ['levothyroxine', 250, [68, 159, 250]],
  ['lactulose', 64, [9, 64]],
  ['paracetamol', 120, [30, 120]],
];

/**
 * STILLE FJORDARM, born 1948, lives at home with nursing: heart failure, atrial fibrillation with warfarin, pacemaker and
 * failing kidneys. Penicillin once nearly killed her, and with her doctor she has decided against resuscitation. The last
 * three days she gets worse: NEWS2 2, 3, 5 and 7, of which the home service's system reported 4 where 5 is right, so
 * that the threshold for urgent assessment was missed. CRP is up, INR is high, and the microbe does not yield to what
 * she had in spring. Everything a clinician needs that evening is in six sources.
 */
export const fjordarm = (scene: Scene): History => {
  const { calendar, hospital, nurse } = scene;
  return {
    criticalInformation: [
      criticalEntry(
        scene,
        {
          kind: 'treatmentLimitation',
          limitation: sct('304253006', 'Ikke HLR'),
          statement:
            'Ikke HLR. Avklart i samtale med pasienten hjemme, datteren til stede. Hun ønsker ikke hjerte-lunge-redning eller intensivbehandling, men vil ha behandling av infeksjoner, også i sykehus. Vurderes på nytt ved endring.',
          decided: calendar.day(24),
        },
        24,
      ),
      criticalEntry(scene, penicillinAnaphylaxis, 1_320, hospital),
      criticalEntry(
        scene,
        {
          kind: 'implant',
          device: sct('14106009', 'Pacemaker'),
          since: calendar.day(1_610).slice(0, 7),
        },
        1_605,
        hospital,
      ),
      criticalEntry(
        scene,
        {
          kind: 'ongoingTreatment',
          condition: icd10('Z92.1', 'Langtidsbruk av antikoagulantia'),
          since: calendar.day(1_700).slice(0, 7),
          note: 'Warfarin, INR-mål 2,0–3,0.',
        },
        1_320,
      ),
    ],
    medication: [
      ...medicines.map(([key, daysAgo, dispensedDaysAgo]) => prescription(scene, key, { daysAgo, dispensedDaysAgo })),
      endedCourse(scene, 'trimethoprim', 205),
    ],
    medicationList: { signedAt: calendar.at(24, '12:05'), responsible: scene.doctor.author },
    labReports: [
      labReport(scene, {
        daysAgo: 3,
        answerDays: 2,
        area: 'microbiology',
        specimen: 'urine',
        status: 'preliminary',
        results: urineCulture(scene, 'Escherichia coli', [
          ['Ampicillin', 'Resistent'],
          ['Mecillinam', 'Følsom'],
          ['Nitrofurantoin', 'Følsom'],
          ['Trimetoprim', 'Resistent'],
          ['Gentamicin', 'Følsom'],
        ]),
      }),
      ...bloodTests.toReversed().map(([daysAgo, creatinine, egfr, sodium, potassium, hemoglobin, crp, inr]) =>
        labReport(scene, {
          daysAgo,
          results: [
            measuredResult(scene, 'creatinine', creatinine),
            measuredResult(scene, 'egfr', egfr),
            measuredResult(scene, 'sodium', sodium),
            measuredResult(scene, 'potassium', potassium),
            measuredResult(scene, 'hemoglobin', hemoglobin),
            measuredResult(scene, 'crp', crp),
            measuredResult(
              scene,
              'inr',
              inr,
              inr > 3 ? { comment: 'Over behandlingsmålet 2,0–3,0. Ringt rekvirent.' } : {},
            ),
          ],
        }),
      ),
    ],
    imagingReports: [
      imagingReport(scene, {
        daysAgo: 68,
        examination: 'liverUltrasound',
        conclusion:
          'Lett forstørret lever med vide levervener, forenlig med stuvning. Ingen fokale forandringer. Slank galleblære uten stein. Små mengder fri væske.',
      }),
    ],
    documents: [
      document(scene, {
        daysAgo: 2,
        category: 'correspondence',
        title: 'Helseopplysninger fra hjemmetjenesten',
        text: 'Slapp og tungpustet siste døgn, spiser og drikker lite. Temperatur 37,8, puls 88. Lett hovne legger. Ber fastlege vurdere tilsyn. Urinprøve er sendt til dyrkning.',
        by: nurse,
      }),
      document(scene, {
        daysAgo: 24,
        category: 'correspondence',
        title: 'Samtale om behandlingsnivå',
        text: 'Hjemmebesøk med forhåndssamtale. Pasienten er samtykkekompetent og tydelig: ikke HLR ved hjertestans. Ønsker fortsatt behandling av infeksjoner og tungpust. Registrert i kritisk informasjon samme dag.',
      }),
      document(scene, {
        daysAgo: 64,
        category: 'summary',
        title: 'Epikrise hjertemedisin',
        text: 'Innlagt seks døgn med forverret hjertesvikt. Behandlet med intravenøst furosemid, vekt ned 5 kg. Nyrefunksjon lett redusert. Utskrives til hjemmet med økt hjelp. INR og kreatinin kontrolleres hos fastlege om én uke.',
      }),
      document(scene, {
        daysAgo: 67,
        category: 'organFunction',
        title: 'Ekkokardiografi',
        text: 'Moderat redusert pumpefunksjon, ejeksjonsfraksjon 38 %. Moderat mitralinsuffisiens. Pacemakerledning i høyre ventrikkel.',
        contentType: 'application/xml',
      }),
      document(scene, {
        daysAgo: 71,
        category: 'correspondence',
        title: 'Henvisning til innleggelse',
        text: 'Økende tungpust og vektøkning på 6 kg på to uker tross økt furosemid. Kjent hjertesvikt, pacemaker. CAVE penicillin, anafylaksi. Innlegges til vurdering.',
      }),
      document(scene, {
        daysAgo: 410,
        category: 'summary',
        title: 'Epikrise pacemakerkontroll',
        text: 'Rutinekontroll. Gode verdier på ledning og batteri, ventrikulær pacing 62 %. Neste kontroll om ett år.',
      }),
    ],
    services: [
      service(scene, '15', { startedDaysAgo: 446, extent: '7 timer per uke' }),
      service(scene, '6', { startedDaysAgo: 720 }),
      service(scene, '19', { startedDaysAgo: 58, endedDaysAgo: 37, status: 'finished' }),
    ],
    news2: [
      measured(scene, [1, '20:30'], {
        respiratoryRate: 24,
        oxygenSaturation: 95,
        scale: 1,
        supplementalOxygen: false,
        systolicBloodPressure: 108,
        heartRate: 112,
        consciousness: 'A',
        temperature: 38.7,
      }),
      measured(
        scene,
        [1, '08:15'],
        {
          respiratoryRate: 22,
          oxygenSaturation: 94,
          scale: 1,
          supplementalOxygen: false,
          systolicBloodPressure: 118,
          heartRate: 98,
          consciousness: 'A',
          temperature: 38.4,
        },
        -1,
      ),
      measured(scene, [2, '08:05'], {
        respiratoryRate: 21,
        oxygenSaturation: 95,
        scale: 1,
        supplementalOxygen: false,
        systolicBloodPressure: 122,
        heartRate: 88,
        consciousness: 'A',
        temperature: 37.8,
      }),
      measured(scene, [3, '08:10'], {
        respiratoryRate: 21,
        oxygenSaturation: 96,
        scale: 1,
        supplementalOxygen: false,
        systolicBloodPressure: 128,
        heartRate: 82,
        consciousness: 'A',
        temperature: 37.4,
      }),
    ],
  };
};
