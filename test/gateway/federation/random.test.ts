import fc from 'fast-check';
import {
  type FormattedExecutionResult,
  type GraphQLCompositeType,
  type GraphQLSchema,
  getNamedType,
  graphql,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  parse,
  validate,
} from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { callInProcess, compose, referenceSchema, subgraphSchemas } from '../../support/federation.ts';
import { createOpenGateway, type OpenGateway } from '../../tools/open-gateway.ts';

const nodes = ['1', '2', '3'].map((id) => ({
  __typename: id === '2' ? 'Ward' : 'Lab',
  id,
  code: `c${id}`,
  name: `n${id}`,
  beds: Number(id) * 2,
  rank: 7 - Number(id),
}));
type Place = (typeof nodes)[number];
const byId = (id: string) => nodes.find((it) => it.id === id)!;
const after = (id: string) => byId(String((Number(id) % 3) + 1));
const typeOf = ({ __typename }: { __typename: string }) => __typename;
const ref = ({ __typename, id }: Place) => ({ __typename, id });
const score = (name: string, beds: number) => `${name}/${beds}`;

const place = {
  next: ({ id }: Place) => after(id),
  all: () => nodes,
  label: ({ name }: Place, { up }: { up?: boolean | null }) => (up ? name.toUpperCase() : name),
  __resolveReference: ({ id, code }: { id?: string; code?: string }) =>
    nodes.find((it) => it.id === id || it.code === code),
};
const subgraphs = {
  places: {
    sdl: `
      type Query { places: [Place!]! first: Place lab: Lab grid: [[Place]] }
      interface Place { id: ID! code: String name: String next: Place all: [Place] label(up: Boolean): String }
      type Lab implements Place @key(fields: "id") @key(fields: "code") { id: ID! code: String name: String! @shareable next: Place all: [Place] label(up: Boolean): String }
      type Ward implements Place @key(fields: "id") { id: ID! code: String name: String next: Place all: [Place] label(up: Boolean): String }`,
    resolvers: {
      Query: {
        places: () => nodes,
        first: () => nodes[0],
        lab: () => nodes[2],
        grid: () => [[nodes[1], null], [nodes[0]]],
      },
      Place: { __resolveType: typeOf },
      Lab: place,
      Ward: place,
    },
  },
  beds: {
    sdl: `
      type Query { spots: [Spot] ward: Ward }
      union Spot = Lab | Ward
      type Lab @key(fields: "id") { id: ID! beds: Int spots: [Spot] name: String @external score: String @requires(fields: "name label") label(up: Boolean): String @external }
      type Ward @key(fields: "id") { id: ID! beds: Int! name: String @external score: String @requires(fields: "name") }`,
    resolvers: {
      Query: { spots: () => nodes.map(ref), ward: () => ref(byId('2')) },
      Spot: { __resolveType: typeOf },
      Lab: {
        beds: ({ id }: Place) => byId(id).beds,
        spots: ({ id }: Place) => [ref(after(id)), null],
        score: ({ id, name, label }: { id: string; name: string; label: string }) => score(name + label, byId(id).beds),
      },
      Ward: {
        beds: ({ id }: Place) => byId(id).beds,
        score: ({ id, name }: Place) => score(name, byId(id).beds),
      },
    },
  },
  ranks: {
    sdl: `
      type Query { top: Lab }
      type Lab @key(fields: "code") { code: String rank: Int name: String @shareable }
      type Ward @key(fields: "id") { id: ID! rank: Int beds: Int! @external free: Int @requires(fields: "beds") }`,
    resolvers: {
      Query: { top: () => ({ code: 'c3' }) },
      Lab: {
        rank: ({ code }: Place) => nodes.find((it) => it.code === code)?.rank,
        name: ({ code }: Place) => nodes.find((it) => it.code === code)?.name,
      },
      Ward: { rank: ({ id }: Place) => byId(id).rank, free: ({ beds }: Place) => beds - 1 },
    },
  },
};
const own = { next: place.next, all: place.all, label: place.label };
const reference = {
  Query: {
    places: () => nodes,
    first: () => nodes[0],
    lab: () => nodes[2],
    grid: () => [[nodes[1], null], [nodes[0]]],
    spots: () => nodes,
    ward: () => nodes[1],
    top: () => nodes[2],
  },
  Place: { __resolveType: typeOf },
  Spot: { __resolveType: typeOf },
  Lab: {
    ...own,
    spots: ({ id }: Place) => [after(id), null],
    score: ({ name, beds }: Place) => score(name + name, beds),
  },
  Ward: { ...own, score: ({ name, beds }: Place) => score(name, beds), free: ({ beds }: Place) => beds - 1 },
};

/** A selection on a type, from random numbers: fields, aliases that collide with keys, fragments and conditions. */
const selectionOn = (schema: GraphQLSchema, type: GraphQLCompositeType, depth: number, next: () => number): string => {
  const aliases = ['a: ', 'b: ', 'id: ', 'name: ', 'code: ', 'beds: ', 'label: '];
  const conditions = ['', '', '', ' @include(if: $y)', ' @skip(if: $y)', ' @include(if: $n)', ' @skip(if: $n)'];
  const pick = <T>(from: readonly T[]): T => from[next() % from.length] as T;
  const one = (): string => {
    const inside = isUnionType(type) || isInterfaceType(type) ? schema.getPossibleTypes(type) : [];
    const related = isObjectType(type) ? [type, ...type.getInterfaces()] : [type, ...inside];
    if (isUnionType(type) || (next() % 5 === 0 && depth > 0)) {
      const on = pick(related);
      return `... on ${on.name}${pick(conditions)} ${selectionOn(schema, on, depth - 1, next)}`;
    }
    const fields = Object.values(type.getFields()).filter((it) => depth > 0 || !isCompositeType(getNamedType(it.type)));
    const field = pick(fields);
    if (!field || next() % 12 === 0) return `${pick(['', 't: '])}__typename`;
    const below = getNamedType(field.type);
    const given = field.name === 'label' ? pick(['', '(up: true)', '(up: $y)', '(up: false)']) : '';
    const alias = next() % 7 === 0 ? pick(aliases) : given && `l${next() % 90}: `; // two fields under one key are seldom valid
    return `${alias}${field.name}${given}${pick(conditions)}${isCompositeType(below) ? ` ${selectionOn(schema, below, depth - 1, next)}` : ''}`;
  };
  if (isUnionType(type) && depth <= 0) return '{ __typename }';
  return `{ ${Array.from({ length: 1 + (next() % 4) }, one).join(' ')} }`;
};

describe('any operation', () => {
  const supergraph = compose(subgraphs);
  const right = referenceSchema(supergraph, reference);
  const operations = fc.array(fc.nat(10_000), { minLength: 60, maxLength: 200 }).map((numbers) => {
    let i = 0;
    const next = () => numbers[i++ % numbers.length] ?? 0;
    return selectionOn(right, right.getQueryType()!, 4, next);
  });

  describe.each(['native', 'apollo'] as const)('with the %s planner', (planner) => {
    let gateway: OpenGateway;
    beforeAll(() => {
      gateway = createOpenGateway(supergraph, callInProcess(subgraphSchemas(subgraphs)), planner);
    });

    it('gets the answer that one plain schema gives', async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(operations, fc.boolean(), async (text, flipped) => {
          const variables = { y: !flipped, n: flipped };
          const used = ['y', 'n'].filter((name) => text.includes(`$${name})`)).map((name) => `$${name}: Boolean!`);
          const source = used.length > 0 ? `query (${used.join(' ')}) ${text}` : text;
          if (validate(right, parse(source)).length > 0) return; // aliases that do not merge
          compared++;
          const expected = JSON.parse(
            JSON.stringify(await graphql({ schema: right, source, variableValues: variables })),
          ) as FormattedExecutionResult;
          const answer = await gateway.execute({ query: source, variables });
          expect(JSON.stringify(answer.data), source).toBe(JSON.stringify(expected.data));
          expect(answer.errors?.length ?? 0).toBe(expected.errors?.length ?? 0);
        }),
        { numRuns: 300 },
      );
      expect(compared).toBeGreaterThan(60);
    });
  });
});
