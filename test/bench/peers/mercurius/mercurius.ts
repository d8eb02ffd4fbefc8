import mercuriusGateway from '@mercuriusjs/gateway';
import fastify from 'fastify';
import { answerParent } from '../../processes.ts';
import { usage } from '../../usage.ts';

/**
 * Mercurius reads no supergraph but the SDL of each service, in the words of Federation 1, and stumbles over what a service of
 * Federation 2 says of itself: so it is told of the shop's services here.
 */
const sdl: Record<string, string> = {
  accounts: `extend type Query { users: [User!]! }
    type User @key(fields: "id") { id: ID! name: String username: String birthday: Int }`,
  inventory: `extend type Product @key(fields: "upc") { upc: String! @external weight: Int @external price: Int @external
    inStock: Boolean shippingEstimate: Int @requires(fields: "price weight") }`,
  products: `extend type Query { topProducts(first: Int = 5): [Product!]! }
    type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }`,
  reviews: `type Review @key(fields: "id") { id: ID! body: String author: User @provides(fields: "username") product: Product }
    extend type User @key(fields: "id") { id: ID! @external username: String @external reviews: [Review!]! }
    extend type Product @key(fields: "upc") { upc: String! @external reviews: [Review!]! }`,
};
const services = JSON.parse(process.env['SERVICES'] ?? '[]') as { name: string; url: string }[];
const app = fastify();
await app.register(mercuriusGateway, {
  gateway: { services: services.map((service) => ({ ...service, schema: sdl[service.name], mandatory: true })) },
  jit: 1,
});
const origin = await app.listen({ host: '127.0.0.1', port: 0 });

answerParent({ url: () => `${origin}/graphql`, usage }, () => app.close());
