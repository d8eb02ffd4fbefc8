import { type Condition, lasting, passing } from './conditions.ts';
import { ordinaryCritical } from './critical.ts';
import { document } from './documents.ts';
import { imagingReport } from './imaging.ts';
import { labReport, textResult, urineCulture, usualResult } from './laboratory.ts';
import { endedCourse, inRegularUse } from './medication.ts';
import { ordinaryNews2 } from './news2.ts';
import type { History, Scene } from './scene.ts';
import { ordinaryServices } from './services.ts';

/** Those of chance; `atLeastOne` of them for people who exist to show a full record. */
const drawn = (from: readonly Condition[], { age, random }: Scene, atLeastOne: boolean): Condition[] => {
  const possible = from.filter(({ share }) => share(age) > 0);
  const found = possible.filter(({ share }) => random.chance(share(age)));
  return found.length === 0 && atLeastOne && possible.length > 0 ? [random.pick(possible)] : found;
};

/** Everybody has had a urine test; what it shows is words and not numbers. */
const urineTest = (scene: Scene, daysAgo: number) =>
  labReport(scene, {
    daysAgo,
    specimen: 'urine',
    results: [
      textResult(scene, 'U-Leukocytter, stiks', 'Negativ'),
      textResult(scene, 'U-Nitritt, stiks', 'Negativ'),
      textResult(scene, 'U-Protein, stiks', scene.random.pick(['Negativ', 'Spor'])),
    ],
  });

const cultured = (scene: Scene, daysAgo: number) =>
  labReport(scene, {
    daysAgo,
    area: 'microbiology',
    specimen: 'urine',
    answerDays: 2,
    results: urineCulture(scene, 'Escherichia coli', [
      ['Ampicillin', scene.random.pick(['Følsom', 'Resistent'])],
      ['Mecillinam', 'Følsom'],
      ['Nitrofurantoin', 'Følsom'],
      ['Trimetoprim', scene.random.pick(['Følsom', 'Resistent'])],
    ]),
  });

const byNewest = <T extends { recorded: string }>(records: T[]): T[] =>
  records.toSorted((a, b) => Date.parse(b.recorded) - Date.parse(a.recorded));

/**
 * A plausible history for somebody of this age with these municipal services.
 *
 * @param full everything that age allows is present at least once
 */
export const ordinaryHistory = (scene: Scene, full: boolean): History => {
  const { random } = scene;
  const chronic = drawn(lasting, scene, full && scene.age >= 5);
  const episodes = drawn(passing, scene, full).map((condition) => ({ condition, daysAgo: scene.daysAgo(15, 700) }));
  const controls = chronic.flatMap((condition) =>
    Array.from({ length: random.between(1, 3) }, () => ({ condition, daysAgo: scene.daysAgo(5, 420) })),
  );
  const happened = [...controls, ...episodes];

  const documents = [...chronic.map((condition) => ({ condition, daysAgo: scene.daysAgo(20, 900) })), ...episodes];
  const pictured = documents.filter(({ condition }) => condition.imaging);
  const shown =
    pictured.length === 0 && full && scene.age >= 6
      ? [{ condition: passing[1]!, daysAgo: scene.daysAgo(30, 600) }]
      : pictured;
  const labReports = happened.map(({ condition, daysAgo }) =>
    labReport(scene, { daysAgo, results: condition.analyses.map((key) => usualResult(scene, key)) }),
  );
  if (full || random.chance(0.3)) labReports.push(urineTest(scene, scene.daysAgo(10, 400)));
  if (scene.age >= 50 && random.chance(0.3)) labReports.push(cultured(scene, scene.daysAgo(5, 300)));

  return {
    criticalInformation: byNewest(ordinaryCritical(scene, full ? 1 : 0)),
    documents: byNewest(
      documents.flatMap(({ condition, daysAgo }) =>
        condition.document ? [document(scene, { ...condition.document, daysAgo })] : [],
      ),
    ),
    labReports: byNewest(labReports),
    imagingReports: byNewest(
      shown.map(({ condition, daysAgo }) => imagingReport(scene, { ...condition.imaging!, daysAgo })),
    ),
    medication: [
      ...[...new Set(chronic.flatMap(({ medicines }) => medicines))].map((key) => inRegularUse(scene, key)),
      ...episodes.flatMap(({ condition, daysAgo }) =>
        condition.medicines.map((key) => endedCourse(scene, key, daysAgo)),
      ),
    ],
    medicationList: null,
    services: ordinaryServices(scene),
    news2: ordinaryNews2(scene),
  };
};
