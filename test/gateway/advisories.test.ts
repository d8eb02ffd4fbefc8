import fc from 'fast-check';
import fastify from 'fastify';
import { type DocumentNode, isObjectType, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { CallSubgraph } from '../../gateway/execute/run.ts';
import { checkDocument, checkText, limits } from '../../gateway/operation/limits.ts';
import { readApiSchema } from '../../gateway/operation/publish.ts';
import { createMaker } from '../../gateway/plan/maker.ts';
import { planningMs } from '../../gateway/plan/planner.ts';
import { readSupergraph, withoutSecurity } from '../../schema/compose.ts';
import type { SubgraphAnswer } from '../../schema/subgraph.ts';
import { fullSelection } from '../support/documents.ts';
import { compose } from '../support/federation.ts';
import { createOpenGateway, serveOpenGateway } from '../tools/open-gateway.ts';

/** The rows of `test/e2e/advisories.test.ts` that are about planning and merging, with both planners. */
const planners = ['native', 'apollo'] as const;

describe('CVE-2024-43414, a planner that loops', () => {
  const schema = readApiSchema();
  const supergraph = withoutSecurity(readSupergraph());
  const person = schema.getType('Patient');
  if (!isObjectType(person)) throw new Error('the schema has no patient');

  /** A valid document that fills the limits as far as its numbers lead it; `null` when it goes beyond one. */
  const documentOf = (numbers: readonly number[]): { text: string; document: DocumentNode } | null => {
    let i = 0;
    const next = () => numbers[i++ % numbers.length] ?? 0;
    const room = { selections: 300 + (next() % 1_600), aliases: limits.aliases, depth: 4 + (next() % 8) };
    const text = `{ patient(identifier: "14834841291") ${fullSelection(schema, person, room, next)} }`;
    try {
      checkText(text, limits);
      const document = parse(text);
      checkDocument(document, limits, false);
      return validate(schema, document).length === 0 ? { text, document } : null;
    } catch {
      return null;
    }
  };
  const cpuMsOf = (work: () => unknown) => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };

  it.each(planners)('does not happen in this graph with the %s planner, however full a document is', (name) => {
    const make = createMaker(supergraph, name);
    let [planned, largest] = [0, 0];
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 40, maxLength: 120 }), (numbers) => {
        const made = documentOf(numbers);
        fc.pre(made !== null);
        planned++;
        largest = Math.max(largest, made.text.split(' ').length);
        const measure = () => cpuMsOf(() => make(made.text));
        let cpuMs = measure();
        for (let i = 0; i < 2 && cpuMs >= planningMs; i++) cpuMs = Math.min(cpuMs, measure()); // or a collection of garbage
        expect(cpuMs).toBeLessThan(planningMs);
      }),
      { numRuns: 60 },
    );
    expect(planned).toBe(60);
    expect(largest).toBeGreaterThan(1_000); // words: these were large
  });
});

describe('CVE-2026-32621, names of JavaScript’s own', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];
  const subgraphs = {
    shop: {
      sdl: 'type Query { product: Product } type Product @key(fields: "id") { id: ID! name: String tags: [Tag] } type Tag { text: String }',
      resolvers: {},
    },
    store: {
      sdl: 'type Product @key(fields: "id") { id: ID! stock(near: String): Int place: Tag2 } type Tag2 { text: String }',
      resolvers: {},
    },
  };
  const supergraph = compose(subgraphs);
  const malicious = '{"maliciousPayload":true}';
  const product = '"id":"1","__typename":"Product","name":"n"';
  const expectUnharmed = () => {
    for (const value of [{}, [], () => {}]) expect(Reflect.get(value, 'maliciousPayload')).toBeUndefined();
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12);
    expect({}.constructor).toBe(Object);
  };

  /** What the two subgraphs say, as text: a literal in JavaScript would set a prototype where JSON has a member. */
  type Said = { shop: string; store: string };
  const honest: Said = {
    shop: `{"data":{"product":{${product},"tags":[{"text":"t"}]}}}`,
    store: '{"data":{"_entities":[{"__typename":"Product","stock":3,"place":{"text":"p"}}]}}',
  };
  const hostile: [name: string, said: Said][] = names.flatMap((name): [string, Said][] => [
    [`${name} in the data`, { ...honest, shop: `{"data":{"${name}":${malicious},"product":{${product}}}}` }],
    [
      `${name} in an object`,
      { ...honest, shop: `{"data":{"product":{${product},"${name}":${malicious},"tags":[{"${name}":${malicious}}]}}}` },
    ],
    [
      `${name} in an entity`,
      {
        ...honest,
        store: `{"data":{"_entities":[{"${name}":${malicious},"stock":3,"place":{"${name}":${malicious},"text":"p"}}]}}`,
      },
    ],
    [`${name} for a type`, { ...honest, shop: `{"data":{"product":{"id":"1","__typename":"${name}","name":"n"}}}` }],
    [
      `${name} for a key`,
      { ...honest, shop: `{"data":{"product":{"id":{"${name}":${malicious}},"__typename":"Product","name":"n"}}}` },
    ],
    [
      `${name} in the path of an error`,
      {
        ...honest,
        shop: `{"data":{"product":null},"errors":[{"message":"x","path":["${name}","maliciousPayload"],"extensions":{"code":"INTERNAL"}}]}`,
      },
    ],
    [
      `${name} deep in the path of an error`,
      {
        ...honest,
        store: `{"data":{"_entities":[null]},"errors":[{"message":"x","path":["_entities",0,"${name}","${name}","maliciousPayload"],"extensions":{"code":"INTERNAL"}}]}`,
      },
    ],
  ]);
  const query = '{ product { id name tags { text } stock place { text } } }';

  describe.each(planners)('with the %s planner', (planner) => {
    let said = honest;
    const call: CallSubgraph = async ({ subgraph }) =>
      ({ sources: [], ...JSON.parse(said[subgraph as keyof Said]) }) as SubgraphAnswer;
    const { execute } = createOpenGateway(supergraph, call, planner);

    it.each(hostile)('a subgraph in process that answers %s', async (_name, bad) => {
      said = bad;
      const { data } = await execute({ query });
      expectUnharmed();
      expect(data).toHaveProperty('product');
      expect(JSON.stringify(data)).not.toContain('maliciousPayload');
    });

    it('a subgraph over HTTP that answers any of them', async () => {
      said = honest;
      const server = fastify();
      for (const name of ['shop', 'store'] as const)
        server.post(`/${name}`, (_request, reply) => reply.type('application/json').send(said[name]));
      const address = await server.listen({ host: '127.0.0.1', port: 0 });
      const gateway = await serveOpenGateway(
        compose(subgraphs, (name) => `${address}/${name}`),
        { wanted: planner },
      );
      const ask = async () => {
        const body = JSON.stringify({ query });
        const headers = { 'content-type': 'application/json' };
        return (await fetch(gateway.url, { method: 'POST', headers, body })).text();
      };
      expect(JSON.parse(await ask())).toEqual({
        data: { product: { id: '1', name: 'n', tags: [{ text: 't' }], stock: 3, place: { text: 'p' } } },
      });
      for (const [name, bad] of hostile) {
        said = bad;
        expect([name, (await ask()).includes('maliciousPayload')]).toEqual([name, false]);
        expectUnharmed();
      }
      await gateway.close();
      await server.close();
    });

    it.each(names)('a client that calls everything %s gets its own names back', async (name) => {
      const variable = name.startsWith('__') ? 'v' : name; // the others are kept for calls to subgraphs
      const gateway = createOpenGateway(
        supergraph,
        async ({ document }) => {
          const [definition] = document.definitions;
          if (definition?.kind !== 'OperationDefinition') throw new Error('a fetch is an operation');
          // Answers under the response keys that it was asked with.
          const keys = (set = definition.selectionSet): Record<string, unknown> =>
            Object.fromEntries(
              set.selections.flatMap((it) => {
                if (it.kind === 'InlineFragment') return Object.entries(keys(it.selectionSet));
                if (it.kind !== 'Field') return [];
                const value = it.selectionSet
                  ? keys(it.selectionSet)
                  : it.name.value === '__typename'
                    ? 'Product'
                    : '7';
                const isList = it.name.value === '_entities' || it.name.value === 'tags';
                return [[(it.alias ?? it.name).value, isList ? [value] : it.name.value === 'stock' ? 7 : value]];
              }),
            );
          return { data: keys(), sources: [] };
        },
        planner,
      );
      const { data, errors } = await gateway.execute({
        query: `query ${name}($${variable}: String = "a") {
          ${name}: product { ...${name} } } fragment ${name} on Product {
          ${name}: name ... on Product { x: stock(near: $${variable}) } }`,
        operationName: name,
        variables: JSON.parse(`{"${name}":"b"}`) as Record<string, unknown>,
      });
      expectUnharmed();
      expect(errors).toBeUndefined();
      expect(JSON.stringify(data)).toBe(`{"${name}":{"${name}":"7","x":7}}`);
    });
  });
});
