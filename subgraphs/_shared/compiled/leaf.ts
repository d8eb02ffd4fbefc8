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
import { ownCopy } from './ownCopy.ts';

const isString = (value: unknown) => typeof value === 'string';
/** What the built-in scalars hand on as it is. A scalar that only bears the name of one serialises in its own way. */
const asItIs = new Map<unknown, (value: unknown) => boolean>([
  [GraphQLString.serialize, isString],
  [GraphQLID.serialize, isString],
  [GraphQLBoolean.serialize, (value) => typeof value === 'boolean'],
  [GraphQLFloat.serialize, Number.isFinite],
  [GraphQLInt.serialize, (value) => typeof value === 'number' && (value | 0) === value],
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
