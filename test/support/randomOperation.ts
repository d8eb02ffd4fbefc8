import * as fc from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isUnionType,
} from 'graphql';

export type RandomOperation = { query: string; variables: Record<string, unknown> };
export type OperationOptions = {
  root: 'query' | 'mutation';
  /** Of the root type; all of them unless given. */
  rootFields?: readonly string[];
  /** Argument values to choose from before any other, by name of the argument. */
  known?: Record<string, readonly unknown[]>;
  /** Per cent of input values that do not fit their type. */
  misfits?: number;
  depth?: number;
};

const aliases = ['a', 'b', 'constructor', 'then', 'toString'];
const words = ['', 'x', '14', 'true', '2026-01-01'];

/** Chooses through fast-check, so that a failing operation shrinks. */
const chooser = (g: fc.GeneratorValue) => {
  const below = (count: number): number => g(fc.nat, { max: count - 1 });
  return {
    below,
    percent: (share: number): boolean => share > 0 && below(100) >= 100 - share,
    one: <T>(all: readonly T[]): T => all[below(all.length)]!,
  };
};
type Choose = ReturnType<typeof chooser>;

/** A JSON value for an input type, now and then one that does not fit. */
const inputFor = (choose: Choose, type: GraphQLInputType, misfits: number, depth = 2): unknown => {
  const below = (inner: GraphQLInputType) => inputFor(choose, inner, misfits, depth - 1);
  if (choose.percent(misfits)) return choose.one<unknown>([null, {}, 'no such word', 1.5, [null]]);
  if (isNonNullType(type)) return below(type.ofType);
  if (choose.percent(8)) return null;
  if (isListType(type)) {
    if (choose.percent(15)) return below(type.ofType);
    return Array.from({ length: choose.below(3) }, () => below(type.ofType));
  }
  if (isEnumType(type)) return choose.one(type.getValues()).name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (it) =>
        (isNonNullType(it.type) || choose.percent(40)) && (depth > 0 || !isInputObjectType(getNamedType(it.type))),
    );
    return Object.fromEntries(fields.map((it) => [it.name, below(it.type)]));
  }
  if (type.name === 'Int') return choose.below(60);
  if (type.name === 'Float') return choose.one([0.5, 3, -1]);
  if (type.name === 'Boolean') return choose.percent(50);
  return choose.one(words);
};

/** As GraphQL writes it; an enum's value is a word without quotes. */
const literal = (value: unknown, type: GraphQLInputType | undefined): string => {
  if (type && isNonNullType(type)) return literal(value, type.ofType);
  if (Array.isArray(value))
    return `[${value.map((it) => literal(it, type && isListType(type) ? type.ofType : type)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = type && isInputObjectType(type) ? type.getFields() : {};
    return `{${Object.entries(value).map(([key, it]) => `${key}: ${literal(it, fields[key]?.type)}`)}}`;
  }
  if (type && isListType(type)) return literal(value, type.ofType);
  return type && isEnumType(type) && typeof value === 'string' && /^\w+$/.test(value) ? value : JSON.stringify(value);
};

/**
 * An operation over a schema: aliases that collide and that are names of `Object.prototype`, fragments in fragments, type
 * conditions that may match nothing, arguments and directives by literal and by variable, values that do not fit. It parses,
 * and need not be valid: what runs it may not rely on that.
 */
export const randomOperation = (
  g: fc.GeneratorValue,
  schema: GraphQLSchema,
  { root, rootFields, known = {}, misfits = 3, depth = 4 }: OperationOptions,
): RandomOperation => {
  const choose = chooser(g);
  const definitions: string[] = ['$yes: Boolean!', '$no: Boolean! = false', '$maybe: Boolean = true'];
  const variables: Record<string, unknown> = { yes: choose.percent(80) };
  if (choose.percent(30)) variables['maybe'] = choose.one([true, false, false, null]);
  const fragments: string[] = [];
  const composites = Object.values(schema.getTypeMap()).filter(
    (type) => isCompositeType(type) && !isIntrospectionType(type),
  );

  const directive = (): string =>
    choose.percent(12)
      ? ` @${choose.one(['skip', 'include'])}(if: ${choose.one(['true', 'false', '$yes', '$yes', '$no', '$maybe'])})`
      : '';

  const argument = ({ name, type, defaultValue }: GraphQLArgument): string | null => {
    const isNeeded = isNonNullType(type) && defaultValue === undefined;
    if (choose.percent(isNeeded ? misfits : 50)) return null;
    const value = known[name] ? choose.one(known[name]) : inputFor(choose, type, misfits);
    const own = choose.below(4);
    if (own < 2) return `${name}: ${literal(value, type)}`;
    const variable = `v${definitions.length}`;
    const withDefault = choose.percent(30) ? ` = ${literal(inputFor(choose, type, misfits), type)}` : '';
    const declared = choose.percent(10) ? String(type).replace(/!$/, '') : String(type);
    definitions.push(`$${variable}: ${declared}${withDefault}`);
    if (choose.percent(85)) variables[variable] = value;
    return isListType(type) && own === 3 ? `${name}: [$${variable}]` : `${name}: $${variable}`;
  };

  const field = (type: GraphQLNamedType, left: number, only?: readonly string[]): string => {
    if (isUnionType(type) || choose.percent(8)) return `${alias()}__typename${directive()}`;
    const all = Object.values((type as GraphQLObjectType).getFields());
    const usable = all.filter(
      (it) => (!only || only.includes(it.name)) && (left > 0 || !isCompositeType(getNamedType(it.type))),
    );
    if (usable.length === 0) return '__typename';
    const { name, args, type: returned } = choose.one(usable);
    const given = args.map(argument).filter((it) => it !== null);
    const named = getNamedType(returned);
    const below = isCompositeType(named) ? ` ${selections(named, left - 1)}` : '';
    return `${alias()}${name}${given.length > 0 ? `(${given.join(', ')})` : ''}${directive()}${below}`;
  };
  const alias = () => (choose.percent(20) ? `${choose.one(aliases)}: ` : '');

  /** Mostly a type that can be met here. */
  const condition = (type: GraphQLNamedType): GraphQLNamedType => {
    if (choose.percent(15)) return choose.one(composites);
    if (isAbstractType(type)) return choose.one([type, ...schema.getPossibleTypes(type)]);
    return type;
  };
  const fragment = (type: GraphQLNamedType, left: number): string => {
    const on = condition(type);
    const body = selections(on, left);
    if (choose.percent(50)) return `...${choose.percent(30) ? '' : ` on ${on.name}`}${directive()} ${body}`;
    const name = `F${fragments.length}`;
    fragments.push(`fragment ${name} on ${on.name} ${body}`);
    return `...${name}${directive()}`;
  };
  const spreadAgain = () => `...F${choose.below(fragments.length)}`;

  const selections = (type: GraphQLNamedType, left: number, only?: readonly string[]): string => {
    const made = Array.from({ length: 1 + choose.below(4) }, () => {
      if (only || left <= 0 || choose.percent(isUnionType(type) ? 15 : 70)) return field(type, left, only);
      return fragments.length > 0 && choose.percent(30) ? spreadAgain() : fragment(type, left - 1);
    });
    return `{ ${made.join(' ')} }`;
  };

  const rootType = (root === 'query' ? schema.getQueryType() : schema.getMutationType())!;
  const fields = rootFields ?? Object.keys(rootType.getFields());
  const body = selections(rootType, depth, fields);
  return { query: `${root} Random(${definitions.join(', ')}) ${body}\n${fragments.join('\n')}`, variables };
};
