import { anaphylaxis, atc, icd10, sct, text } from './codes.ts';
import type { Concept, CriticalEntry } from './model.ts';
import { recordedBy, type Scene, type Writer } from './scene.ts';

/** What an entry says, apart from who wrote it and when. */
type Content<T> = T extends unknown ? Omit<T, 'id' | 'recorded' | 'author' | 'organisation'> : never;
export type CriticalContent = Content<CriticalEntry>;

/** One entry; the general practitioner's unless `writer` says otherwise. */
export const criticalEntry = (
  scene: Scene,
  content: CriticalContent,
  daysAgo: number,
  writer: Writer = scene.doctor,
): CriticalEntry => ({
  ...recordedBy(scene, 'critical', writer, daysAgo, '11:20'),
  ...content,
});

const urticaria = sct('126485001', 'Urtikaria');

const allergy = (
  substance: Concept,
  category: 'medication' | 'food' | 'environment',
  reaction: Concept,
  severity: 'mild' | 'moderate' | 'severe',
  verification: 'confirmed' | 'presumed' = 'confirmed',
): CriticalContent => ({ kind: 'allergy', substance, category, reaction, severity, verification });

export const penicillinAnaphylaxis = allergy(
  atc('J01CE02', 'Fenoksymetylpenicillin'),
  'medication',
  anaphylaxis,
  'severe',
);

/** Entries that anybody may have, with the age from which they make sense. */
const common: readonly { fromAge: number; content(scene: Scene): CriticalContent }[] = [
  { fromAge: 1, content: () => allergy(sct('762952008', 'Peanøtt'), 'food', anaphylaxis, 'severe') },
  {
    fromAge: 3,
    content: () => allergy(atc('J01FA01', 'Erytromycin'), 'medication', urticaria, 'moderate', 'presumed'),
  },
  { fromAge: 12, content: () => allergy(sct('288328004', 'Bigift'), 'environment', anaphylaxis, 'severe') },
  { fromAge: 16, content: () => allergy(sct('111088007', 'Lateks'), 'environment', urticaria, 'moderate') },
  {
    fromAge: 18,
    content: () => allergy(atc('V08AB02', 'Joheksol'), 'medication', sct('41291007', 'Angioødem'), 'severe'),
  },
  {
    fromAge: 20,
    content: ({ calendar }) => ({
      kind: 'anaesthesiaComplication',
      condition: icd10('T88.4', 'Mislykket eller vanskelig intubasjon'),
      since: calendar.day(2_100).slice(0, 4),
      note: 'Videolaryngoskop bør være tilgjengelig ved neste anestesi.',
    }),
  },
  {
    fromAge: 25,
    content: ({ calendar }) => ({
      kind: 'criticalCondition',
      condition: icd10('E27.1', 'Primær binyrebarksvikt'),
      since: calendar.day(3_000).slice(0, 7),
      note: 'Trenger økt dose hydrokortison ved feber, oppkast og kirurgi.',
    }),
  },
  {
    fromAge: 55,
    content: ({ calendar }) => ({
      kind: 'ongoingTreatment',
      condition: icd10('Z92.1', 'Langtidsbruk av antikoagulantia'),
      since: calendar.day(900).slice(0, 7),
      note: 'Bruker blodfortynnende fast. Husk ved inngrep og fall.',
    }),
  },
  {
    fromAge: 55,
    content: ({ calendar }) => ({
      kind: 'implant',
      device: text('Totalprotese i høyre hofte'),
      since: calendar.day(1_500).slice(0, 7),
    }),
  },
  {
    fromAge: 60,
    content: ({ calendar }) => ({
      kind: 'infection',
      condition: text('Bærer av MRSA'),
      since: calendar.day(500),
      note: 'Kontaktsmitteregime ved innleggelse.',
    }),
  },
  {
    fromAge: 40,
    content: () => ({
      kind: 'changedRoutine',
      condition: text('Ikke blodtrykksmåling eller stikk i venstre arm'),
      since: null,
      note: 'Fjernet lymfeknuter i armhulen.',
    }),
  },
];

/** Entries of chance; `atLeast` for those who must have some. Children under one have none. */
export const ordinaryCritical = (scene: Scene, atLeast: 0 | 1): CriticalEntry[] => {
  const possible = common.filter(({ fromAge }) => scene.age >= fromAge);
  const drawn = possible.filter(() => scene.random.chance(0.08));
  const chosen = drawn.length === 0 && atLeast && possible.length > 0 ? [scene.random.pick(possible)] : drawn;
  return chosen.map(({ content }) => criticalEntry(scene, content(scene), scene.daysAgo(40, 1_500)));
};
