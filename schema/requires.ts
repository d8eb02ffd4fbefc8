import {
  type ConstDirectiveNode,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from 'graphql';

/** The field sets that `@join__type(key:)` or `@join__field(requires:)` give a type or field of a supergraph. */
export const joinArguments = (
  directives: readonly ConstDirectiveNode[] | undefined,
  argument: 'key' | 'requires',
): string[] =>
  (directives ?? [])
    .filter(({ name }) => name.value === (argument === 'key' ? 'join__type' : 'join__field'))
    .flatMap((node) => node.arguments?.filter(({ name }) => name.value === argument) ?? [])
    .flatMap(({ value }) => (value.kind === Kind.STRING ? [value.value] : []));

/** `id organisation { number }` -> selections. */
export const fieldSet = (fields: string): SelectionSetNode =>
  (parse(`{${fields}}`, { noLocation: true }).definitions[0] as OperationDefinitionNode).selectionSet;

const hasArguments = ({ selections }: SelectionSetNode): boolean =>
  selections.some(
    (selection) =>
      (selection.kind === Kind.FIELD && (selection.arguments?.length ?? 0) > 0) ||
      (selection.kind !== Kind.FRAGMENT_SPREAD && selection.selectionSet && hasArguments(selection.selectionSet)),
  );

const isFalse = (directive: ConstDirectiveNode, argument: string) =>
  directive.arguments?.some(
    ({ name, value }) => name.value === argument && value.kind === Kind.BOOLEAN && !value.value,
  ) ?? false;
const graphOf = (directive: ConstDirectiveNode) => {
  const value = directive.arguments?.find(({ name }) => name.value === 'graph')?.value;
  return value?.kind === Kind.ENUM ? value.value : null;
};

/**
 * Fields of a supergraph that Apollo's planner gets wrong without an error:
 * - `@requires` with arguments: the subgraph is handed the value for other arguments (apollographql/federation#2996);
 * - `@requires` in a subgraph where some key of the type is not resolvable: it may be asked by that key, and finds nothing.
 *
 * @returns coordinates, e.g. `Product.shippingEstimate`
 */
export const wrongWithApollo = (schema: GraphQLSchema): string[] =>
  Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) || isInterfaceType(type))
    .flatMap((type) => {
      const keys = type.astNode?.directives?.filter(({ name }) => name.value === 'join__type') ?? [];
      const unresolvable = new Set(keys.filter((it) => isFalse(it, 'resolvable')).map(graphOf));
      return Object.values(type.getFields())
        .filter(({ astNode }) =>
          astNode?.directives?.some((directive) =>
            joinArguments([directive], 'requires').some(
              (fields) => hasArguments(fieldSet(fields)) || unresolvable.has(graphOf(directive)),
            ),
          ),
        )
        .map(({ name }) => `${type.name}.${name}`);
    });
