import { icd10 } from '../codes.ts';
import { criticalEntry } from '../critical.ts';
import { document } from '../documents.ts';
import { imagingReport } from '../imaging.ts';
import { labReport, measuredResult } from '../laboratory.ts';
import { endedCourse, inRegularUse } from '../medication.ts';
import { measured, type Vitals } from '../news2.ts';
import type { History, Scene } from '../scene.ts';
import { service } from '../services.ts';

/** On oxygen with a target of 88 to 92 %: SpO2 scale 2, on which 95 % with oxygen is too much. */
const onOxygen = (
  respiratoryRate: number,
  oxygenSaturation: number,
  systolicBloodPressure: number,
  heartRate: number,
  temperature: number,
  consciousness: Vitals['consciousness'] = 'A',
): Vitals => ({
  respiratoryRate,
  oxygenSaturation,
  scale: 2,
  supplementalOxygen: true,
  systolicBloodPressure,
  heartRate,
  consciousness,
  temperature,
});

/**
 * Stødig Elv, born 1956, home nursing: COPD with confirmed hypercapnic failure and oxygen at home. Her condition falls
 * over four days (NEWS2 2, 5, 6, 9, 14); the last evening she is confused, and the saturation has been pushed above the target.
 */
export const elv = (scene: Scene, usual: History): Partial<History> => ({
  criticalInformation: [
    criticalEntry(
      scene,
      {
        kind: 'criticalCondition',
        condition: icd10('J96.1', 'Kronisk respirasjonssvikt'),
        since: scene.calendar.day(780).slice(0, 7),
        note: 'Hyperkapnisk svikt ved kols. Oksygenmål 88–92 %. For mye oksygen gir CO2-retensjon.',
      },
      640,
      scene.hospital,
    ),
  ],
  medication: [
    ...(['tiotropium', 'salbutamol', 'amlodipine', 'calcium', 'alendronate'] as const).map((key) =>
      inRegularUse(scene, key),
    ),
    endedCourse(scene, 'prednisolone', 118),
    endedCourse(scene, 'doxycycline', 118),
  ],
  labReports: [
    labReport(scene, {
      daysAgo: 1,
      results: [
        measuredResult(scene, 'crp', 132),
        measuredResult(scene, 'leukocytes', 15.8),
        measuredResult(scene, 'hemoglobin', 14.9),
        measuredResult(scene, 'creatinine', 82),
      ],
    }),
    labReport(scene, {
      daysAgo: 118,
      results: [measuredResult(scene, 'crp', 41), measuredResult(scene, 'leukocytes', 11.2)],
    }),
    ...usual.labReports.filter(({ recorded }) => Date.parse(recorded) < Date.parse(scene.calendar.at(119, '08:00'))),
  ],
  imagingReports: [
    imagingReport(scene, {
      daysAgo: 116,
      examination: 'chestXray',
      conclusion: 'Emfysematøse forandringer og flate diafragmakupler. Ingen infiltrater. Uendret fra tidligere.',
    }),
  ],
  documents: [
    document(scene, {
      daysAgo: 113,
      category: 'summary',
      title: 'Epikrise lungemedisin',
      text: 'Innlagt fem døgn med kolsforverring. Bekreftet hyperkapni. Satt på langtidsbehandling med oksygen, 1,5 liter per minutt, mål 88–92 %. Bruk NEWS2 med SpO2-skala 2.',
    }),
    document(scene, {
      daysAgo: 320,
      category: 'organFunction',
      title: 'Spirometri',
      text: 'FEV1 34 % av forventet, FEV1/FVC 0,41. Forenlig med kols grad 3.',
    }),
    document(scene, {
      daysAgo: 125,
      category: 'correspondence',
      title: 'Henvisning til innleggelse',
      text: 'Kjent kols. Økende tungpust, purulent oppspytt og SpO2 84 % på romluft. Innlegges.',
    }),
  ],
  services: [
    service(scene, '15', { startedDaysAgo: 610, extent: '6 timer per uke' }),
    service(scene, '6', { startedDaysAgo: 610 }),
  ],
  news2: [
    measured(scene, [1, '20:30'], onOxygen(26, 95, 108, 118, 38.4, 'C')),
    measured(scene, [1, '08:20'], onOxygen(25, 86, 112, 112, 38.3)),
    measured(scene, [2, '08:10'], onOxygen(24, 87, 122, 104, 37.9)),
    measured(scene, [3, '08:15'], onOxygen(22, 89, 128, 92, 37.3)),
    measured(scene, [4, '08:05'], onOxygen(20, 90, 132, 84, 36.9)),
  ],
});
