import {
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isNonNullType,
  isUnionType,
} from 'graphql';

/** How much a document may hold. */
export type Room = { selections: number; aliases: number; depth: number };

const needsNothing = ({ args }: GraphQLField<unknown, unknown>) =>
  args.every(({ type, defaultValue }) => !isNonNullType(type) || defaultValue !== undefined);

/**
 * A selection on a type that fills the room it is given: as many fields, members of abstract types and aliases as fit.
 *
 * @param next the next of a row of random whole numbers
 */
export const fullSelection = (
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  { depth, ...room }: Room,
  next: () => number,
): string => {
  let { selections, aliases } = room;
  const take = () => selections-- > 0;
  const select = (on: GraphQLCompositeType, levels: number): string => {
    const parts: string[] = [];
    if (isAbstractType(on))
      for (const member of schema.getPossibleTypes(on))
        if (take()) parts.push(`... on ${member.name} ${select(member, levels)}`);
    const fields = isUnionType(on) ? [] : Object.values(on.getFields()).filter(needsNothing);
    const start = next() % Math.max(1, fields.length);
    for (const field of [...fields.slice(start), ...fields.slice(0, start)]) {
      const below = getNamedType(field.type);
      if ((isCompositeType(below) && levels <= 1) || !take()) continue;
      const alias = aliases > 0 && next() % 3 === 0 ? `a${aliases--}: ` : '';
      parts.push(`${alias}${field.name}${isCompositeType(below) ? ` ${select(below, levels - 1)}` : ''}`);
    }
    return `{ ${parts.length > 0 ? parts.join(' ') : '__typename'} }`;
  };
  return select(type, depth);
};
