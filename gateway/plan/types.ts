import {
  type ConstDirectiveNode,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { fieldSet, joinArguments } from '../../schema/requires.ts';

/** What planning and running need to know of a supergraph's types. */
export type Types = {
  /** Names that an object may have as its `__typename` to be of a type: the type's own, and those of its members. */
  of(typeName: string): ReadonlySet<string>;
  /** Interfaces: as a `__typename` they say less than an object type does. Subgraphs with `@interfaceObject` answer so. */
  interfaces: ReadonlySet<string>;
  /** Fields of keys and of `@requires`, and `__typename`: members that planners add to what a client asked for. */
  needed: ReadonlySet<string>;
};

/** Reads them from a supergraph, once per schema. */
export const readTypes = (schema: GraphQLSchema): Types => {
  const all = Object.values(schema.getTypeMap());
  const interfaces = new Set(all.filter(isInterfaceType).map(({ name }) => name));
  const known = new Map<string, ReadonlySet<string>>();
  for (const type of all) {
    const members = isInterfaceType(type)
      ? Object.values(schema.getImplementations(type)).flat()
      : isUnionType(type)
        ? type.getTypes()
        : [];
    known.set(type.name, new Set([type.name, ...members.map(({ name }) => name)]));
  }
  const needed = new Set(['__typename']);
  const note = (directives: readonly ConstDirectiveNode[] | undefined, argument: 'key' | 'requires') => {
    for (const fields of joinArguments(directives, argument))
      for (const name of namesIn(fieldSet(fields))) needed.add(name);
  };
  for (const type of all) {
    for (const node of [type.astNode, ...type.extensionASTNodes]) note(node?.directives, 'key');
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) note(field.astNode?.directives, 'requires');
  }
  return { of: (typeName) => known.get(typeName) ?? new Set([typeName]), interfaces, needed };
};

const namesIn = ({ selections }: SelectionSetNode): string[] =>
  selections.flatMap((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return [];
    const below = selection.selectionSet ? namesIn(selection.selectionSet) : [];
    return selection.kind === Kind.FIELD ? [selection.name.value, ...below] : below;
  });
