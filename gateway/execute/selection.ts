import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLBoolean,
  GraphQLFloat,
  GraphQLID,
  GraphQLIncludeDirective,
  type GraphQLInterfaceType,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  GraphQLString,
  getDirectiveValues,
  getNullableType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { SourceName } from '../../schema/sources.ts';
import type { SchemaFacts } from '../plan/supergraph.ts';

/** A type as an answer is completed by it. */
export type Shape =
  | { kind: 'leaf'; isNonNull: boolean; serialize(value: unknown): unknown }
  | { kind: 'list'; isNonNull: boolean; of: Shape }
  | {
      kind: 'object';
      isNonNull: boolean;
      isGroup: boolean;
      selectionFor(typeName: string | undefined): Selection | null;
    };

/** A field of an answer: everything about it that does not depend on the data. */
export type ShapedField = {
  /** Response key. */
  key: string;
  /** Whether every object has a member of this name that it did not bring, such as `constructor`. */
  isInherited: boolean;
  name: string;
  coordinate: string;
  source: SourceName | null;
  shape: Shape;
};
/** What is selected on one object type, in the order of the answer. */
export type Selection = { typeName: string; isGroup: boolean; fields: readonly ShapedField[] };

type Collected = Map<string, FieldNode[]>;

/** What a scalar's or enum's own `serialize` gives, without asking it for values that it would give back as they are. */
const serializerOf = (type: GraphQLLeafType): ((value: unknown) => unknown) => {
  const serialize = (value: unknown) => type.serialize(value);
  if (type === GraphQLString || type === GraphQLID)
    return (value) => (typeof value === 'string' ? value : serialize(value));
  if (type === GraphQLBoolean) return (value) => (typeof value === 'boolean' ? value : serialize(value));
  if (type === GraphQLFloat) return (value) => (Number.isFinite(value) ? value : serialize(value));
  return serialize;
};

/** Names of the variables that `@skip` and `@include` of an operation read: what its selection depends on beside itself. */
export const conditionVariables = (document: DocumentNode): readonly string[] => {
  const names = new Set<string>();
  visit(document, {
    Directive: (node) => {
      if (node.name.value !== 'skip' && node.name.value !== 'include') return;
      for (const { value } of node.arguments ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names].sort();
};

/** Merges what an operation selects, once per document and values of its conditions, into a tree that data are laid over. */
export const compileSelection = (
  schema: GraphQLSchema,
  facts: SchemaFacts,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): Selection => {
  const fragments = new Map(
    document.definitions
      .filter((it): it is FragmentDefinitionNode => it.kind === Kind.FRAGMENT_DEFINITION)
      .map((it) => [it.name.value, it]),
  );

  const isIncluded = (node: { directives?: readonly unknown[] }): boolean => {
    const of = node as FieldNode;
    if (getDirectiveValues(GraphQLSkipDirective, of, variables)?.['if'] === true) return false;
    return getDirectiveValues(GraphQLIncludeDirective, of, variables)?.['if'] !== false;
  };

  const applies = (type: GraphQLObjectType | GraphQLInterfaceType, condition: string | undefined): boolean => {
    if (condition === undefined || condition === type.name) return true;
    const conditional = schema.getType(condition);
    return isAbstractType(conditional) && schema.isSubType(conditional, type);
  };

  const collect = (
    type: GraphQLObjectType | GraphQLInterfaceType,
    set: SelectionSetNode,
    into: Collected,
  ): Collected => {
    for (const node of set.selections) {
      if (!isIncluded(node)) continue;
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value;
        into.set(key, [...(into.get(key) ?? []), node]);
        continue;
      }
      const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node;
      if (fragment && applies(type, fragment.typeCondition?.name.value)) collect(type, fragment.selectionSet, into);
    }
    return into;
  };

  /** Whether the answer depends on which type of an interface the object is. */
  const asksForType = (type: GraphQLInterfaceType, { selections }: SelectionSetNode): boolean =>
    selections.filter(isIncluded).some((node) => {
      if (node.kind === Kind.FIELD) return node.name.value === '__typename';
      const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node;
      if (!fragment) return false;
      const condition = fragment.typeCondition?.name.value;
      if (applies(type, condition)) return asksForType(type, fragment.selectionSet);
      return schema
        .getPossibleTypes(type)
        .some((it) => applies(it, condition) && collect(it, fragment.selectionSet, new Map()).size > 0);
    });

  const select = (type: GraphQLObjectType | GraphQLInterfaceType, sets: readonly SelectionSetNode[]): Selection => {
    const collected: Collected = new Map();
    for (const set of sets) collect(type, set, collected);
    const fields = [...collected].map(([key, nodes]): ShapedField => {
      const name = nodes[0]!.name.value;
      const coordinate = `${type.name}.${name}`;
      const isInherited = key in Object.prototype;
      if (name === '__typename') return { key, isInherited, name, coordinate, source: null, shape: typename(type) };
      const field = type.getFields()[name];
      const below = nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
      const shape: Shape = field
        ? shapeOf(field.type, below)
        : { kind: 'leaf', isNonNull: false, serialize: (it) => it };
      return { key, isInherited, name, coordinate, source: facts.sourceOf(coordinate), shape };
    });
    return { typeName: type.name, isGroup: facts.isGroup(type.name), fields };
  };

  const typename = (type: GraphQLObjectType | GraphQLInterfaceType): Shape => ({
    kind: 'leaf',
    isNonNull: false,
    serialize: () => type.name,
  });

  const shapeOf = (type: GraphQLOutputType, below: readonly SelectionSetNode[]): Shape => {
    const isNonNull = isNonNullType(type);
    const nullable = getNullableType(type);
    if (isListType(nullable)) return { kind: 'list', isNonNull, of: shapeOf(nullable.ofType, below) };
    if (isLeafType(nullable)) return { kind: 'leaf', isNonNull, serialize: serializerOf(nullable) };
    let last: { name: string; selection: Selection | null } | null = null; // the items of a list are mostly alike
    const selections = new Map<string, Selection | null>(); // by the type that data turn out to be of
    const selectionFor = (typeName: string | undefined): Selection | null => {
      const name = typeName ?? nullable.name;
      if (last?.name === name) return last.selection;
      const known = selections.get(name);
      if (known !== undefined) {
        last = { name, selection: known };
        return known;
      }
      const found = schema.getType(name);
      // A subgraph that knows only an interface (`@interfaceObject`) names that: enough when no more was asked.
      const isKnown = isObjectType(found) || (isInterfaceType(found) && !below.some((set) => asksForType(found, set)));
      const fits = isKnown && (found === nullable || (isAbstractType(nullable) && schema.isSubType(nullable, found)));
      const selection = fits ? select(found, below) : null;
      if (selections.size < 1_000) selections.set(name, selection); // names come from subgraphs
      return selection;
    };
    return { kind: 'object', isNonNull, isGroup: isObjectType(nullable) && facts.isGroup(nullable.name), selectionFor };
  };

  const root = operation.operation === 'mutation' ? schema.getMutationType() : schema.getQueryType();
  if (!root) throw new Error(`the schema has no root for ${operation.operation}`);
  return select(root, [operation.selectionSet]);
};
