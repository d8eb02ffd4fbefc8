import { readFile, stat } from 'node:fs/promises';
import type { KildeGateway } from './execute/gateway.ts';
import { log } from './log.ts';
import { schemaLoads } from './metrics.ts';

const pollMs = 1_000;

export type Following = {
  /** Reads the file and offers what is there. Never rejects: what is wrong with it goes to the log, and the old one stays. */
  reload(): Promise<void>;
  stop(): void;
};

/**
 * Offers the supergraph in a file to the gateway, when asked to and each time that the file changes. A file that is seen half
 * written is refused, and seen again when it is whole. Changes are polled for: renames over it, links and network disks count.
 */
export const followSupergraph = (file: string, { update }: Pick<KildeGateway, 'update'>): Following => {
  const reload = async () => {
    try {
      const isNew = await update(await readFile(file, 'utf8'));
      schemaLoads.inc({ outcome: isNew ? 'taken' : 'unchanged' });
      if (isNew) log.info('a new supergraph is in force');
    } catch (error) {
      schemaLoads.inc({ outcome: 'refused' });
      log.error({ reason: (error as Error).message }, 'the supergraph was refused; the one before stays in force');
    }
  };
  let seen: string | null = null; // what was read before may be older than the file is now
  const look = async () => {
    const state = await stat(file).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs}/${size}/${ino}`,
      () => 'gone',
    );
    if (state === seen) return;
    seen = state;
    await reload();
  };
  const polling = setInterval(() => void look(), pollMs);
  polling.unref();
  return { reload, stop: () => clearInterval(polling) };
};
