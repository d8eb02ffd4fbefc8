import { testFederation } from '../../support/federation.ts';

type Media = {
  __typename: 'Book' | 'Film';
  id: string;
  title: string;
  pages?: number;
  minutes?: number;
  studio: { id: string; name: string; city: { name: string; code: string } };
};
const oslo = { name: 'Oslo', code: '0301' };
const media: Media[] = [
  { __typename: 'Book', id: '1', title: 'Sult', pages: 230, studio: { id: 's1', name: 'Aschehoug', city: oslo } },
  { __typename: 'Film', id: '2', title: 'Ni liv', minutes: 96, studio: { id: 's2', name: 'Nordsjø', city: oslo } },
  { __typename: 'Book', id: '3', title: 'Pan', pages: 140, studio: { id: 's1', name: 'Aschehoug', city: oslo } },
];
const one = (id: string) => media.find((it) => it.id === id) ?? null;
const typeOf = ({ __typename }: { __typename: string }) => __typename;
const byKey = { __resolveReference: ({ id }: { id: string }) => one(id) };
const studio = (id: string) => media.find((it) => it.studio.id === id)?.studio ?? null;
/** What a subgraph that provides some fields hands out: nothing else is there, so a planner that asks for more gets null. */
const provided = ({ __typename, id, title, studio: { id: studioId, name, city } }: Media) => ({
  __typename,
  id,
  title,
  studio: { id: studioId, name, city: { name: city.name } },
});

testFederation({
  title: '@provides',
  subgraphs: {
    catalogue: {
      sdl: `
        type Query { media: [Media!]! }
        interface Media { id: ID! title: String studio: Studio }
        type Book implements Media @key(fields: "id") { id: ID! title: String @shareable pages: Int studio: Studio @shareable }
        type Film implements Media @key(fields: "id") { id: ID! title: String @shareable minutes: Int studio: Studio @shareable }
        type Studio @key(fields: "id") { id: ID! }`,
      resolvers: {
        Query: { media: () => media.map((it) => ({ ...it, studio: { id: it.studio.id } })) },
        Media: { __resolveType: typeOf },
        Book: byKey,
        Film: byKey,
      },
    },
    studios: {
      sdl: `
        type Studio @key(fields: "id") { id: ID! name: String @shareable city: City @shareable made: [Media] }
        type City @shareable { name: String code: String }
        union Media2 = Book | Film
        interface Media { id: ID! }
        type Book implements Media @key(fields: "id", resolvable: false) { id: ID! }
        type Film implements Media @key(fields: "id", resolvable: false) { id: ID! }`,
      resolvers: {
        Studio: {
          __resolveReference: ({ id }: { id: string }) => studio(id),
          made: ({ id }: { id: string }) =>
            media.filter((it) => it.studio.id === id).map(({ __typename, id: own }) => ({ __typename, id: own })),
        },
        Media: { __resolveType: typeOf },
        Media2: { __resolveType: typeOf },
      },
    },
    lists: {
      sdl: `
        type Query {
          newest: Found @provides(fields: "... on Book { title studio { name city { name } } } ... on Film { title }")
          favourite: Book @provides(fields: "title studio { name city { name } }")
          plain: Book
          found: [Found]
        }
        union Found = Book | Film
        type Book @key(fields: "id") { id: ID! title: String @external studio: Studio @external }
        type Film @key(fields: "id") { id: ID! title: String @external }
        type Studio @key(fields: "id") { id: ID! name: String @external city: City @external }
        type City { name: String @external }`,
      resolvers: {
        Query: {
          newest: () => provided(media[2]!),
          favourite: () => provided(media[0]!),
          plain: () => ({ id: '3' }),
          found: () => [{ __typename: 'Film', id: '2' }, null, { __typename: 'Book', id: '1' }],
        },
        Found: { __resolveType: typeOf },
      },
    },
  },
  reference: {
    Query: {
      media: () => media,
      newest: () => media[2],
      favourite: () => media[0],
      plain: () => media[2],
      found: () => [media[1], null, media[0]],
    },
    Media: { __resolveType: typeOf },
    Found: { __resolveType: typeOf },
    Studio: { made: ({ id }: { id: string }) => media.filter((it) => it.studio.id === id) },
  },
  cases: [
    { title: 'a plain field', query: '{ favourite { title } plain { title } }' },
    { title: 'a nested field', query: '{ favourite { studio { name city { name } } } plain { studio { name } } }' },
    {
      title: 'more than is provided',
      query: '{ favourite { title pages studio { name city { name code } made { id } } } }',
    },
    {
      title: 'on members of a union',
      query: '{ newest { ... on Book { title studio { name } } ... on Film { title } } }',
    },
    {
      title: 'beside what members of a union do not provide',
      query:
        '{ newest { ... on Book { title pages } ... on Film { title minutes } } found { ... on Film { title studio { name } } ... on Book { title } } }',
    },
    {
      title: 'there and back through a key that is not resolvable',
      query: '{ favourite { studio { made { id title ... on Book { pages } ... on Film { minutes } } } } }',
    },
    {
      title: 'the same entity with and without it in one operation',
      query:
        '{ a: favourite { title } b: plain { title studio { city { code } } } media { title studio { name made { title } } } }',
    },
  ],
});
