import { testFederation } from '../../support/federation.ts';

const typeOf = ({ __typename }: { __typename: string }) => __typename;

const tasks = [
  {
    __typename: 'Visit',
    id: 't1',
    state: 'OPEN',
    hours: 2,
    crew: [{ id: 'k', grade: 3 }],
    site: { __typename: 'Home', id: 'h', floor: 4 },
  },
  {
    __typename: 'Call',
    id: 't2',
    state: 'DONE',
    hours: null,
    crew: [],
    site: { __typename: 'Ward', id: 'w', beds: 9 },
  },
  {
    __typename: 'Visit',
    id: 't3',
    state: 'OPEN',
    hours: 5,
    crew: [
      { id: 'k', grade: 3 },
      { id: 'm', grade: 1 },
    ],
    site: null,
  },
];
type Task = (typeof tasks)[number];
const task = ({ id }: { id: string }) => tasks.find((it) => it.id === id) ?? null;
const price = ({ hours, crew }: Pick<Task, 'hours'> & { crew: { grade: number }[] }) =>
  (hours ?? 0) * crew.reduce((sum, { grade }) => sum + grade, 0);
const access = (site: { __typename: string; floor?: number; beds?: number } | null) =>
  site && `${site.__typename} ${site.floor ?? site.beds}`;

testFederation({
  title: '@requires through fragments, interfaces and other entities',
  subgraphs: {
    tasks: {
      sdl: `
        type Query { tasks: [Task!]! visit(id: ID!): Visit }
        interface Task { id: ID! hours: Int site: Site crew: [Person!]! }
        interface Site { id: ID! }
        type Home implements Site { id: ID! floor: Int }
        type Ward implements Site { id: ID! beds: Int }
        type Visit implements Task @key(fields: "id") { id: ID! hours: Int site: Site crew: [Person!]! }
        type Call implements Task @key(fields: "id") { id: ID! hours: Int site: Site crew: [Person!]! }
        type Person @key(fields: "id") { id: ID! }`,
      resolvers: {
        Query: { tasks: () => tasks, visit: (_: unknown, key: { id: string }) => task(key) },
        Task: { __resolveType: typeOf },
        Site: { __resolveType: typeOf },
        Visit: { __resolveReference: task },
        Call: { __resolveReference: task },
      },
    },
    grades: {
      sdl: 'type Person @key(fields: "id") { id: ID! grade: Int! }',
      resolvers: { Person: { grade: ({ id }: { id: string }) => (id === 'k' ? 3 : 1) } },
    },
    prices: {
      sdl: `
        type Visit @key(fields: "id") {
          id: ID! hours: Int @external site: Site @external crew: [Person!]! @external
          price: Int @requires(fields: "hours crew { grade }")
          access: String @requires(fields: "site { __typename ... on Home { floor } ... on Ward { beds } }")
          total: String @requires(fields: "hours site { id }")
        }
        type Person @key(fields: "id") { id: ID! grade: Int! @external }
        interface Site { id: ID! }
        type Home implements Site { id: ID! @external floor: Int @external }
        type Ward implements Site { id: ID! @external beds: Int @external }`,
      resolvers: {
        Visit: {
          price,
          access: ({ site }: Task) => access(site),
          total: ({ hours, site }: Task) => `${hours} at ${site?.id}`,
        },
      },
    },
  },
  reference: {
    Query: { tasks: () => tasks, visit: (_: unknown, key: { id: string }) => task(key) },
    Task: { __resolveType: typeOf },
    Site: { __resolveType: typeOf },
    Visit: {
      price,
      access: ({ site }: Task) => access(site),
      total: ({ hours, site }: Task) => `${hours} at ${site?.id}`,
    },
  },
  cases: [
    { title: 'a field of other entities in a list', query: '{ tasks { id ... on Visit { price } } }' },
    { title: 'members of an interface', query: '{ tasks { ... on Visit { access } } visit(id: "t3") { access } }' },
    { title: 'several of them at once', query: '{ visit(id: "t1") { total access price hours crew { id } } }' },
    {
      title: 'beside the client’s own selection of the same',
      query: '{ visit(id: "t1") { price access site { id ... on Home { floor } } crew { grade } c: crew { id } } }',
    },
    {
      title: 'through fragments of the client',
      query:
        'query ($y: Boolean!) { tasks { ...f ... on Call { hours } } } fragment f on Task { id ... on Visit @include(if: $y) { ...g } } fragment g on Visit { price total }',
      variables: { y: true },
    },
    {
      title: 'left out by a condition',
      query: 'query ($y: Boolean!) { tasks { id ... on Visit @include(if: $y) { price } } }',
      variables: { y: false },
    },
  ],
});
