import { fileURLToPath } from 'node:url';
import { buildExplorer } from '../../gateway/explorer/build.ts';

/** Once before all tests: files that run side by side would otherwise build the explorer into one folder at the same time. */
export default (): Promise<void> =>
  buildExplorer({ outdir: fileURLToPath(new URL('../../.kilde/explorer/', import.meta.url)) });
