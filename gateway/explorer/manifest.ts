import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the server must know of a built explorer: `manifest.json` in its folder. Names are those of files beside it. */
export type ExplorerManifest = {
  script: string;
  /** Scripts that `script` imports at once. */
  preload: string[];
  styles: string[];
  /** Hash of what the files are made of. */
  stamp: string;
};

/** The manifest of what stands in `root`, or `null` when nothing whole does. */
export const readManifest = async (root: string): Promise<ExplorerManifest | null> => {
  const text = await readFile(join(root, 'manifest.json'), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as ExplorerManifest);
};
