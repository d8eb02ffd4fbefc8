import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner, type Sign } from '../../../gateway/execute/subgraphs.ts';
import type { SubgraphRequest } from '../../../schema/subgraph.ts';
import { serveSubgraph } from '../../../subgraphs/_shared/serve.ts';
import { assertionFor } from '../../support/ask.ts';

let sign: Sign;
let served: Awaited<ReturnType<typeof serveSubgraph>>;
const asked: SubgraphRequest[] = [];

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  sign = await createSigner(await exportJWK(privateKey));
  served = await serveSubgraph(
    {
      name: 'test',
      routes: [],
      create: async () => ({
        name: 'test',
        async execute(request) {
          asked.push(request);
          return { data: {}, sources: [] };
        },
        handle: async () => ({ status: 404 }),
        health: async () => [],
        close: async () => {},
      }),
    },
    { PORT: '0', HOST: '127.0.0.1', GATEWAY_PUBLIC_KEY: JSON.stringify(await exportJWK(publicKey)) },
  );
});
afterAll(() => served?.close());

const post = async (query: string): Promise<number> => {
  const { status } = await fetch(`${served.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await sign(assertionFor(null), 'test')}`,
    },
    body: JSON.stringify({ query }),
  });
  return status;
};
const documentOf = async (query: string) => {
  expect(await post(query)).toBe(200);
  return asked.at(-1)!.document;
};

describe('serveSubgraph', () => {
  it('gives the same text as the same document, so that what is compiled of it is used again', async () => {
    const document = await documentOf('{ a }');
    expect(await documentOf('{ b }')).not.toBe(document);
    expect(await documentOf('{ a }')).toBe(document);
  });

  it('keeps documents by their length: a few very long ones push out the rest', async () => {
    const document = await documentOf('{ a }');
    for (let i = 0; i < 11; i += 1) await documentOf(`{ long${i} } #${'x'.repeat(950_000)}`);
    expect(await documentOf('{ a }')).not.toBe(document);
  });
});
