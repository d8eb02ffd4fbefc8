import { subgraphNames, subgraphsHome } from '../../schema/compose.ts';
import type { Route, Subgraph, SubgraphModule } from '../../schema/subgraph.ts';
import type { Config } from '../config.ts';
import { createRemoteSubgraph, createSigner } from './subgraphs.ts';

export type Mounted = { subgraph: Subgraph; routes: readonly Route[] };

const isModule = (value: unknown): value is SubgraphModule =>
  typeof value === 'object' && value !== null && 'create' in value && 'routes' in value;

/**
 * Every subgraph folder, running in this process or reached over HTTP, as the configuration says. The gateway names no
 * subgraph: a new folder is found here.
 */
export const mountSubgraphs = async (
  { remoteSubgraphs, signingKey }: Pick<Config, 'remoteSubgraphs' | 'signingKey'>,
  env: Record<string, string | undefined>,
  homes: readonly URL[] = [subgraphsHome],
): Promise<ReadonlyMap<string, Mounted>> => {
  const sign = signingKey ? await createSigner(signingKey) : null;
  const mounted = new Map<string, Mounted>();
  for (const home of homes) {
    for (const name of subgraphNames(home)) {
      const { default: found } = (await import(new URL(`${name}/subgraph.ts`, home).href)) as { default: unknown };
      if (!isModule(found)) throw new Error(`subgraphs/${name}/subgraph.ts must export a SubgraphModule as default`);
      const url = remoteSubgraphs.get(name);
      const subgraph = url && sign ? createRemoteSubgraph(name, url, sign) : await found.create(env);
      mounted.set(name, { subgraph, routes: found.routes });
    }
  }
  const unknown = [...remoteSubgraphs.keys()].filter((name) => !mounted.has(name));
  if (unknown.length > 0) throw new Error(`SUBGRAPHS: no such subgraph: ${unknown.join(', ')}`);
  return mounted;
};
