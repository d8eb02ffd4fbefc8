import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  visit,
} from 'graphql';
import { requestError } from './errors.ts';

/** How much is asked for when each fragment is put where it is spread. Counters stop at `most`, they never wrap. */
type Measure = { selections: number; aliases: number; deferred: number; depth: number };

const most = Number.MAX_SAFE_INTEGER;
/** Sum and product that stop at 2^53 - 1: above every limit, never infinite, never negative. */
export const add = (a: number, b: number): number => Math.min(most, a + b);
export const times = (a: number, b: number): number => Math.min(most, a * b);

const nothing: Measure = { selections: 0, aliases: 0, deferred: 0, depth: 0 };
const both = (a: Measure, b: Measure): Measure => ({
  selections: add(a.selections, b.selections),
  aliases: add(a.aliases, b.aliases),
  deferred: add(a.deferred, b.deferred),
  depth: Math.max(a.depth, b.depth),
});

export const fragmentsOf = (document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> =>
  new Map(
    document.definitions
      .filter((it): it is FragmentDefinitionNode => it.kind === Kind.FRAGMENT_DEFINITION)
      .map((it) => [it.name.value, it]),
  );

/**
 * Measures selection sets of one document. Each fragment is measured once however often it is spread, so the time is that of
 * the document as written, while the numbers are those of the document written out.
 *
 * @throws GraphQLError BAD_REQUEST when a fragment spreads itself, straight or through others
 */
const createMeasure = (fragments: ReadonlyMap<string, FragmentDefinitionNode>) => {
  const known = new Map<FragmentDefinitionNode, Measure | 'open'>();

  const measureFragment = (fragment: FragmentDefinitionNode): Measure => {
    const found = known.get(fragment);
    if (found === 'open') throw requestError('BAD_REQUEST', 'A fragment spreads itself');
    if (found) return found;
    known.set(fragment, 'open');
    const measured = measureSet(fragment.selectionSet);
    known.set(fragment, measured);
    return measured;
  };

  const measureSet = (set: SelectionSetNode): Measure => {
    let sum = nothing;
    for (const node of set.selections) {
      let inner = nothing;
      if (node.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(node.name.value);
        if (fragment) inner = measureFragment(fragment);
      } else if (node.selectionSet) inner = measureSet(node.selectionSet);
      const isField = node.kind === Kind.FIELD;
      const isDeferred = node.directives?.some(({ name }) => name.value === 'defer') ?? false;
      const own = { selections: 1, aliases: isField && node.alias ? 1 : 0, deferred: isDeferred ? 1 : 0, depth: 0 };
      sum = both(sum, both(own, isField ? { ...inner, depth: inner.depth + 1 } : inner));
    }
    return sum;
  };

  return { measureSet, measureFragment, isKnown: (fragment: FragmentDefinitionNode) => known.has(fragment) };
};

/** The fields at the root, those in fragments included, each fragment taken once. */
const rootFieldsOf = (
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): FieldNode[] => {
  const found: FieldNode[] = [];
  const seen = new Set<FragmentDefinitionNode>();
  const collect = (set: SelectionSetNode) => {
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) found.push(node);
      else if (node.kind === Kind.INLINE_FRAGMENT) collect(node.selectionSet);
      else {
        const fragment = fragments.get(node.name.value);
        if (!fragment || seen.has(fragment)) continue;
        seen.add(fragment);
        collect(fragment.selectionSet);
      }
    }
  };
  collect(operation.selectionSet);
  return found;
};

const depthOfLiteral = (value: ValueNode): number => {
  if (value.kind === Kind.LIST) return 1 + Math.max(0, ...value.values.map(depthOfLiteral));
  if (value.kind === Kind.OBJECT) return 1 + Math.max(0, ...value.fields.map((it) => depthOfLiteral(it.value)));
  return 0;
};

/** Directives as written, and levels of the deepest argument or default value. */
const measureText = (document: DocumentNode): { directives: number; literalDepth: number } => {
  let directives = 0;
  let literalDepth = 0;
  const look = (value: ValueNode): false => {
    literalDepth = Math.max(literalDepth, depthOfLiteral(value));
    return false;
  };
  visit(document, { Directive: () => void directives++, ListValue: look, ObjectValue: look });
  return { directives, literalDepth };
};

export type DocumentMeasure = Measure & {
  operations: number;
  fragments: number;
  /** Characters of the longest name of an operation. */
  nameLength: number;
  directives: number;
  literalDepth: number;
  /** Depth below `__schema` and `__type` at the root, which `depth` leaves out. */
  introspectionDepth: number;
  /** Different response names at the root, and those of `patient`. */
  rootNames: number;
  patientNames: number;
};

const isIntrospection = ({ name }: FieldNode): boolean => name.value === '__schema' || name.value === '__type';

/**
 * Everything that can be counted without a schema, in time that grows with the length of the document only. Fragments that
 * nobody spreads count as spread once: validation looks at them too.
 *
 * @throws GraphQLError BAD_REQUEST when a fragment spreads itself
 */
export const measureDocument = (document: DocumentNode): DocumentMeasure => {
  const operations = document.definitions.filter((it) => it.kind === Kind.OPERATION_DEFINITION);
  const fragments = document.definitions.filter((it) => it.kind === Kind.FRAGMENT_DEFINITION);
  const byName = fragmentsOf(document);
  const { measureSet, measureFragment, isKnown } = createMeasure(byName);

  let sum = nothing;
  for (const { selectionSet } of operations) sum = both(sum, { ...measureSet(selectionSet), depth: 0 });
  for (const it of fragments) if (!isKnown(it)) sum = both(sum, measureFragment(it));

  const roots = operations.flatMap((it) => rootFieldsOf(it, byName));
  const depthOf = ({ selectionSet }: FieldNode) => 1 + (selectionSet ? measureSet(selectionSet).depth : 0);
  const deepest = (fields: readonly FieldNode[]) => fields.reduce((depth, it) => Math.max(depth, depthOf(it)), 0);
  const namesOf = (fields: readonly FieldNode[]) => new Set(fields.map((it) => (it.alias ?? it.name).value)).size;
  return {
    ...sum,
    ...measureText(document),
    operations: operations.length,
    fragments: fragments.length,
    nameLength: operations.reduce((length, { name }) => Math.max(length, name?.value.length ?? 0), 0),
    depth: Math.max(sum.depth, deepest(roots.filter((it) => !isIntrospection(it)))),
    introspectionDepth: deepest(roots.filter(isIntrospection)),
    rootNames: namesOf(roots),
    patientNames: namesOf(roots.filter(({ name }) => name.value === 'patient')),
  };
};

/** Levels of lists and objects in a JSON value; stops counting one above `enough`. */
export const depthOfJson = (value: unknown, enough: number): number => {
  if (typeof value !== 'object' || value === null) return 0;
  if (enough === 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOfJson(inner, enough - 1));
  return deepest + 1;
};
