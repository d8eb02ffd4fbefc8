import { createServer } from 'node:http';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, type GraphQLSchema, parse } from 'graphql';
import { answerParent } from '../processes.ts';
import { inStock, products, reviews, users } from './data.ts';

/** The shop's four services over HTTP. An answer is worked out once: what is measured is the gateways. */
const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@external", "@provides", "@requires", "@shareable"])`;
const services: Record<string, { sdl: string; resolvers: Record<string, Record<string, unknown>> }> = {
  accounts: {
    sdl: `type Query { users: [User!]! } type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: Int }`,
    resolvers: {
      Query: { users: () => users },
      User: { __resolveReference: ({ id }: { id: string }) => users.find((it) => it.id === id) },
    },
  },
  inventory: {
    sdl: `type Product @key(fields: "upc") { upc: String! weight: Int @external price: Int @external inStock: Boolean
      shippingEstimate: Int @requires(fields: "price weight") }`,
    resolvers: {
      Product: {
        __resolveReference: (it: object) => it,
        inStock: ({ upc }: { upc: string }) => inStock(upc),
        shippingEstimate: ({ price, weight }: { price: number; weight: number }) =>
          price > 1_000 ? 0 : Math.round(weight / 2),
      },
    },
  },
  products: {
    sdl: `type Query { topProducts(first: Int = 5): [Product!]! }
      type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }`,
    resolvers: {
      Query: { topProducts: (_: unknown, { first }: { first: number }) => products.slice(0, first) },
      Product: { __resolveReference: ({ upc }: { upc: string }) => products.find((it) => it.upc === upc) },
    },
  },
  reviews: {
    sdl: `type Review @key(fields: "id") { id: ID! body: String author: User @provides(fields: "username") product: Product }
      type User @key(fields: "id") { id: ID! username: String @external reviews: [Review!]! }
      type Product @key(fields: "upc") { upc: String! reviews: [Review!]! }`,
    resolvers: {
      Review: {
        author: ({ author }: { author: string }) => {
          const { id, username } = users.find((it) => it.id === author)!;
          return { id, username };
        },
        product: ({ product }: { product: string }) => ({ upc: product }),
      },
      User: { reviews: ({ id }: { id: string }) => reviews.filter((it) => it.author === id) },
      Product: { reviews: ({ upc }: { upc: string }) => reviews.filter((it) => it.product === upc) },
    },
  },
};

let calls = 0;
const serve = async (schema: GraphQLSchema) => {
  const known = new Map<string, Buffer>();
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    calls += 1;
    let answer = known.get(text);
    if (!answer) {
      const { query, variables } = JSON.parse(text) as { query: string; variables?: Record<string, unknown> };
      answer = Buffer.from(
        JSON.stringify(await execute({ schema, document: parse(query), variableValues: variables ?? {} })),
      );
      known.set(text, answer);
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/graphql` };
};

const running = await Promise.all(
  Object.entries(services).map(async ([name, { sdl, resolvers }]) => {
    const typeDefs = parse(`${link} ${sdl}`);
    const { server, url } = await serve(buildSubgraphSchema([{ typeDefs, resolvers: resolvers as never }]));
    return { name, typeDefs, server, url };
  }),
);
const { supergraphSdl, errors } = composeServices(running.map(({ name, typeDefs, url }) => ({ name, typeDefs, url })));
if (!supergraphSdl) throw new Error(errors?.map(({ message }) => message).join('\n'));

answerParent(
  {
    supergraph: () => supergraphSdl,
    services: () => running.map(({ name, url }) => ({ name, url })),
    takeCalls: () => {
      const taken = calls;
      calls = 0;
      return taken;
    },
  },
  async () => {
    for (const { server } of running) {
      server.closeAllConnections();
      server.close();
    }
  },
);
