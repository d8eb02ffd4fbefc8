import { testFederation } from '../../support/federation.ts';

const people = [
  { id: '1', name: 'Kari', email: 'kari@example.no', org: { number: '900', country: 'NO' }, boss: '2' },
  { id: '2', name: 'Ola', email: 'ola@example.no', org: { number: '901', country: 'SE' }, boss: null },
  { id: '3', name: 'Per', email: null, org: { number: '900', country: 'SE' }, boss: '1' },
];
const byId = (id: string | null) => people.find((it) => it.id === id) ?? null;
const shifts: Record<string, string[]> = { '1': ['a', 'b'], '2': [], '3': ['c'] };
const levels: Record<string, number> = { '900/NO': 3, '901/SE': 5, '900/SE': 7 };
const mails: Record<string, number> = { 'kari@example.no': 12, 'ola@example.no': 0 };

/** What the subgraph `people` tells of a person. */
const told = (person: (typeof people)[number] | null) => person && { ...person, boss: undefined, bossId: person.boss };

testFederation({
  title: 'keys',
  subgraphs: {
    people: {
      sdl: `
        type Query { people: [Person!]! person(id: ID!): Person rota: [[Person]]! team: Team me(n: Int): Person }
        type Person @key(fields: "id") @key(fields: "email") @key(fields: "org { number country }") {
          id: ID! name: String email: String org: Org! @shareable boss: Person reports: [Person!]!
        }
        type Org @shareable { number: ID! country: String! }
        type Team { lead: Person members: [Person] rounds: [[[Person]]] }`,
      resolvers: {
        Query: {
          people: () => people.map(told),
          person: (_: unknown, { id }: { id: string }) => told(byId(id)),
          me: () => told(byId('1')),
          rota: () => [[told(byId('1')), null], [], [told(byId('3')), told(byId('2'))]],
          team: () => ({
            lead: told(byId('2')),
            members: [null, told(byId('1')), told(byId('1'))],
            rounds: [[[told(byId('1'))], [null]], [[told(byId('2')), told(byId('3'))]]],
          }),
        },
        Person: {
          __resolveReference: ({ id, email }: { id?: string; email?: string }) =>
            told(people.find((it) => (id ? it.id === id : it.email === email)) ?? null),
          boss: ({ bossId }: { bossId: string }) => told(byId(bossId)),
          reports: ({ id }: { id: string }) => people.filter((it) => it.boss === id).map(told),
        },
      },
    },
    shifts: {
      sdl: `
        type Query { onDuty: [Person!]! }
        type Person @key(fields: "id") { id: ID! shifts: [Shift!] first: Shift }
        type Shift { code: String! person: Person! }`,
      resolvers: {
        Query: { onDuty: () => [{ id: '3' }, { id: '1' }, { id: '404' }] },
        Person: {
          shifts: ({ id }: { id: string }) => shifts[id]?.map((code) => ({ code, person: { id } })) ?? null,
          first: ({ id }: { id: string }) =>
            shifts[id]?.slice(0, 1).map((code) => ({ code, person: { id } }))[0] ?? null,
        },
      },
    },
    levels: {
      sdl: `
        type Person @key(fields: "org { number country }") { org: Org! @shareable level: Int }
        type Org @shareable { number: ID! country: String! }`,
      resolvers: {
        Person: {
          level: ({ org }: { org: { number: string; country: string } }) => levels[`${org.number}/${org.country}`],
        },
      },
    },
    mail: {
      sdl: 'type Person @key(fields: "email") { email: String unread: Int box: String! }',
      resolvers: {
        Person: {
          __resolveReference: ({ email }: { email: string | null }) => (email === null ? null : { email }),
          unread: ({ email }: { email: string }) => mails[email],
          box: ({ email }: { email: string }) => `box of ${email}`,
        },
      },
    },
  },
  reference: {
    Query: {
      people: () => people,
      person: (_: unknown, { id }: { id: string }) => byId(id),
      me: () => byId('1'),
      rota: () => [[byId('1'), null], [], [byId('3'), byId('2')]],
      team: () => ({
        lead: byId('2'),
        members: [null, byId('1'), byId('1')],
        rounds: [[[byId('1')], [null]], [[byId('2'), byId('3')]]],
      }),
      onDuty: () => [byId('3'), byId('1'), { id: '404' }],
    },
    Person: {
      boss: ({ boss }: { boss: string }) => byId(boss),
      reports: ({ id }: { id: string }) => people.filter((it) => it.boss === id),
      shifts: ({ id }: { id: string }) => shifts[id]?.map((code) => ({ code, person: byId(id) })) ?? null,
      first: ({ id }: { id: string }) => shifts[id]?.slice(0, 1).map((code) => ({ code, person: byId(id) }))[0] ?? null,
      level: ({ org }: { org?: { number: string; country: string } }) => org && levels[`${org.number}/${org.country}`],
      unread: ({ email }: { email: string | null }) => (email ? mails[email] : null),
      box: ({ email }: { email: string | null }) => (email ? `box of ${email}` : null),
    },
  },
  cases: [
    { title: 'a simple key', query: '{ people { name shifts { code } } }' },
    { title: 'a compound key of nested parts', query: '{ people { name level } }' },
    { title: 'several keys at once', query: '{ people { name unread level shifts { code } } }' },
    { title: 'a key that is null', query: '{ person(id: "3") { name unread } people { unread } }' },
    { title: 'a null key under a field that must be there', query: '{ person(id: "3") { name box } }', errors: true },
    { title: 'one key from another', query: '{ onDuty { id level unread } }' },
    { title: 'an entity that one subgraph does not know', query: '{ onDuty { id name shifts { code } } }' },
    { title: 'nothing found', query: '{ person(id: "9") { name shifts { code } level } }' },
    { title: 'lists of lists', query: '{ rota { name shifts { code } } team { rounds { name first { code } } } }' },
    {
      title: 'equal entities, and null among them',
      query: '{ team { lead { shifts { code } } members { shifts { code } level } } }',
    },
    {
      title: 'circular references',
      query: '{ people { boss { shifts { code person { name boss { level reports { shifts { code } } } } } } } }',
    },
    { title: 'an alias that is the name of a key', query: '{ people { id: name shifts { code } } }' },
    {
      title: 'an alias that is the name of a nested key',
      query: '{ people { org: id number: name level x: org { number: country } } }',
    },
    { title: 'an alias of a type’s name', query: '{ people { id: __typename t: __typename shifts { code } } }' },
    {
      title: 'two aliases of an entity',
      query: '{ a: people { shifts { code } } b: people { name first { code } } c: onDuty { name } }',
    },
    {
      title: 'an alias called __proto__',
      query: '{ people { __proto__: name constructor: shifts { toString: code } } }',
    },
    { title: 'names of roots', query: '{ __typename x: __typename people { __typename boss { t: __typename } } }' },
    { title: 'nothing but the name of the root', query: '{ __typename }' },
    {
      title: 'introspection beside data',
      query: '{ __type(name: "Shift") { fields { name } } people { first { code } } }',
    },
    {
      title: 'one of several operations',
      query: 'query A($n: Int) { me(n: $n) { shifts { code } } }',
      variables: { n: 3 },
    },
  ],
});
