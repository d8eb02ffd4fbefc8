import { testFederation } from '../../support/federation.ts';

const typeOf = ({ __typename }: { __typename: string }) => __typename;

const units = [
  { id: '1', code: 'A', name: 'Nord', size: 4, parent: null as string | null },
  { id: '2', code: 'B', name: 'Sør', size: 7, parent: '1' },
];
type Unit = (typeof units)[number];
const unit = ({ id, code }: { id?: string; code?: string }) =>
  units.find((it) => it.id === id || it.code === code) ?? null;
const parentOf = ({ id }: { id: string }) => unit({ id: unit({ id })?.parent ?? '' });

testFederation({
  title: '@override beside keys, @requires and interfaces',
  subgraphs: {
    old: {
      sdl: `
        type Query { units: [Unit!]! thing: Named }
        interface Named { id: ID! name: String }
        type Unit implements Named @key(fields: "id") @key(fields: "code") { id: ID! code: String! name: String size: Int parent: Unit }`,
      resolvers: {
        Query: {
          units: () => units.map(({ id, code }) => ({ id, code, name: 'wrong', size: 4 })),
          thing: () => ({ __typename: 'Unit', id: '2', code: 'B', name: 'wrong' }),
        },
        Named: { __resolveType: typeOf },
        Unit: {
          __resolveReference: (key: Unit) => ({ ...unit(key), name: 'wrong' }),
          size: ({ id }: Unit) => unit({ id })?.size,
          parent: () => {
            throw new Error('moved away');
          },
        },
      },
    },
    new: {
      sdl: `
        type Query { main: Unit }
        type Unit @key(fields: "id") {
          id: ID! name: String @override(from: "old") parent: Unit @override(from: "old")
          size: Int @external large: Boolean @requires(fields: "size")
        }`,
      resolvers: {
        Query: { main: () => ({ id: '1' }) },
        Unit: {
          name: ({ id }: Unit) => unit({ id })?.name,
          parent: (it: Unit) => parentOf(it),
          large: ({ size }: Unit) => size > 5,
        },
      },
    },
    codes: {
      sdl: 'type Query { first: Unit } type Unit @key(fields: "code") { code: String! sign: String }',
      resolvers: {
        Query: { first: () => ({ code: 'B' }) },
        Unit: { sign: ({ code }: Unit) => `sign ${code}` },
      },
    },
  },
  reference: {
    Query: {
      units: () => units,
      thing: () => ({ __typename: 'Unit', ...units[1] }),
      main: () => units[0],
      first: () => units[1],
    },
    Named: { __resolveType: typeOf },
    Unit: { parent: parentOf, large: ({ size }: Unit) => size > 5, sign: ({ code }: Unit) => `sign ${code}` },
  },
  cases: [
    { title: 'the new owner answers, from either root', query: '{ units { name parent { name } } main { name } }' },
    { title: 'through an interface', query: '{ thing { name ... on Unit { parent { name } sign } } }' },
    { title: 'from a subgraph that knows another key', query: '{ first { name sign parent { sign name } } }' },
    {
      title: 'beside a field that requires what has not moved',
      query: '{ units { large name size } first { large } main { large parent { large } } }',
    },
    { title: 'in a circle', query: '{ first { parent { name parent { name sign } } } }' },
  ],
});
