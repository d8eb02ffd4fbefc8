import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { requestError } from './errors.ts';
import type { Limits } from './limits.ts';
import { add, fragmentsOf, times } from './measure.ts';

/** Values that a selection set gives: its own, and those of each item in a page's list, which the page's `first` counts. */
type Cost = { own: number; perItem: number };
const nothing: Cost = { own: 0, perItem: 0 };
const both = (a: Cost, b: Cost): Cost => ({ own: add(a.own, b.own), perItem: add(a.perItem, b.perItem) });

/** Lists whose length is the `first` of the field above them. */
const pageLists = new Set(['nodes', 'edges']);

/**
 * Values that an answer to an operation may hold at most: one for each field, lists multiplied by `first` (literal, variable,
 * or their defaults), by `assumedListSize` when nobody says how long they are. What `@skip` and `@include` may leave out
 * counts. `__schema` and `__type` at the root are free by what they are, not by what something is named: they tell of types,
 * not of people, and validation bounds them.
 *
 * @param variables as sent; a value that is no number is left to coercion to refuse
 */
export const createCostOf = (schema: GraphQLSchema, { assumedListSize }: Pick<Limits, 'assumedListSize'>) => {
  const constant = new WeakMap<OperationDefinitionNode, number>();

  const compute = (
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
  ): { cost: number; isConstant: boolean } => {
    const fragments = fragmentsOf(document);
    const known = new Map<FragmentDefinitionNode, Cost>();
    const root = schema.getRootType(operation.operation);
    let isConstant = true;

    const valueIn = (node: ValueNode | undefined): unknown => {
      if (node?.kind === Kind.INT) return Number(node.value);
      if (node?.kind !== Kind.VARIABLE) return undefined;
      isConstant = false;
      const name = node.name.value;
      if (Object.hasOwn(variables, name)) return variables[name];
      const fallback = operation.variableDefinitions?.find((it) => it.variable.name.value === name)?.defaultValue;
      return fallback && valueIn(fallback);
    };

    /** The `first` of a field; `null` when it has none. */
    const sizeOf = (node: FieldNode, field: GraphQLField<unknown, unknown>): number | null => {
      const argument = field.args.find((it) => it.name === 'first');
      if (!argument) return null;
      const given = valueIn(node.arguments?.find((it) => it.name.value === 'first')?.value);
      const size = typeof given === 'number' ? given : argument.defaultValue;
      return typeof size === 'number' ? Math.max(1, size) : assumedListSize;
    };

    const costOfField = (node: FieldNode, parent: GraphQLNamedType | undefined): Cost => {
      const name = node.name.value;
      if (parent === root && (name === '__schema' || name === '__type')) return { own: 1, perItem: 0 };
      const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
      if (!field) return { own: 1, perItem: 0 };
      const inner = node.selectionSet ? costOfSet(node.selectionSet, getNamedType(field.type)) : nothing;
      const first = sizeOf(node, field);
      if (!isListType(getNullableType(field.type)))
        return { own: add(1, add(inner.own, times(first ?? assumedListSize, inner.perItem))), perItem: 0 };
      const item = Math.max(1, add(inner.own, times(assumedListSize, inner.perItem)));
      if (first === null && pageLists.has(name)) return { own: 1, perItem: item };
      return { own: add(1, times(first ?? assumedListSize, item)), perItem: 0 };
    };

    const costOfFragment = (fragment: FragmentDefinitionNode): Cost => {
      const found = known.get(fragment);
      if (found) return found;
      const cost = costOfSet(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
      known.set(fragment, cost);
      return cost;
    };

    const costOfSet = (set: SelectionSetNode, parent: GraphQLNamedType | undefined): Cost => {
      let sum = nothing;
      for (const node of set.selections) {
        if (node.kind === Kind.FIELD) sum = both(sum, costOfField(node, parent));
        else if (node.kind === Kind.INLINE_FRAGMENT) {
          const type = node.typeCondition ? schema.getType(node.typeCondition.name.value) : parent;
          sum = both(sum, costOfSet(node.selectionSet, type));
        } else {
          const fragment = fragments.get(node.name.value);
          if (fragment) sum = both(sum, costOfFragment(fragment));
        }
      }
      return sum;
    };

    const { own, perItem } = costOfSet(operation.selectionSet, root ?? undefined);
    return { cost: add(own, times(assumedListSize, perItem)), isConstant };
  };

  return (document: DocumentNode, operation: OperationDefinitionNode, variables: Record<string, unknown>): number => {
    const found = constant.get(operation);
    if (found !== undefined) return found;
    const { cost, isConstant } = compute(document, operation, variables);
    if (isConstant) constant.set(operation, cost);
    return cost;
  };
};

/**
 * Refuses an operation that may give more than `limits.cost` values. The document must be valid; it is judged anew for each
 * request whose variables say how long a list is, also when document and plan are cached.
 *
 * @throws GraphQLError LIMIT_EXCEEDED
 */
export const createCostCheck = (schema: GraphQLSchema, limits: Limits) => {
  const costOf = createCostOf(schema, limits);
  return (document: DocumentNode, operation: OperationDefinitionNode, variables: Record<string, unknown>): void => {
    if (costOf(document, operation, variables) > limits.cost)
      throw requestError(
        'LIMIT_EXCEEDED',
        `The operation may give more than ${limits.cost} values: ask for shorter lists`,
      );
  };
};
