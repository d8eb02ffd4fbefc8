import { GraphQLError } from 'graphql';
import { testFederation } from '../../support/federation.ts';

const rooms = [
  { id: '1', name: 'Fjord', kind: 'LAB', beds: 2 },
  { id: '2', name: 'Vidde', kind: 'WARD', beds: 0 },
];
const room = ({ id }: { id: string }) => rooms.find((it) => it.id === id) ?? null;
const fail = (): never => {
  throw new GraphQLError('no');
};
const filtered = (_: unknown, { by, kind }: { by?: { name?: string | null; min?: number }; kind?: string }) =>
  rooms.filter((it) => (!by?.name || it.name === by.name) && it.beds >= (by?.min ?? 0) && (!kind || it.kind === kind));
const echo = ({ id }: { id: string }, { text, times }: { text?: string; times: number }) => `${id}:${text}:${times}`;

testFederation({
  title: '@include, @skip, enums and inputs',
  subgraphs: {
    rooms: {
      sdl: `
        type Query { rooms(by: Filter, kind: Kind): [Room!]! }
        input Filter { name: String min: Int = 0 own: Boolean }
        enum Kind { LAB WARD }
        type Room @key(fields: "id") { id: ID! name: String kind: Kind }`,
      resolvers: { Query: { rooms: filtered }, Room: { __resolveReference: room } },
    },
    beds: {
      sdl: `
        type Query { full(by: Filter): [Room!]! kinds: [Kind!]! other: Int }
        input Filter { name: String min: Int = 0 }
        enum Kind { LAB WARD }
        type Room @key(fields: "id") { id: ID! beds: Int echo(text: String, times: Int! = 2): String state: State @shareable }
        enum State { OPEN CLOSED SECRET @inaccessible }`,
      resolvers: {
        Query: { full: filtered, kinds: () => ['WARD', 'LAB'], other: () => 7 },
        Room: {
          beds: (key: { id: string }) => room(key)?.beds,
          echo,
          state: ({ id }: { id: string }) => (id === '1' ? 'OPEN' : 'SECRET'),
        },
      },
    },
  },
  reference: {
    Query: { rooms: filtered, full: filtered, kinds: () => ['WARD', 'LAB'], other: () => 7 },
    Room: { echo, state: ({ id }: { id: string }) => (id === '1' ? 'OPEN' : 'SECRET') },
  },
  cases: [
    ...[true, false].flatMap((a) =>
      [true, false].map((b) => ({
        title: `@include and @skip of every kind of node, ${a} ${b}`,
        query: `query ($a: Boolean!, $b: Boolean!) {
          rooms { id @skip(if: $a) beds @include(if: $a) ... @include(if: $b) { name beds echo @skip(if: $a) } ...f @skip(if: $b) }
          other @include(if: $b) ... on Query @skip(if: $a) { kinds full { name @include(if: $b) beds } } }
          fragment f on Room { kind b: beds @include(if: $a) @skip(if: $b) }`,
        variables: { a, b },
      })),
    ),
    {
      title: 'conditions with defaults',
      query:
        'query ($a: Boolean = false, $b: Boolean! = true) { rooms { beds @include(if: $a) name @skip(if: $b) id } }',
    },
    {
      title: 'literal conditions',
      query: '{ rooms { beds @skip(if: true) name @include(if: true) } other @include(if: false) }',
    },
    { title: 'nothing left', query: '{ other @skip(if: true) rooms @include(if: false) { id } }' },
    { title: 'nothing left below', query: '{ rooms { beds @skip(if: true) } }' },
    {
      title: 'inputs with defaults',
      query: 'query ($f: Filter, $k: Kind) { rooms(by: $f, kind: $k) { name beds } full(by: { min: 1 }) { name } }',
      variables: { f: { name: 'Fjord' }, k: 'LAB' },
    },
    {
      title: 'an input that is null, and one left out',
      query: 'query ($f: Filter, $n: String) { rooms(by: $f) { name } full(by: { name: $n, min: 1 }) { id } }',
      variables: { f: null },
    },
    {
      title: 'arguments of fields beyond the first subgraph',
      query:
        'query ($t: String, $n: Int!) { rooms { echo(text: $t, times: $n) e: echo(text: "x\\n\\"y\\"") d: echo } }',
      variables: { t: 'å', n: 3 },
    },
    { title: 'enums', query: '{ rooms(kind: WARD) { kind } kinds }' },
    { title: 'a value of an enum that is not public', query: '{ rooms { name state } }', errors: true },
  ],
});

testFederation({
  title: 'errors and null propagation',
  subgraphs: {
    rooms: {
      sdl: `
        type Query { rooms: [Room] strict: [Room!] room: Room broken: Int never: Int! pair: Pair }
        type Pair { one: Room two: Room! }
        type Room @key(fields: "id") { id: ID! name: String bad: String worse: String! near: Room }`,
      resolvers: {
        Query: {
          rooms: () => rooms,
          strict: () => rooms,
          room: () => rooms[0],
          broken: fail,
          never: fail,
          pair: () => ({ one: rooms[0], two: rooms[1] }),
        },
        Room: { __resolveReference: room, bad: fail, worse: fail, near: () => rooms[1] },
      },
    },
    beds: {
      sdl: `
        type Query { odd: [Room!] }
        type Room @key(fields: "id") { id: ID! beds: Int! odd: Int! oops: Int tags: [String!] nested: Nested grid: [[Int!]] }
        type Nested { a: Int! b: Int lines: [Line!] }
        type Line { n: Int! }`,
      resolvers: {
        Query: { odd: () => rooms.map(({ id }) => ({ id })) },
        Room: {
          __resolveReference: ({ id }: { id: string }) => ({ id }),
          beds: (key: { id: string }) => room(key)?.beds,
          odd: ({ id }: { id: string }) => (id === '1' ? 1 : fail()),
          oops: fail,
          tags: ({ id }: { id: string }) => (id === '1' ? ['x', null] : ['y']),
          nested: ({ id }: { id: string }) => ({
            a: id === '1' ? 1 : fail,
            b: fail,
            lines: [{ n: 1 }, { n: id === '2' ? 2 : fail }],
          }),
          grid: () => [[1, null], [2]],
        },
      },
    },
  },
  reference: {
    Query: {
      rooms: () => rooms,
      strict: () => rooms,
      room: () => rooms[0],
      broken: fail,
      never: fail,
      pair: () => ({ one: rooms[0], two: rooms[1] }),
      odd: () => rooms,
    },
    Room: {
      bad: fail,
      worse: fail,
      near: () => rooms[1],
      odd: ({ id }: { id: string }) => (id === '1' ? 1 : fail()),
      oops: fail,
      tags: ({ id }: { id: string }) => (id === '1' ? ['x', null] : ['y']),
      nested: ({ id }: { id: string }) => ({
        a: id === '1' ? 1 : fail,
        b: fail,
        lines: [{ n: 1 }, { n: id === '2' ? 2 : fail }],
      }),
      grid: () => [[1, null], [2]],
    },
  },
  cases: [
    { title: 'a root field', query: '{ broken rooms { name } }', errors: true },
    { title: 'a root field that must be there', query: '{ never }', errors: true },
    { title: 'a field of the first subgraph', query: '{ rooms { name bad beds } }', errors: true },
    { title: 'a field that must be there', query: '{ rooms { name worse } }', errors: true },
    { title: 'a field of an entity', query: '{ rooms { name oops } }', errors: true },
    { title: 'a field of an entity, under an alias', query: '{ x: rooms { id: name y: oops } }', errors: true },
    { title: 'a field of one of two entities that must be there', query: '{ rooms { name odd } }', errors: true },
    { title: 'through a list whose items must be there', query: '{ strict { name odd } room { name } }', errors: true },
    { title: 'through an object that must be there', query: '{ pair { one { name } two { odd } } }', errors: true },
    {
      title: 'equal entities in several places',
      query: '{ rooms { near { oops } } room { near { name oops } } }',
      errors: true,
    },
    { title: 'inside what an entity brought', query: '{ rooms { nested { a b lines { n } } } }', errors: true },
    { title: 'null in a list that has none', query: '{ rooms { tags grid } }', errors: true },
  ],
});

const start = () => ({ log: [] as string[], items: new Map([['1', { id: '1', count: 0 }]]) });
let state = start();
const bump = (_: unknown, { by }: { by: number }) => {
  const item = state.items.get('1')!;
  item.count += by;
  state.log.push(`bump ${by}`);
  return { id: '1', count: item.count };
};
const record = (_: unknown, { text }: { text: string }) => {
  state.log.push(text);
  return state.log.join(' ');
};
const double = () => {
  const item = state.items.get('1')!;
  item.count *= 2;
  state.log.push('double');
  return item.count;
};

testFederation({
  title: 'mutations',
  reset: () => {
    state = start();
  },
  subgraphs: {
    counters: {
      sdl: `
        type Query { counter: Counter }
        type Mutation { bump(by: Int!): Counter fail: Int log1(text: String!): String! }
        type Counter @key(fields: "id") { id: ID! count: Int }`,
      resolvers: {
        Query: { counter: () => state.items.get('1') },
        Mutation: { bump, fail, log1: record },
        Counter: { __resolveReference: ({ id }: { id: string }) => state.items.get(id) },
      },
    },
    logs: {
      sdl: `
        type Query { log: String }
        type Mutation { record(text: String!): String! double: Int done: Done }
        type Done { query: Query! log: String counter: Counter }
        type Counter @key(fields: "id") { id: ID! seen: String }`,
      resolvers: {
        Query: { log: () => state.log.join(' ') },
        Mutation: { record, double, done: () => ({ query: {}, log: state.log.join(' '), counter: { id: '1' } }) },
        Counter: { seen: () => `${state.items.get('1')?.count} after ${state.log.join(' ')}` },
      },
    },
  },
  reference: {
    Query: { counter: () => state.items.get('1'), log: () => state.log.join(' ') },
    Mutation: {
      bump,
      fail,
      log1: record,
      record,
      double,
      done: () => ({ query: {}, log: state.log.join(' '), counter: state.items.get('1') }),
    },
    Counter: { seen: () => `${state.items.get('1')?.count} after ${state.log.join(' ')}` },
  },
  cases: [
    {
      title: 'one after the other, over subgraphs',
      query:
        'mutation { a: record(text: "a") bump(by: 1) { count } b: record(text: "b") double c: bump(by: 5) { count } }',
    },
    {
      title: 'each with all that it fetches before the next begins',
      query: 'mutation { bump(by: 1) { count seen } double b: bump(by: 2) { seen } record(text: "end") }',
    },
    {
      title: 'in fragments and under conditions',
      query:
        'mutation ($y: Boolean!, $n: Int!) { ...m a: double @skip(if: $y) ... @include(if: $y) { b: bump(by: $n) { seen } record(text: "z") } } fragment m on Mutation { x: bump(by: $n) { count } double }',
      variables: { y: true, n: 4 },
    },
    { title: 'one field in two places', query: 'mutation { bump(by: 1) { count } double bump(by: 1) { seen } }' },
    {
      title: 'one that fails between others',
      query: 'mutation { a: bump(by: 1) { count } fail b: bump(by: 1) { seen } }',
      errors: true,
    },
    {
      title: 'a query inside',
      query: 'mutation { bump(by: 3) { id } done { log query { log counter { count seen } } counter { count } } }',
    },
  ],
});
