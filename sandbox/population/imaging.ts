import { ncrp, text } from './codes.ts';
import type { SyntheticImagingReport } from './model.ts';
import { recordedBy, type Scene } from './scene.ts';

/** Codes of NCRP where the sandbox knows one. */
export const examinations = {
  lumbarMr: ncrp('SNA0GG', 'MR lumbalcolumna'),
  footXray: ncrp('SNH0AA', 'Røntgen fot'),
  liverUltrasound: ncrp('SJJ0AK', 'UL lever'),
  chestXray: text('Røntgen thorax'),
  headCt: text('CT caput'),
};

export type ImagingParts = {
  daysAgo: number;
  examination: keyof typeof examinations;
  conclusion: string;
  status?: SyntheticImagingReport['status'];
};

/** One report of the hospital's radiologists. */
export const imagingReport = (
  scene: Scene,
  { daysAgo, examination, conclusion, status = 'final' }: ImagingParts,
): SyntheticImagingReport => ({
  ...recordedBy(scene, 'imaging', scene.hospital, daysAgo, '15:05'),
  status,
  examination: examinations[examination],
  performed: scene.calendar.at(daysAgo, '10:30'),
  conclusion,
});
