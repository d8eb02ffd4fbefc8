import table from './data/news2.json' with { type: 'json' };
import type { SyntheticNews2 } from './model.ts';
import type { Scene } from './scene.ts';

/** What a nurse measures. */
export type Vitals = Pick<
  SyntheticNews2,
  | 'respiratoryRate'
  | 'oxygenSaturation'
  | 'scale'
  | 'supplementalOxygen'
  | 'systolicBloodPressure'
  | 'heartRate'
  | 'consciousness'
  | 'temperature'
>;

type Interval = { poeng: number; min?: number; max?: number; vilkår?: string };

const points = (intervals: readonly Interval[], value: number, air?: string): number =>
  intervals.find(
    ({ min = -Infinity, max = Infinity, vilkår }) => value >= min && value <= max && (!vilkår || vilkår === air),
  )!.poeng;

/** NEWS2 total of a complete measurement, 0 to 20. Royal College of Physicians, 2017. */
export const news2Score = (vitals: Vitals): number => {
  const { parametere } = table;
  const air = vitals.supplementalOxygen ? 'oksygen' : 'romluft';
  const saturation = vitals.scale === 1 ? parametere.spo2Skala1 : parametere.spo2Skala2;
  return (
    points(parametere.respirasjonsfrekvens.intervaller, vitals.respiratoryRate) +
    points(saturation.intervaller, vitals.oxygenSaturation, air) +
    parametere.luftEllerOksygen.verdier[air] +
    points(parametere.systoliskBlodtrykk.intervaller, vitals.systolicBloodPressure) +
    points(parametere.puls.intervaller, vitals.heartRate) +
    parametere.bevissthet.verdier[vitals.consciousness] +
    points(parametere.temperatur.intervaller, Math.round(vitals.temperature * 10) / 10) // the table has one decimal
  );
};

/** One measurement by the person's own nurse. `misreportedBy` is what the measuring system adds to the true score. */
export const measured = (
  { id, calendar, nurse }: Scene,
  [daysAgo, clock]: readonly [daysAgo: number, clock: string],
  vitals: Vitals,
  misreportedBy = 0,
): SyntheticNews2 => ({
  id: id('news2'),
  measured: calendar.at(daysAgo, clock),
  ...vitals,
  reportedScore: news2Score(vitals) + misreportedBy,
  performer: nurse.author,
  unit: nurse.organisation,
});

/** The vitals of somebody who is as well as usual. */
const stable = ({ random }: Scene): Vitals => ({
  respiratoryRate: random.between(14, 21),
  oxygenSaturation: random.between(94, 99),
  scale: 1,
  supplementalOxygen: false,
  systolicBloodPressure: random.between(112, 158),
  heartRate: random.between(58, 94),
  consciousness: 'A',
  temperature: random.between(361, 378) / 10,
});

const clocks = ['08:10', '14:05', '20:15'] as const;

/** Measurements of a stable person, newest first; three a day when there are many. */
export const stableSeries = (scene: Scene, count: number, daysBetween = 7): SyntheticNews2[] =>
  Array.from({ length: count }, (_, i) => {
    const moment =
      daysBetween > 0
        ? ([1 + i * daysBetween, clocks[0]] as const)
        : ([1 + Math.floor(i / 3), clocks[2 - (i % 3)]!] as const);
    return measured(scene, moment, stable(scene));
  });

const measuredAt = new Set(['15', '18', '20', '21', '25']);

/** NEWS2 is taken by those who nurse: at home or in an institution, and never of a child. */
export const ordinaryNews2 = (scene: Scene): SyntheticNews2[] =>
  scene.age >= 16 && scene.person.serviceTypes.some((it) => measuredAt.has(it))
    ? stableSeries(scene, scene.random.between(4, 9))
    : [];
