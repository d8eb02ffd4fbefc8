import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';
import type { FetchStep } from '../plan/planner.ts';

/** A member that a fetch should bring: its response key there, its schema coordinate, and on which types. */
export type Brought = { key: string; coordinate: string; types: ReadonlySet<string> | null };

const roots: Record<OperationDefinitionNode['operation'], string> = {
  query: 'Query',
  mutation: 'Mutation',
  subscription: 'Subscription',
};

/**
 * What a fetch should bring at its root, or on the entities of one of its parts. Asked for only when it failed.
 *
 * @param part response key of the part, or `null` for root fields
 */
export const broughtBy = ({ document, types }: FetchStep, part: string | null): Brought[] => {
  const operation = document.definitions.find((it) => it.kind === Kind.OPERATION_DEFINITION);
  const fragments = fragmentsOf(document);
  const members = (
    selections: readonly SelectionNode[],
    typeName: string | null,
    on: ReadonlySet<string> | null,
  ): Brought[] =>
    selections.flatMap((selection): Brought[] => {
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        if (name === '__typename') return [];
        return [{ key: (selection.alias ?? selection.name).value, coordinate: `${typeName}.${name}`, types: on }];
      }
      const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      if (!inner) return [];
      const condition = inner.typeCondition?.name.value ?? null;
      return members(inner.selectionSet.selections, condition ?? typeName, condition ? types.of(condition) : on);
    });
  if (!operation) return [];
  const { selections } = operation.selectionSet;
  if (part === null) return members(selections, roots[operation.operation], null);
  return selections.flatMap((it) =>
    it.kind === Kind.FIELD && (it.alias ?? it.name).value === part
      ? members(it.selectionSet?.selections ?? [], null, null)
      : [],
  );
};

const fragmentsOf = (document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> =>
  new Map(document.definitions.flatMap((it) => (it.kind === Kind.FRAGMENT_DEFINITION ? [[it.name.value, it]] : [])));
