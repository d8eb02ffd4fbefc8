import type { History, Scene } from './scene.ts';
import { bolge } from './stories/bolge.ts';
import { elv } from './stories/elv.ts';
import { fjordarm } from './stories/fjordarm.ts';
import {
  adolescent,
  delayed,
  manyMeasurements,
  newborn,
  nothingRegistered,
  pregnant,
  restrictedDocument,
  restrictedPeriod,
} from './stories/others.ts';
import { rogn } from './stories/rogn.ts';

/** What a person's own story puts in the place of the ordinary. */
export type Story = (scene: Scene, usual: History) => Partial<History>;

/** By key of person. Whoever is not here has the ordinary history of their age and services. */
export const stories: Record<string, Story> = {
  fjordarm,
  'vanlig-1': elv,
  'vanlig-2': rogn,
  'vanlig-3': nothingRegistered,
  'mange-kilder': bolge,
  'mange-målinger': manyMeasurements,
  gravid: pregnant,
  nyfødt: newborn,
  bekkasin: adolescent,
  'barn-13': adolescent,
  'sperret-dokument': restrictedDocument,
  'sperret-periode': restrictedPeriod,
  'utsatt-innsyn': delayed,
};
