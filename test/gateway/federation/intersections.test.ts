import { testFederation } from '../../support/federation.ts';

const typeOf = ({ __typename }: { __typename: string }) => __typename;

const shifts = [
  { id: '1', kind: 'DAY', kinds: ['DAY', 'NIGHT'], owner: { __typename: 'Nurse', id: 'n', name: 'Nora' } },
  { id: '2', kind: 'NIGHT', kinds: [], owner: { __typename: 'Robot', id: 'r', model: 'R2' } },
];
type Filter = { kind?: string; after?: number; unit?: { code: string } };
const filter = (_: unknown, { by, kinds }: { by?: Filter; kinds?: string[] }) =>
  shifts.filter(
    (it) =>
      (!by?.kind || it.kind === by.kind) && Number(it.id) > (by?.after ?? 0) && (!kinds || kinds.includes(it.kind)),
  );

testFederation({
  title: 'enums, inputs and unions that differ between subgraphs',
  subgraphs: {
    plan: {
      sdl: `
        type Query { shifts(by: Filter, kinds: [Kind!]): [Shift!]! now: Kind2 @shareable who: [Owner] }
        enum Kind { DAY NIGHT EVENING }
        enum Kind2 { DAY NIGHT }
        input Filter { kind: Kind after: Int = 0 unit: Unit own: Boolean }
        input Unit { code: String! name: String }
        type Shift @key(fields: "id") { id: ID! owner: Owner }
        union Owner = Nurse | Robot
        type Nurse { id: ID! @shareable name: String @shareable }
        type Robot { id: ID! model: String }`,
      resolvers: {
        Query: { shifts: filter, now: () => 'DAY', who: () => shifts.map(({ owner }) => owner) },
        Owner: { __resolveType: typeOf },
      },
    },
    staff: {
      sdl: `
        type Query { on(by: Filter, kinds: [Kind!]): [Shift!]! now: Kind2 @shareable chief: Owner }
        enum Kind { NIGHT DAY }
        enum Kind2 { NIGHT DAY OFF }
        input Filter { after: Int = 0 unit: Unit kind: Kind }
        input Unit { code: String! }
        type Shift @key(fields: "id") { id: ID! kind: Kind2 kinds: [Kind2!]! backup: Owner }
        union Owner = Nurse | Doctor
        type Nurse { id: ID! @shareable name: String @shareable }
        type Doctor { id: ID! title: String }`,
      resolvers: {
        Query: {
          on: filter,
          now: () => 'DAY',
          chief: () => ({ __typename: 'Doctor', id: 'd', title: 'Dr' }),
        },
        Owner: { __resolveType: typeOf },
        Shift: {
          kind: ({ id }: { id: string }) => shifts.find((it) => it.id === id)?.kind,
          kinds: ({ id }: { id: string }) => shifts.find((it) => it.id === id)?.kinds,
          backup: ({ id }: { id: string }) =>
            id === '1'
              ? { __typename: 'Doctor', id: 'd', title: 'Dr' }
              : { __typename: 'Nurse', id: 'n', name: 'Nora' },
        },
      },
    },
  },
  reference: {
    Query: {
      shifts: filter,
      on: filter,
      now: () => 'DAY',
      who: () => shifts.map(({ owner }) => owner),
      chief: () => ({ __typename: 'Doctor', id: 'd', title: 'Dr' }),
    },
    Owner: { __resolveType: typeOf },
    Shift: {
      backup: ({ id }: { id: string }) =>
        id === '1' ? { __typename: 'Doctor', id: 'd', title: 'Dr' } : { __typename: 'Nurse', id: 'n', name: 'Nora' },
    },
  },
  cases: [
    {
      title: 'values of an enum that is only given',
      query: '{ shifts(kinds: [DAY]) { id kind } on(kinds: [NIGHT, DAY]) { id } }',
    },
    { title: 'values of an enum that only comes', query: '{ now shifts { kind kinds } }' },
    {
      title: 'members of an input that every subgraph has',
      query:
        '{ shifts(by: { kind: NIGHT, after: 0, unit: { code: "x" } }) { id kind } on(by: { after: 1 }) { id kind } }',
    },
    {
      title: 'an input by variable, one field at a time',
      query:
        'query ($k: Kind, $u: Unit, $n: Int) { shifts(by: { kind: $k, unit: $u, after: $n }) { id } on(by: { kind: $k }) { kind } }',
      variables: { k: 'DAY', u: { code: 'x' } },
    },
    {
      title: 'a union with other members in each subgraph',
      query:
        '{ shifts { owner { __typename ... on Nurse { name } ... on Robot { model } ... on Doctor { title } } backup { __typename ... on Doctor { title } ... on Nurse { id } ... on Robot { model } } } }',
    },
    {
      title: 'only members that this subgraph does not have',
      query:
        '{ who { ... on Doctor { title } } chief { ... on Robot { model } } shifts { owner { ... on Doctor { id } } } }',
    },
    { title: 'nothing but the type of a union', query: '{ who { __typename } chief { __typename } }' },
  ],
});
