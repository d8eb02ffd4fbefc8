import { areas, nlk, specimens, text } from './codes.ts';
import catalogue from './data/analyses.json' with { type: 'json' };
import type { SyntheticLabReport } from './model.ts';
import { recordedBy, type Scene } from './scene.ts';

export type AnalysisKey = keyof typeof catalogue;
type LabResult = SyntheticLabReport['results'][number];
type Status = SyntheticLabReport['status'];

const numeral = (value: number) => String(value).replace('.', ',');

/** A number with the laboratory's reference range, and whether it lies outside (8244: 1 above, 2 below). */
export const measuredResult = (
  scene: Scene,
  key: AnalysisKey,
  number: number,
  more: { comment?: string; comparator?: string } = {},
): LabResult => {
  const { code, display, unit, [scene.person.sex]: range } = catalogue[key];
  const [low, high] = range as [number, number];
  const { comment = null, comparator } = more;
  return {
    id: scene.id('labResult'),
    analysis: nlk(code, display),
    value: { number, unit, ...(comparator ? { comparator } : {}) },
    referenceRange: low === 0 ? `< ${numeral(high + 1)}` : `${numeral(low)} - ${numeral(high)}`,
    deviation: number > high ? '1' : number < low ? '2' : null,
    comment,
  };
};

/** A finding in words. `members` are the results that make no sense without this one. */
export const textResult = (
  scene: Scene,
  analysis: string,
  finding: string,
  more: { comment?: string; deviation?: '3'; members?: string[] } = {},
): LabResult => ({
  id: scene.id('labResult'),
  analysis: text(analysis),
  value: { text: finding },
  referenceRange: null,
  deviation: more.deviation ?? null,
  comment: more.comment ?? null,
  ...(more.members ? { members: more.members } : {}),
});

export type ReportParts = {
  daysAgo: number;
  results: LabResult[];
  status?: Status;
  area?: keyof typeof areas;
  specimen?: keyof typeof specimens;
  /** Days from sample to answer; cultures take time. */
  answerDays?: number;
};

/** One report of the hospital's laboratory, asked for by the person's doctor. */
export const labReport = (scene: Scene, parts: ReportParts): SyntheticLabReport => {
  const answered = Math.max(1, parts.daysAgo - (parts.answerDays ?? 0));
  return {
    ...recordedBy(scene, 'labReport', scene.hospital, answered, '14:35'),
    status: parts.status ?? 'final',
    area: areas[parts.area ?? 'biochemistry'],
    collected: scene.calendar.at(parts.daysAgo, '08:20'),
    specimen: specimens[parts.specimen ?? 'plasma'],
    requester: scene.doctor.author,
    results: parts.results,
  };
};

/** What a resistance test says of each agent, in the order the laboratory lists them. */
export type Resistance = readonly (readonly [agent: string, answer: 'Følsom' | 'Resistent' | 'Følsom ved økt dose'])[];

/** Urine culture: the culture on top, the microbe under it, and the resistance pattern under the microbe. */
export const urineCulture = (scene: Scene, microbe: string, resistance: Resistance): LabResult[] => {
  const pattern = resistance.map(([agent, answer]) => textResult(scene, agent, answer));
  const found = textResult(scene, 'Mikrobe', microbe, { deviation: '3', members: pattern.map(({ id }) => id) });
  const culture = textResult(scene, 'U-Bakteriologisk dyrkning', 'Vekst, over 100 000 bakterier per mL', {
    deviation: '3',
    members: [found.id],
  });
  return [culture, found, ...pattern];
};

/** A value that is mostly inside the reference range and sometimes a little outside. */
export const usualResult = (scene: Scene, key: AnalysisKey): LabResult => {
  const { random, person } = scene;
  const { decimals, [person.sex]: range } = catalogue[key];
  const [low, high] = range as [number, number];
  const value = low + (high - low) * (random.chance(0.75) ? 0.1 + 0.8 * random.next() : 1 + 0.4 * random.next());
  return measuredResult(scene, key, Number(value.toFixed(decimals)));
};
