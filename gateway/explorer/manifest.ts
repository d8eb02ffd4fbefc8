import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

/** What the server must know of a built explorer: `manifest.json` in its folder. Names are those of files beside it. */
export type ExplorerManifest = z.infer<typeof ExplorerManifest>;
const ExplorerManifest = z.object({
  script: z.string(),
  /** Scripts that `script` imports at once. */
  preload: z.array(z.string()),
  styles: z.array(z.string()),
  /** Hash of what the files are made of. */
  stamp: z.string(),
});

/** The manifest of what stands in `root`, or `null` when nothing whole does. */
export const readManifest = async (root: string): Promise<ExplorerManifest | null> => {
  try {
    return ExplorerManifest.parse(JSON.parse(await readFile(join(root, 'manifest.json'), 'utf8')));
  } catch {
    return null; // none, cut off while it was written, or of another kind: built anew
  }
};
