import { testFederation } from '../../support/federation.ts';

type Item = {
  __typename: 'Book' | 'Film' | 'Song';
  id: string;
  title: string;
  size: string;
  made: string | null;
  likes: number;
};
const items: Item[] = [
  { __typename: 'Book', id: 'b1', title: 'Sult', size: '230 p.', made: 'Hamsun', likes: 4 },
  { __typename: 'Film', id: 'f1', title: 'Vaxdockan', size: '35 mm', made: null, likes: 2 },
  { __typename: 'Song', id: 's1', title: 'Solveigs sang', size: '5 min', made: 'Grieg', likes: 9 },
  { __typename: 'Book', id: 'b2', title: 'Hunger', size: '190 p.', made: 'Lie', likes: 0 },
];
const find = ({ id }: { id: string }) => items.find((it) => it.id === id) ?? null;
const typesOf = (item: Item) => item.__typename;
const similar = (id: string) => items.filter((it) => it.id !== id);
const stub = ({ __typename, id }: Item) => ({ __typename, id });
const price = ({ id }: { id: string }) => (id === 'f1' ? null : id.length * 10);
const resolveBy = { __resolveReference: (key: { id: string }) => find(key) };

testFederation({
  title: 'abstract types',
  subgraphs: {
    library: {
      sdl: `
        type Query { items: [Item!]! works: [Work] item(id: ID!): Item }
        interface Item { id: ID! title: String similar: [Item!]! }
        interface Made { made: String }
        union Work = Book | Film | Song
        type Book implements Item & Made @key(fields: "id") { id: ID! title: String size: String! @shareable made: String similar: [Item!]! }
        type Film implements Item @key(fields: "id") { id: ID! title: String size: String similar: [Item!]! }
        type Song implements Item & Made @key(fields: "id") { id: ID! title: String size: String made: String similar: [Item!]! }`,
      resolvers: {
        Query: {
          items: () => items,
          works: () => [...items, null],
          item: (_: unknown, key: { id: string }) => find(key),
        },
        Item: { __resolveType: typesOf },
        Work: { __resolveType: typesOf },
        Book: { ...resolveBy, similar: ({ id }: Item) => similar(id) },
        Film: { ...resolveBy, similar: ({ id }: Item) => similar(id) },
        Song: { ...resolveBy, similar: ({ id }: Item) => similar(id) },
      },
    },
    shop: {
      sdl: `
        type Query { offers: [Offer!]! }
        interface Sold { price: Int seller: Seller }
        type Book implements Sold @key(fields: "id") { id: ID! price: Int seller: Seller size: String @shareable pages: String }
        type Film implements Sold @key(fields: "id") { id: ID! price: Int seller: Seller }
        type Song @key(fields: "id") { id: ID! plays: Int }
        union Offer = Book | Film | Song
        type Seller @key(fields: "code") { code: String! @shareable }`,
      resolvers: {
        Query: { offers: () => items.map(stub) },
        Offer: { __resolveType: typesOf },
        Sold: { __resolveType: typesOf },
        Book: {
          price,
          pages: ({ id }: Item) => find({ id })?.size,
          size: ({ id }: Item) => find({ id })?.size,
          seller: () => ({ code: 'x' }),
        },
        Film: { price, seller: () => null },
        Song: { plays: ({ id }: Item) => id.length },
      },
    },
    sellers: {
      sdl: 'type Seller @key(fields: "code") { code: String! @shareable name: String! }',
      resolvers: { Seller: { name: ({ code }: { code: string }) => `Shop ${code}` } },
    },
  },
  reference: {
    Query: {
      items: () => items,
      works: () => [...items, null],
      item: (_: unknown, key: { id: string }) => find(key),
      offers: () => items,
    },
    Item: { __resolveType: typesOf },
    Work: { __resolveType: typesOf },
    Offer: { __resolveType: typesOf },
    Sold: { __resolveType: typesOf },
    Made: { __resolveType: typesOf },
    Book: {
      similar: ({ id }: Item) => similar(id),
      price,
      pages: ({ size }: Item) => size,
      seller: () => ({ code: 'x' }),
    },
    Film: { similar: ({ id }: Item) => similar(id), price, seller: () => null },
    Song: { similar: ({ id }: Item) => similar(id), plays: ({ id }: Item) => id.length },
    Seller: { name: ({ code }: { code: string }) => `Shop ${code}` },
  },
  cases: [
    { title: 'fields of an interface', query: '{ items { id title } }' },
    {
      title: 'fields of members from another subgraph',
      query: '{ items { title ... on Book { price pages } ... on Film { price } ... on Song { plays } } }',
    },
    {
      title: 'one key with different types in members',
      query: '{ items { ... on Book { size } ... on Film { size } ... on Song { size } } }',
    },
    {
      title: 'one key with different types, and a hop below',
      query:
        '{ items { similar { id ... on Book { size x: pages } ... on Film { size x: title } ... on Song { size x: made } } } }',
    },
    {
      title: 'one key with different fields in members',
      query: '{ works { ... on Book { a: title } ... on Film { a: size } ... on Song { a: made } } }',
    },
    {
      title: 'a union from one subgraph with fields of another',
      query:
        '{ offers { __typename ... on Book { title made seller { name } } ... on Film { title price } ... on Song { title plays } } }',
    },
    {
      title: 'a fragment on another interface',
      query: '{ items { id ... on Made { made } } works { ... on Item { title } ... on Made { made } } }',
    },
    {
      title: 'a fragment on an interface of another subgraph',
      query:
        '{ items { title ... on Sold { price seller { name } } } offers { ... on Sold { price } ... on Item { title } } }',
    },
    { title: 'a type that none is of', query: '{ item(id: "f1") { ... on Book { title price } } }' },
    {
      title: 'names of types under aliases',
      query: '{ works { t: __typename ... on Book { u: __typename } } items { id: __typename } }',
    },
    {
      title: 'nested interfaces',
      query: '{ item(id: "b1") { similar { similar { ... on Book { price similar { ... on Song { plays } } } } } } }',
    },
    {
      title: 'an alias of the key on one member only',
      query: '{ works { ... on Book { id: title price } ... on Film { title price } } }',
    },
    {
      title: 'conditions on fragments',
      query:
        'query ($b: Boolean!, $f: Boolean!) { items { ... on Book @include(if: $b) { price title } ... on Film @skip(if: $f) { price id } } }',
      variables: { b: true, f: false },
    },
  ],
});

const accounts = [
  { __typename: 'User', id: 'u1', name: 'Kari', email: 'k@example.no', level: 3 },
  { __typename: 'Robot', id: 'r1', name: 'R2', maker: 'Kuat', level: 8 },
];
const account = ({ id }: { id: string }) => accounts.find((it) => it.id === id) ?? null;

testFederation({
  title: '@interfaceObject',
  subgraphs: {
    accounts: {
      sdl: `
        type Query { accounts: [Account!]! }
        interface Account @key(fields: "id") { id: ID! name: String! }
        type User implements Account @key(fields: "id") { id: ID! name: String! email: String }
        type Robot implements Account @key(fields: "id") { id: ID! name: String! maker: String }`,
      resolvers: {
        Query: { accounts: () => accounts },
        Account: { __resolveType: ({ __typename }: { __typename: string }) => __typename, __resolveReference: account },
        User: { __resolveReference: account },
        Robot: { __resolveReference: account },
      },
    },
    levels: {
      sdl: `
        type Query { ranked: [Account!]! top: Account }
        type Account @key(fields: "id") @interfaceObject { id: ID! level: Int name: String! @external card: String @requires(fields: "name") next: Account }`,
      resolvers: {
        Query: { ranked: () => accounts.map(({ id }) => ({ id })), top: () => ({ id: 'r1' }) },
        Account: {
          level: (key: { id: string }) => account(key)?.level,
          card: ({ name }: { name: string }) => `*${name}*`,
          next: () => ({ id: 'u1' }),
        },
      },
    },
  },
  reference: {
    Query: { accounts: () => accounts, ranked: () => accounts, top: () => accounts[1] },
    Account: { __resolveType: ({ __typename }: { __typename: string }) => __typename },
    User: { card: ({ name }: { name: string }) => `*${name}*`, next: () => accounts[0] },
    Robot: { card: ({ name }: { name: string }) => `*${name}*`, next: () => accounts[0] },
  },
  cases: [
    { title: 'its fields on the interface', query: '{ accounts { name level } }' },
    {
      title: 'its fields on a member',
      query: '{ accounts { ... on User { email level } ... on Robot { maker card } } }',
    },
    { title: 'only what it knows, without the type', query: '{ ranked { id level } top { level next { id } } }' },
    { title: 'the type, which it does not know', query: '{ ranked { __typename level } top { next { __typename } } }' },
    { title: 'fields of members', query: '{ ranked { level ... on User { email } ... on Robot { maker } } }' },
    {
      title: 'fields of the interface from the other subgraph',
      query: '{ ranked { name } top { name next { name level card } } }',
    },
    {
      title: 'there and back',
      query: '{ ranked { __typename card next { __typename card ... on User { email next { level } } } } }',
    },
    {
      title: 'its fields through members of members',
      query: '{ accounts { next { next { ... on User { card email } } } } }',
    },
  ],
});
