import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { requestError } from '../operation/errors.ts';
import type { ClientPath } from './planner.ts';
import { typename, withoutUnused } from './prune.ts';

/** An operation in the form in which planners plan it right. */
export type Prepared = {
  /** One after the other: the fields of a mutation, each with all that it fetches; a query whole; none when no subgraph is needed. */
  parts: readonly DocumentNode[];
  /** Names that were changed -> the client's. */
  names: ReadonlyMap<string, string>;
  clientPath: ClientPath;
};

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/**
 * Takes away what planners do wrong or need not do:
 * - conditions, which the variables decide: both planners plan some of them wrong, and a plan without is shorter;
 * - introspection, at which the native planner fails;
 * - response keys that name a field of a key or of `@requires` but hold something else: planners would send that to
 *   subgraphs as the key, or give the key to the client. They get a name of their own until the end of the plan;
 * - mutations with several fields: the native planner begins the next while it still fetches for the one before.
 *
 * @param needed names of the fields that planners add
 * @param variables as coerced; only those of conditions matter
 */
export const prepare = (
  document: DocumentNode,
  operationName: string | undefined,
  needed: ReadonlySet<string>,
  variables: Record<string, unknown>,
): Prepared => {
  const chosen = getOperationAST(document, operationName);
  if (!chosen)
    throw requestError('BAD_REQUEST', 'The document must hold one operation, or operationName must pick one');
  if (chosen.variableDefinitions?.some(({ variable }) => /^(representations$|__)/.test(variable.name.value))) {
    throw requestError('BAD_REQUEST', 'A variable here has a name that is kept for calls to subgraphs');
  }
  const text = print(document);
  let prefix = 'as_';
  while (text.includes(prefix)) prefix = `${prefix}_`;
  const names = new Map<string, string>();

  const cleaned: DocumentNode = visit(document, {
    OperationDefinition: (node) => (node === chosen ? undefined : null),
    Field: {
      enter: (node) => {
        if (node.name.value === '__schema' || node.name.value === '__type' || !isIncluded(node, variables)) return null;
        return renamed(unconditional(node), prefix, needed, names);
      },
    },
    InlineFragment: { enter: (node) => (isIncluded(node, variables) ? unconditional(node) : null) },
    FragmentSpread: { enter: (node) => (isIncluded(node, variables) ? unconditional(node) : null) },
    SelectionSet: {
      leave: (node: SelectionSetNode) => (node.selections.length > 0 ? undefined : { ...node, selections: [typename] }),
    },
  });
  const operation = cleaned.definitions.find((it) => it.kind === Kind.OPERATION_DEFINITION);
  if (!operation) throw new Error('the operation is gone');
  const fragments: Fragments = new Map(
    cleaned.definitions.flatMap((it) => (it.kind === Kind.FRAGMENT_DEFINITION ? [[it.name.value, it]] : [])),
  );
  const part = (selections: FieldNode[]): DocumentNode =>
    withoutUnused({
      ...cleaned,
      definitions: cleaned.definitions.map((it) =>
        it === operation ? { ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections } } : it,
      ),
    });
  const roots = rootFields(operation.selectionSet, fragments);
  const isMutation = operation.operation === 'mutation';
  const groups = isMutation ? [...Map.groupBy(roots, keyOf).values()] : [roots];
  return {
    parts: groups.filter(({ length }) => length > 0).map(part),
    names,
    clientPath: clientPathIn(operation.selectionSet, fragments, names),
  };
};

const isIncluded = (node: SelectionNode, variables: Record<string, unknown>): boolean =>
  (node.directives ?? []).every(({ name, arguments: given }) => {
    if (name.value !== 'skip' && name.value !== 'include') return true;
    const value = given?.[0]?.value;
    const holds =
      value?.kind === Kind.VARIABLE
        ? variables[value.name.value] === true
        : value?.kind === Kind.BOOLEAN && value.value;
    return holds === (name.value === 'include');
  });
const unconditional = <T extends SelectionNode>(node: T): T =>
  node.directives?.length
    ? { ...node, directives: node.directives.filter(({ name }) => name.value !== 'skip' && name.value !== 'include') }
    : node;

const keyOf = ({ alias, name }: FieldNode) => (alias ?? name).value;

const renamed = (node: FieldNode, prefix: string, needed: ReadonlySet<string>, names: Map<string, string>) => {
  if (node.name.value === '__typename') return typename; // told by the answer's shape; the native planner counts on this key
  const key = keyOf(node);
  const isItself = key === node.name.value && (node.arguments?.length ?? 0) === 0;
  if (isItself || !needed.has(key)) return node;
  if (key === '__typename') throw requestError('BAD_REQUEST', 'A response key here is kept for the name of a type');
  names.set(prefix + key, key);
  return { ...node, alias: { kind: Kind.NAME as const, value: prefix + key } };
};

/** Fields of the root type in their order, out of their fragments. */
const rootFields = ({ selections }: SelectionSetNode, fragments: Fragments): FieldNode[] =>
  selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return selection.name.value === '__typename' ? [] : [selection];
    const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    return inner ? rootFields(inner.selectionSet, fragments) : [];
  });

/** Fields with this response key, in any fragment and of any type. */
const fieldsAt = (sets: readonly SelectionSetNode[], key: string, fragments: Fragments): FieldNode[] => {
  const spread = new Set<string>();
  const within = ({ selections }: SelectionSetNode): FieldNode[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return keyOf(selection) === key ? [selection] : [];
      if (selection.kind === Kind.INLINE_FRAGMENT) return within(selection.selectionSet);
      const fragment = fragments.get(selection.name.value);
      if (!fragment || spread.has(fragment.name.value)) return [];
      spread.add(fragment.name.value);
      return within(fragment.selectionSet);
    });
  return sets.flatMap(within);
};

const clientPathIn =
  (root: SelectionSetNode, fragments: Fragments, names: ReadonlyMap<string, string>): ClientPath =>
  (path) => {
    const result: (string | number)[] = [];
    let sets: readonly SelectionSetNode[] = [root];
    for (const key of path) {
      if (typeof key === 'string') {
        const fields = fieldsAt(sets, key, fragments);
        if (fields.length === 0) break; // fetched for a subgraph's sake
        sets = fields.flatMap(({ selectionSet }) => selectionSet ?? []);
      }
      result.push(typeof key === 'string' ? (names.get(key) ?? key) : key);
    }
    return result;
  };
