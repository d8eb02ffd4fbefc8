import { makeExecutableSchema } from '@graphql-tools/schema';
import {
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  GraphQLScalarType,
  type GraphQLSchema,
  isEnumType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  responsePathAsArray,
} from 'graphql';
import { createTurns, type Turns } from './turns.ts';

const fields = `
  string: String  stringRequired: String!  int: Int  intRequired: Int!  float: Float  boolean: Boolean  id: ID  idRequired: ID!
  colour: Colour  colourRequired: Colour!  any: Any  anyRequired: Any!  plain: Plain  constructor: String
  strings: [String]  stringsRequired: [String!]!  matrix: [[Int!]]!  colours: [Colour!]
  thing: Thing  thingRequired: Thing!  things: [Thing]  thingsRequired: [Thing!]!  grid: [[Thing!]!]
  named: Named  namedRequired: Named!  nameds: [Named!]  party: Party  parties: [Party]!
  echo(int: Int, usual: Int = 7, required: Boolean!, words: [String!], colour: Colour, filter: Filter = { need: true }, any: Any): String
  below(required: ID!, colours: [Colour!] = [RED]): Thing
`;
const sdl = `
  enum Colour { RED GREEN BLUE }
  scalar Any
  scalar Plain
  input Filter { need: Boolean! words: [String!] depth: Int = 1 colour: Colour = GREEN inner: Filter }
  interface Named { string: String idRequired: ID! named: Named thing: Thing echo(required: Boolean!): String }
  type Person implements Named { ${fields} }
  type Company implements Named { ${fields} }
  type Ghost { string: String named: Named parties: [Party!]! }
  union Party = Person | Company | Ghost
  type Thing { ${fields} }
  type Query { ${fields} }
  type Mutation { ${fields} }
`;

/** How often things go wrong, and how often they come later. */
export type Weather = { seed: number; faults: number; promises: number };

/** What resolvers did, in order, and what they made. `turns` decides when promises settle. */
export type World = {
  weather: Weather;
  turns: Turns;
  calls: string[];
  made: WeakSet<object>;
  identities: WeakMap<object, string>;
};

export const createWorld = (weather: Weather): World => ({
  weather,
  turns: createTurns(),
  calls: [],
  made: new WeakSet(),
  identities: new WeakMap(),
});

/** Numbers in [0, 1) that depend on the text only. */
const randomOf = (text: string): (() => number) => {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const strange = (made: WeakSet<object>): unknown[] => {
  const inner = { list: [1, { two: 2 }], ...JSON.parse('{"__proto__": {"polluted": true}}') };
  for (const it of [inner, inner.list, inner.list[1]]) made.add(it as object);
  return [inner, Number.NaN, 1.5, 2 ** 40, true, 'RED', Symbol('odd'), 10n, -0, [], [[]], new Date(0)];
};

const leafValue = (type: GraphQLNamedType, id: string, random: () => number, made: WeakSet<object>): unknown => {
  if (isEnumType(type)) return [1, 2, 'blue'][Math.floor(random() * 3)];
  if (type.name === 'Int') return Math.floor(random() * 1_000);
  if (type.name === 'Float') return random() * 10;
  if (type.name === 'Boolean') return random() < 0.5;
  if (type.name === 'ID' && random() < 0.3) return Math.floor(random() * 1_000);
  if (type.name === 'Any' && random() < 0.5) return strange(made)[0];
  return `${type.name} ${id}`;
};

const fault = (id: string, random: () => number, made: WeakSet<object>): unknown => {
  const error = () => new Error(`failed at ${id}`);
  const kind = Math.floor(random() * 8);
  if (kind === 0) throw error();
  if (kind === 1) return error();
  if (kind === 2) throw `not an error at ${id}`;
  if (kind === 3) throw new GraphQLError(`typed at ${id}`, { extensions: { code: 'NOT_FOUND' } });
  if (kind === 4) throw new GraphQLError(`located at ${id}`, { path: ['elsewhere'] });
  if (kind === 5) return undefined;
  const odd = strange(made);
  return odd[Math.floor(random() * odd.length)];
};

export const createWorldSchema = (seed: number): GraphQLSchema => {
  const typeOf = (world: World, id: string, possible: readonly GraphQLNamedType[]) => {
    const random = randomOf(`${world.weather.seed}/${id}/type`);
    return possible[Math.floor(random() * possible.length)]!;
  };

  const object = (world: World, type: GraphQLNamedType, id: string): unknown => {
    const named = isInterfaceType(type) || isUnionType(type) ? typeOf(world, id, schema.getPossibleTypes(type)) : type;
    const random = randomOf(`${world.weather.seed}/${id}/object`);
    const source: Record<string, unknown> = random() < 0.3 ? Object.create(null) : {};
    world.made.add(source);
    world.identities.set(source, id);
    const isNamed = random() >= world.weather.faults;
    source['__typename'] = isNamed ? named.name : ['Nobody', 'Thing', 'Named', 7, undefined][Math.floor(random() * 5)];
    if (!isObjectType(named)) return source;
    for (const { name, type: fieldType } of Object.values(named.getFields())) {
      const below = `${id}/${name}`;
      const isMethod = randomOf(`${world.weather.seed}/${below}/method`)() < 0.15;
      const method = (args: unknown, context: unknown, info: GraphQLResolveInfo) => {
        note(world, 'method', args, context, info);
        return name === 'echo' ? JSON.stringify(args) : produce(world, fieldType, below);
      };
      Object.defineProperty(source, name, {
        enumerable: false, // an error's message that shows the object must not read it
        get: () => (isMethod ? method : produce(world, fieldType, below)),
      });
    }
    return source;
  };

  const list = (world: World, itemType: GraphQLOutputType, id: string, random: () => number): unknown => {
    const length = Math.floor(random() * 4);
    const item = (index: number): unknown => produce(world, itemType, `${id}/${index}`);
    if (random() < 0.2)
      return (function* () {
        for (let index = 0; index < length; index += 1) yield item(index);
      })();
    const items = Array.from({ length }, (_, index) => {
      try {
        return item(index);
      } catch (thrown) {
        return thrown instanceof Error ? thrown : null;
      }
    });
    world.made.add(items);
    return items;
  };

  const present = (world: World, type: GraphQLOutputType, id: string, random: () => number): unknown => {
    if (isNonNullType(type)) return present(world, type.ofType, id, random);
    if (random() < world.weather.faults) return fault(id, random, world.made);
    if (isListType(type)) return list(world, type.ofType, id, random);
    if (isObjectType(type) || isInterfaceType(type) || isUnionType(type)) return object(world, type, id);
    return leafValue(type, id, random, world.made);
  };

  /** The same for the same place in the same weather: a value, null, an error, or a promise of one of them. */
  const produce = (world: World, type: GraphQLOutputType, id: string): unknown => {
    const random = randomOf(`${world.weather.seed}/${id}`);
    const isLater = random() < world.weather.promises;
    const isNull = random() < (isNonNullType(type) ? world.weather.faults / 2 : 0.1);
    const make = () => (isNull ? null : present(world, type, id, random));
    return isLater ? world.turns.later(id, random(), make) : make();
  };

  const note = (world: World, what: string, args: unknown, context: unknown, info: GraphQLResolveInfo) =>
    world.calls.push(
      JSON.stringify([
        what,
        responsePathAsArray(info.path),
        info.path.typename,
        info.fieldName,
        info.parentType.name,
        String(info.returnType),
        info.fieldNodes.map(({ loc }) => loc?.start),
        info.schema === schema && context === world && info.rootValue === world.identities,
        info.operation.name?.value,
        Object.keys(info.fragments),
        info.variableValues,
        args,
      ]),
    );

  const resolver =
    (type: GraphQLOutputType): GraphQLFieldResolver<unknown, World> =>
    (source, args, world, info) => {
      note(world, 'resolver', args, world, info);
      // Arguments are this call's own, to the last list: whatever it does with them is not seen by the next.
      if (info.fieldName === 'echo') {
        const told = JSON.stringify(args);
        for (const list of [args['words'], args['filter']?.words]) if (Array.isArray(list)) list.push('more');
        return told;
      }
      for (const key of Object.keys(args)) delete args[key];
      const id = (typeof source === 'object' && source !== null && world.identities.get(source)) || 'stray';
      return produce(world, type, `${id}/${info.fieldName}`);
    };

  const isOf =
    (name: string, isAsync: boolean) =>
    (source: { __typename?: unknown } | null, world: World, info: GraphQLResolveInfo): boolean | Promise<boolean> => {
      note(world, `isTypeOf ${name}`, null, world, info);
      const random = randomOf(
        `${world.weather.seed}/${String((source && world.identities.get(source)) || '')}/isTypeOf`,
      );
      if (random() < world.weather.faults) throw new Error(`cannot tell whether it is ${name}`);
      const answer = source?.__typename === name || source?.__typename === undefined;
      return isAsync ? (world.turns.later(`${name}?`, random(), () => answer) as Promise<boolean>) : answer;
    };

  const schema: GraphQLSchema = makeExecutableSchema({
    typeDefs: sdl,
    resolvers: {
      Colour: { RED: 1, GREEN: 2, BLUE: 'blue' },
      Any: new GraphQLScalarType({
        name: 'Any',
        serialize(value) {
          if (value === true) throw new Error('true is not anything');
          return value === 'RED' ? undefined : value;
        },
      }),
      Company: { __isTypeOf: isOf('Company', false) },
      Ghost: { __isTypeOf: isOf('Ghost', true) },
      Party: {
        __resolveType(source: { __typename?: string } | null, world: World, info: GraphQLResolveInfo) {
          note(world, 'resolveType', null, world, info);
          const random = randomOf(
            `${world.weather.seed}/${String((source && world.identities.get(source)) || '')}/party`,
          );
          if (random() < world.weather.faults) throw new Error('cannot tell which party');
          const name = source?.__typename;
          return random() < world.weather.promises ? world.turns.later('party?', random(), () => name) : name;
        },
      },
    },
    resolverValidationOptions: { requireResolversForResolveType: 'ignore' },
  });
  for (const type of Object.values(schema.getTypeMap()))
    if (isObjectType(type) && !type.name.startsWith('__'))
      for (const field of Object.values(type.getFields())) {
        const isRoot = type.name === 'Query' || type.name === 'Mutation';
        if (isRoot || randomOf(`${seed}/${type.name}.${field.name}/resolver`)() < 0.4)
          field.resolve = resolver(field.type);
      }
  return schema;
};
