import { testFederation } from '../../support/federation.ts';

type Product = {
  id: string;
  name: string;
  weight: number | null;
  amount: number;
  size: { height: number; unit: string } | null;
  parts: { kind: string; cost: number }[];
  owner: { __typename: 'Shop' | 'Farm' | 'Other'; id: string; rent?: number; acres?: number };
};
const products: Product[] = [
  {
    id: '1',
    name: 'Chair',
    weight: 4,
    amount: 100,
    size: { height: 90, unit: 'cm' },
    parts: [
      { kind: 'leg', cost: 10 },
      { kind: 'seat', cost: 40 },
    ],
    owner: { __typename: 'Shop', id: 's', rent: 50 },
  },
  {
    id: '2',
    name: 'Milk',
    weight: null,
    amount: 20,
    size: null,
    parts: [],
    owner: { __typename: 'Farm', id: 'f', acres: 7 },
  },
  {
    id: '3',
    name: 'Air',
    weight: 0,
    amount: 0,
    size: { height: 0, unit: 'm' },
    parts: [{ kind: 'gas', cost: 0 }],
    owner: { __typename: 'Other', id: 'o' },
  },
];
const find = ({ id }: { id: string }) => products.find((it) => it.id === id) ?? null;
const rates: Record<string, number> = { NOK: 1, EUR: 0.1, USD: 0.2 };
const priceOf = ({ amount }: Product, { currency }: { currency?: string | null }) =>
  amount * (rates[currency ?? 'NOK'] ?? 0);
const only =
  <K extends keyof Product>(...keys: K[]) =>
  (product: Product | null) =>
    product && (Object.fromEntries(keys.map((key) => [key, product[key]])) as Pick<Product, K>);
const catalogue = only('id', 'name', 'weight', 'size', 'parts', 'owner', 'amount');

const freight = (weight: number | null | undefined) =>
  weight === undefined ? -1 : weight === null ? null : weight * 3;
const volume = (size: { height: number; unit: string } | null | undefined) =>
  size === undefined ? -1 : size === null ? null : `${size.height} ${size.unit}`;
const tax = ({ __typename, rent, acres }: { __typename: string; rent?: number; acres?: number }) =>
  `${__typename}:${__typename === 'Shop' ? rent : __typename === 'Farm' ? acres : 'none'}`;
const sum = (parts: { cost: number }[]) => parts.reduce((total, { cost }) => total + cost, 0);

const catalogueSdl = `
  type Query { products: [Product!]! product(id: ID!): Product }
  type Product @key(fields: "id") {
    id: ID! name: String @shareable weight: Int size: Size parts: [Part!]! owner: Owner price(currency: String): Float
  }
  type Size { height: Int! unit: String! }
  type Part { kind: String! cost: Int! }
  union Owner = Shop | Farm | Other
  type Shop { id: ID! rent: Int }
  type Farm { id: ID! acres: Int }
  type Other { id: ID! }`;
const catalogueResolvers = {
  Query: {
    products: () => products.map(catalogue),
    product: (_: unknown, key: { id: string }) => catalogue(find(key)),
  },
  Product: { __resolveReference: (key: { id: string }) => catalogue(find(key)), price: priceOf },
};
const referenceOfCatalogue = {
  Query: { products: () => products, product: (_: unknown, key: { id: string }) => find(key) },
};

testFederation({
  title: '@requires',
  subgraphs: {
    catalogue: { sdl: catalogueSdl, resolvers: catalogueResolvers },
    freight: {
      sdl: `
        type Product @key(fields: "id") {
          id: ID! weight: Int @external size: Size @external parts: [Part!]! @external owner: Owner @external
          freight: Int @requires(fields: "weight")
          volume: String @requires(fields: "size { height unit }")
          cost: Int! @requires(fields: "parts { cost }")
          tax: String @requires(fields: "owner { __typename ... on Shop { rent } ... on Farm { acres } ... on Other { id } }")
        }
        type Size { height: Int! @external unit: String! @external }
        type Part { cost: Int! @external }
        union Owner = Shop | Farm | Other
        type Shop { rent: Int @external }
        type Farm { acres: Int @external }
        type Other { id: ID! @external }`,
      resolvers: {
        Product: {
          freight: ({ weight }: Product) => freight(weight),
          volume: ({ size }: Product) => volume(size),
          cost: ({ parts }: Product) => sum(parts),
          tax: ({ owner }: Product) => tax(owner),
        },
      },
    },
    offers: {
      sdl: `
        type Query { offers: [Offer!]! }
        type Offer { text: String! product: Product! @provides(fields: "name") bare: Product! }
        type Product @key(fields: "id") {
          id: ID! name: String @external freight: Int @external cost: Int! @external
          offer: Int @requires(fields: "freight cost")
          offer2: Int @requires(fields: "cost")
        }`,
      resolvers: {
        Query: {
          offers: () => products.map(({ id, name }) => ({ text: `Buy ${id}`, product: { id, name }, bare: { id } })),
        },
        Product: {
          offer: (it: { freight: number | null; cost: number }) => (it.freight ?? 1_000) + it.cost,
          offer2: ({ cost }: { cost: number }) => cost * 2,
        },
      },
    },
  },
  reference: {
    ...referenceOfCatalogue,
    Query: {
      ...referenceOfCatalogue.Query,
      offers: () => products.map((it) => ({ text: `Buy ${it.id}`, product: it, bare: it })),
    },
    Product: {
      price: priceOf,
      freight: ({ weight }: Product) => freight(weight),
      volume: ({ size }: Product) => volume(size),
      cost: ({ parts }: Product) => sum(parts),
      tax: ({ owner }: Product) => tax(owner),
      offer: ({ weight, parts }: Product) => (freight(weight) ?? 1_000) + sum(parts),
      offer2: ({ parts }: Product) => sum(parts) * 2,
    },
  },
  cases: [
    { title: 'a plain field, null and zero too', query: '{ products { name freight } }' },
    { title: 'a nested object and a list', query: '{ products { volume cost } }' },
    { title: 'fragments on a union', query: '{ products { tax } }' },
    {
      title: 'what is required under another alias',
      query: '{ products { weight: name size: id freight volume parts: weight cost } }',
    },
    {
      title: 'what is required beside less of it',
      query: '{ products { size { unit } parts { kind } owner { __typename } volume cost tax } }',
    },
    { title: 'a chain over three subgraphs', query: '{ products { offer } offers { bare { offer freight } } }' },
    { title: '@provides and without it', query: '{ offers { product { name } bare { name freight tax } } }' },
    {
      title: 'everything through fragments',
      query:
        'query { products { ...a } product(id: "2") { ...a ...b } } fragment a on Product { tax ...b } fragment b on Product { offer volume name }',
    },
    {
      title: 'an entity from a subgraph that has none of it',
      query: '{ offers { bare { tax volume cost offer2 price(currency: "EUR") } } }',
    },
  ],
});

testFederation({
  title: '@requires with arguments',
  subgraphs: {
    catalogue: { sdl: catalogueSdl, resolvers: catalogueResolvers },
    export: {
      sdl: `
        type Product @key(fields: "id") {
          id: ID! price(currency: String): Float @external
          euros: String @requires(fields: "price(currency: \\"EUR\\")")
          dollars: String @requires(fields: "price(currency: \\"USD\\")")
        }`,
      resolvers: {
        Product: {
          euros: ({ price }: { price: number }) => `€ ${price}`,
          dollars: ({ price }: { price: number }) => `$ ${price}`,
        },
      },
    },
  },
  reference: {
    ...referenceOfCatalogue,
    Product: {
      price: priceOf,
      euros: (it: Product) => `€ ${priceOf(it, { currency: 'EUR' })}`,
      dollars: (it: Product) => `$ ${priceOf(it, { currency: 'USD' })}`,
    },
  },
  wrongWithApollo: ['Product.euros', 'Product.dollars'],
  cases: [
    { title: 'one', query: '{ products { euros } }' },
    { title: 'two with different arguments', query: '{ products { euros dollars } }' },
    { title: 'beside the client’s own arguments', query: '{ products { price(currency: "USD") euros } }' },
    {
      title: 'beside the client’s own, by variable',
      query: 'query ($c: String) { products { price(currency: $c) euros x: price dollars } }',
      variables: { c: 'EUR' },
    },
    { title: 'beside an alias of its name', query: '{ products { price: name euros } }' },
  ],
});

testFederation({
  title: '@requires of a field with arguments, none given',
  subgraphs: {
    catalogue: { sdl: catalogueSdl, resolvers: catalogueResolvers },
    export: {
      sdl: `
        type Product @key(fields: "id") {
          id: ID! price(currency: String): Float @external
          crowns: String @requires(fields: "price")
        }`,
      resolvers: { Product: { crowns: ({ price }: { price: number }) => `kr ${price}` } },
    },
  },
  reference: {
    ...referenceOfCatalogue,
    Product: { price: priceOf, crowns: (it: Product) => `kr ${priceOf(it, {})}` },
  },
  cases: [
    { title: 'alone', query: '{ products { crowns } }' },
    { title: 'beside the client’s own arguments', query: '{ products { price(currency: "EUR") crowns } }' },
    { title: 'beside both', query: '{ products { price(currency: "EUR") b: price crowns } }' },
    {
      title: 'under a fragment',
      query:
        '{ products { ... on Product { price(currency: "USD") } ...c } } fragment c on Product { crowns price(currency: "USD") }',
    },
  ],
});

testFederation({
  title: '@override and @external',
  subgraphs: {
    old: {
      sdl: `
        type Query { products: [Product!]! }
        type Product @key(fields: "id") { id: ID! name: String weight: Int stock: Int }`,
      resolvers: { Query: { products: () => products.map(({ id, name }) => ({ id, name, weight: -1, stock: 9 })) } },
    },
    new: {
      sdl: `
        type Product @key(fields: "id") {
          id: ID! weight: Int @override(from: "old")
          stock: Int @override(from: "old", label: "percent(40)")
          heavy: Boolean @requires(fields: "name") name: String @external
        }`,
      resolvers: {
        Product: {
          weight: (it: { id: string }) => find(it)?.weight,
          stock: () => -1,
          heavy: ({ name }: { name: string }) => name === 'Chair',
        },
      },
    },
  },
  reference: {
    Query: { products: () => products },
    Product: { stock: () => 9, heavy: ({ name }: Product) => name === 'Chair' },
  },
  cases: [
    { title: 'the new owner answers', query: '{ products { name weight } }' },
    { title: 'beside what it requires', query: '{ products { heavy weight } }' },
    { title: 'a progressive override is not active', query: '{ products { stock } }' },
  ],
});
