import {
  defaultTypeResolver,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLList,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { inspect } from 'graphql/jsutils/inspect.js';
import { serializerOf } from './leaf.ts';
import { type Complete, type Position, place } from './position.ts';
import { type Field, infoOf, isPromise, nameOf, type Run } from './run.ts';
import { runtimeTypeOf } from './runtimeType.ts';
import { type Select, selectBelow } from './selection.ts';

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function';

const ignore = () => {};

const completeList = ({ ofType }: GraphQLList<GraphQLOutputType>, field: Field): Complete => {
  const position: Position = { field, type: ofType, complete: completerOf(ofType, field) };
  return (run, value, path) => {
    if (!isIterable(value))
      throw new GraphQLError(`Expected Iterable, but did not find one for field "${nameOf(field)}".`);
    const items: unknown[] = [];
    const pending: Promise<void>[] = [];
    try {
      for (const item of value) {
        const waiting = place(run, position, items, { prev: path, key: items.length, typename: undefined }, item);
        if (waiting) pending.push(waiting);
      }
    } catch (thrown) {
      // Nobody else will hear of the errors of what was begun or came with the list; unheard, they would end the process.
      for (const waiting of pending) waiting.catch(ignore);
      if (Array.isArray(value)) for (const item of value) if (isPromise(item)) item.then(undefined, ignore);
      throw thrown;
    }
    return pending.length > 0 ? Promise.all(pending).then(() => items) : items;
  };
};

const completeObject = (type: GraphQLObjectType, field: Field): Complete => {
  let selected: Select | undefined;
  const selectIn = (run: Run): Select => {
    selected ??= selectBelow(run, type, field.nodes);
    return selected;
  };
  const { isTypeOf } = type;
  if (!isTypeOf) return (run, value, path) => selectIn(run)(run, value, path);
  return (run, value, path) => {
    const select = selectIn(run); // before anything is asked of the value: what is wrong with a directive comes first
    const selectIf = (isOfType: boolean) => {
      if (isOfType) return select(run, value, path);
      throw new GraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`, {
        nodes: field.nodes,
      });
    };
    const isOfType = isTypeOf(value, run.context, infoOf(run, field, path));
    return isPromise(isOfType) ? isOfType.then(selectIf) : selectIf(isOfType);
  };
};

const completeAbstract = (type: GraphQLAbstractType, field: Field): Complete => {
  const completers = new Map<unknown, Complete>();
  const resolveType = type.resolveType ?? defaultTypeResolver;
  return (run, value, path) => {
    const completeAsType = (name: unknown) => {
      let complete = completers.get(name);
      if (!complete) {
        const runtimeType = runtimeTypeOf(name, type, field, value, run.operation.schema);
        complete = completeObject(runtimeType, field);
        completers.set(name, complete);
      }
      return complete(run, value, path);
    };
    const name = resolveType(value, run.context, infoOf(run, field, path), type);
    return isPromise(name) ? name.then(completeAsType) : completeAsType(name);
  };
};

const completerOfPresent = (type: GraphQLOutputType, field: Field): Complete => {
  if (isNonNullType(type)) return completerOfPresent(type.ofType, field);
  if (isListType(type)) return completeList(type, field);
  if (isAbstractType(type)) return completeAbstract(type, field);
  if (!isLeafType(type)) return completeObject(type, field);
  const serialize = serializerOf(type);
  return (_run, value) => serialize(value);
};

/** How a value of the type becomes what stands in the answer. */
export const completerOf = (type: GraphQLOutputType, field: Field): Complete => {
  const complete = completerOfPresent(type, field);
  const isRequired = isNonNullType(type);
  return (run, value, path) => {
    if (value instanceof Error) throw value;
    if (value !== null && value !== undefined) return complete(run, value, path);
    if (isRequired) throw new Error(`Cannot return null for non-nullable field ${nameOf(field)}.`);
    return null;
  };
};
