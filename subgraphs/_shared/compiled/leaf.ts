import {
  GraphQLBoolean,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  type GraphQLLeafType,
  GraphQLString,
  isEnumType,
} from 'graphql';
import { inspect } from 'graphql/jsutils/inspect.js';

/**
 * The value without a reference to anything that somebody else holds. Objects with a class of their own (a `Date`) are
 * values, and stay as they are.
 */
export const ownCopy = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ownCopy);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, ownCopy(it)])); // `__proto__` stays a key
};

const isString = (value: unknown) => typeof value === 'string';
/** What the built-in scalars hand on as it is. A scalar that only bears the name of one serialises in its own way. */
const asItIs = new Map<unknown, (value: unknown) => boolean>([
  [GraphQLString.serialize, isString],
  [GraphQLID.serialize, isString],
  [GraphQLBoolean.serialize, (value) => typeof value === 'boolean'],
  [GraphQLFloat.serialize, Number.isFinite],
  [GraphQLInt.serialize, (value) => ((value as number) | 0) === value],
]);

/** How a value of the type, neither null nor undefined, is written into the answer. Throws as graphql-js does. */
export const serializerOf = (type: GraphQLLeafType): ((value: unknown) => unknown) => {
  const serialize = (value: unknown) => {
    const serialized: unknown = type.serialize(value);
    if (serialized === null || serialized === undefined)
      throw new Error(
        `Expected \`${inspect(type)}.serialize(${inspect(value)})\` to ` +
          `return non-nullable value, returned: ${inspect(serialized)}`,
      );
    return serialized;
  };
  const isAsItIs = asItIs.get(type.serialize);
  if (isAsItIs) return (value) => (isAsItIs(value) ? value : serialize(value));
  return isEnumType(type) ? serialize : (value) => ownCopy(serialize(value));
};
