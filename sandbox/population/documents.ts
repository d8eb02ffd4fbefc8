import { dischargeSummary, documentCategories } from './codes.ts';
import type { SyntheticDocument } from './model.ts';
import { recordedBy, type Scene, type Writer } from './scene.ts';

export type DocumentParts = {
  daysAgo: number;
  category: keyof typeof documentCategories;
  title: string;
  text: string;
  /** 9603; `N` unless said. */
  label?: string;
  contentType?: SyntheticDocument['contentType'];
  by?: Writer;
};

/** One shared document. Summaries are the hospital's, the rest the general practitioner's, unless `by` says otherwise. */
export const document = (scene: Scene, parts: DocumentParts): SyntheticDocument => {
  const { category, title, text, label = 'N', contentType = 'application/pdf' } = parts;
  const writer = parts.by ?? (category === 'correspondence' ? scene.doctor : scene.hospital);
  return {
    ...recordedBy(scene, 'document', writer, parts.daysAgo, '13:15'),
    title,
    category: documentCategories[category],
    type: category === 'summary' ? dischargeSummary : documentCategories[category],
    securityLabel: label,
    contentType,
    text,
  };
};
