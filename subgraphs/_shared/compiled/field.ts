import { defaultFieldResolver, type GraphQLFieldResolver, getNullableType, isLeafType, isNonNullType } from 'graphql';
import { type ReadArguments, readArguments } from './arguments.ts';
import { serializerOf } from './leaf.ts';
import { type Position, place } from './position.ts';
import { type Field, failed, infoOf, type Path, type Run } from './run.ts';
import { completerOf } from './value.ts';

/** Resolves one field of an object into the object's answer. Returns and throws as `place` does. */
export type Resolve = (
  run: Run,
  source: unknown,
  into: Record<string, unknown>,
  parent: Path | undefined,
) => Promise<void> | undefined;

type Resolver = GraphQLFieldResolver<unknown, unknown>;
type Source = Record<string, unknown>;

const resolveByFunction = (position: Position, resolver: Resolver, { read }: ReadArguments): Resolve => {
  const { field, type } = position;
  const { key, parentType } = field;
  return (run, source, into, parent) => {
    const path: Path = { prev: parent, key, typename: parentType.name };
    let value: unknown;
    try {
      value = resolver(source, read(run.variables), run.context, infoOf(run, field, path));
    } catch (thrown) {
      into[key] = failed(run, field, type, path, thrown);
      return undefined;
    }
    return place(run, position, into, path, value);
  };
};

/** `defaultFieldResolver` without what it does not look at: arguments, info, and for a plain value of a leaf the path. */
const resolveByProperty = (position: Position, args: ReadArguments): Resolve => {
  const { field, type } = position;
  const { key, parentType, definition } = field;
  const { name } = definition;
  const isRequired = isNonNullType(type);
  const nullable = getNullableType(type);
  const serialize = isLeafType(nullable) ? serializerOf(nullable) : null;
  const callMethod = resolveByFunction(
    position,
    (source, values, context, info) =>
      ((source as Source)[name] as (...all: unknown[]) => unknown)(values, context, info),
    args,
  );
  return (run, source, into, parent) => {
    let value: unknown;
    try {
      if ((typeof source === 'object' && source !== null) || typeof source === 'function')
        value = (source as Source)[name];
      if (value === null || value === undefined) {
        if (!isRequired) {
          into[key] = null;
          return undefined;
        }
      } else if (typeof value === 'function') return callMethod(run, source, into, parent);
      else if (serialize && typeof value !== 'object') {
        into[key] = serialize(value);
        return undefined;
      }
    } catch (thrown) {
      into[key] = failed(run, field, type, { prev: parent, key, typename: parentType.name }, thrown);
      return undefined;
    }
    return place(run, position, into, { prev: parent, key, typename: parentType.name }, value);
  };
};

export const resolveField = (field: Field): Resolve => {
  const { definition, nodes } = field;
  const position: Position = { field, type: definition.type, complete: completerOf(definition.type, field) };
  const args = readArguments(definition, nodes[0]);
  const resolver = definition.resolve ?? defaultFieldResolver;
  return resolver === defaultFieldResolver && !args.canFail
    ? resolveByProperty(position, args)
    : resolveByFunction(position, resolver, args);
};
