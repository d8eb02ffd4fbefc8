import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { Category } from '../../schema/categories.ts';
import type { SchemaFacts } from './supergraph.ts';

/** Whether a field is given: every class that stands on it has at least one list of permitted categories. */
export const isPermitted = (facts: SchemaFacts, grants: (category: Category) => boolean, coordinate: string): boolean =>
  facts.classesOf(coordinate).every((alternatives) => alternatives.some((all) => all.every(grants)));

export const typename: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

/**
 * The operation without the fields that are not permitted, so that what a caller may not see is never planned or fetched.
 * Judged by schema coordinate: aliases, fragments and directives change nothing.
 *
 * @param operationName picks one operation; the others and fragments nobody uses are left out
 */
export const prune = (
  document: DocumentNode,
  operation: OperationDefinitionNode,
  schema: GraphQLSchema,
  isGiven: (coordinate: string) => boolean,
): DocumentNode => {
  const typeInfo = new TypeInfo(schema);
  const pruned: DocumentNode = visit(
    document,
    visitWithTypeInfo(typeInfo, {
      OperationDefinition: { enter: (node) => (node === operation ? undefined : null) },
      Field: {
        enter: (node) => {
          const parent = typeInfo.getParentType();
          if (!parent || node.name.value.startsWith('__')) return undefined;
          return isGiven(`${parent.name}.${node.name.value}`) ? undefined : null;
        },
      },
      SelectionSet: {
        leave: (node: SelectionSetNode) =>
          node.selections.length > 0 ? undefined : { ...node, selections: [typename] },
      },
    }),
  );
  return withoutUnused(pruned);
};

/** Drops fragments and variables that the cut has left without use, which the planner would otherwise refuse or send. */
export const withoutUnused = (document: DocumentNode): DocumentNode => {
  const fragments = new Map(
    document.definitions
      .filter((it): it is FragmentDefinitionNode => it.kind === Kind.FRAGMENT_DEFINITION)
      .map((it) => [it.name.value, it]),
  );
  const usedFragments = new Set<string>();
  const usedVariables = new Set<string>();
  const collect = (node: OperationDefinitionNode | FragmentDefinitionNode) =>
    visit(node, {
      VariableDefinition: () => false,
      Variable: ({ name }) => void usedVariables.add(name.value),
      FragmentSpread: ({ name }) => {
        const fragment = fragments.get(name.value);
        if (!fragment || usedFragments.has(name.value)) return;
        usedFragments.add(name.value);
        collect(fragment);
      },
    });
  for (const definition of document.definitions) if (definition.kind === Kind.OPERATION_DEFINITION) collect(definition);
  return visit(document, {
    FragmentDefinition: (node) => (usedFragments.has(node.name.value) ? undefined : null),
    VariableDefinition: (node) => (usedVariables.has(node.variable.name.value) ? undefined : null),
  });
};
