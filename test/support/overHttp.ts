import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { subgraphNames, subgraphsHome } from '../../schema/compose.ts';
import type { SubgraphModule } from '../../schema/subgraph.ts';
import { serveSubgraph } from '../../subgraphs/_shared/serve.ts';

export const moduleOf = async (name: string): Promise<SubgraphModule> =>
  ((await import(new URL(`${name}/subgraph.ts`, subgraphsHome).href)) as { default: SubgraphModule }).default;

export const makeGatewayKeys = async (): Promise<{ privateJwk: JWK; publicJwk: JWK }> => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { privateJwk: await exportJWK(privateKey), publicJwk: await exportJWK(publicKey) };
};

export type SubgraphServers = {
  /** Name of a subgraph -> its URL. */
  urls: ReadonlyMap<string, string>;
  close(): Promise<void>;
};

/** Every subgraph as a server of its own, on free ports of this machine. */
export const serveSubgraphs = async (env: Record<string, string>, gatewayPublicKey: JWK): Promise<SubgraphServers> => {
  const own = { ...env, HOST: '127.0.0.1', PORT: '0', GATEWAY_PUBLIC_KEY: JSON.stringify(gatewayPublicKey) };
  const started = await Promise.all(
    subgraphNames().map(async (name) => ({ name, server: await serveSubgraph(await moduleOf(name), own) })),
  );
  return {
    urls: new Map(started.map(({ name, server }) => [name, server.url])),
    async close() {
      await Promise.all(started.map(({ server }) => server.close()));
    },
  };
};

/** As `SUBGRAPHS` takes it. */
export const listOf = (urls: Iterable<readonly [name: string, url: string]>): string =>
  [...urls].map((it) => it.join('=')).join(',');
