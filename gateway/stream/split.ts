import {
  type DocumentNode,
  type FieldNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNullableType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { fragmentsOf } from '../operation/measure.ts';
import { withoutUnused } from '../plan/prune.ts';
import type { SchemaFacts } from '../plan/supergraph.ts';
import { deferDirective, withoutDefer } from './defer.ts';

export type ObjectPath = readonly string[];

/** The hash of the document that an operation or a part of one comes from. */
export const documentHashOf = (hash: string): string => hash.split('/', 1)[0] ?? hash;

/** What comes together: the fields that are not deferred, or those of one deferred fragment. An operation like any other. */
export type Part = {
  /** Unique in its operation. */
  id: string;
  /** Where the fragment stands. */
  path: ObjectPath;
  label: string | null;
  /** The part that must have come before, because its fragment holds this one; `null` for the first. */
  parent: Part | null;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** Key of what is cached for it. */
  hash: string;
  /** Objects that it gives or adds to, outermost first. Introduced: no earlier part on its way gives them. */
  places: readonly { path: ObjectPath; isIntroduced: boolean }[];
};

export type Question = {
  schema: GraphQLSchema;
  facts: SchemaFacts;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  hash: string;
  /** As coerced; only those of conditions matter. */
  variables: Record<string, unknown>;
};

type Draft = { path: ObjectPath; label: string | null; parent: Draft | null };
/** A field as asked for by one fragment. */
type Claim = { draft: Draft; node: FieldNode };
/** An object whose fields several sources give, and what is asked of it, in the order of the answer. */
type Place = { path: ObjectPath; field: FieldNode | null; drafts: Set<Draft>; members: Map<string, Claim[] | Place> };

const keyOf = ({ alias, name }: FieldNode): string => (alias ?? name).value;

/**
 * Splits an operation at its `@defer`s. A fragment is deferred where several sources meet: on `Query` and on objects whose
 * fields name sources of their own (`Patient`). Elsewhere, in lists and in groups, it comes with what is around it: there one
 * source has one answer, whose `absence` must not come apart from what it explains.
 *
 * A field that several parts ask for comes once, with the part on which they all depend: no source is asked twice for the same,
 * and no list is put together from two answers.
 *
 * @returns the parts, a parent before its children, first the one that is not deferred; just one when nothing is deferred
 */
export const splitOperation = (question: Question): readonly [Part, ...Part[]] => {
  const { document, variables } = question;
  const entry = kept.get(document) ?? { conditions: conditionsOf(document), byValues: new Map() };
  kept.set(document, entry);
  const values = entry.conditions.map((name) => Number(variables[name] === true)).join('');
  const key = `${question.operation.name?.value ?? ''}/${values}`;
  const known = entry.byValues.get(key);
  if (known) return known;
  const parts = split(question, values);
  if (entry.byValues.size < 64) entry.byValues.set(key, parts);
  return parts;
};

const kept = new WeakMap<
  DocumentNode,
  { conditions: readonly string[]; byValues: Map<string, readonly [Part, ...Part[]]> }
>();

/** Names of the variables that decide what is asked for, and what of it is deferred. */
const conditionsOf = (document: DocumentNode): readonly string[] => {
  const names = new Set<string>();
  visit(document, {
    Directive: ({ arguments: given }) => {
      for (const { name, value } of given ?? [])
        if (name.value === 'if' && value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names].sort();
};

const split = (
  { schema, facts, document, operation, hash, variables }: Question,
  values: string,
): readonly [Part, ...Part[]] => {
  const fragments = fragmentsOf(document);
  const primary: Draft = { path: [], label: null, parent: null };
  const drafts: Draft[] = [primary];

  const isIncluded = (node: SelectionNode): boolean =>
    getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] !== true &&
    getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false;

  /** The type of a field's value, when it is one where several sources meet. */
  const meetingType = (type: GraphQLObjectType, node: FieldNode): GraphQLObjectType | null => {
    const field = type.getFields()[node.name.value];
    const inner = field && getNullableType(field.type);
    if (!isObjectType(inner)) return null;
    return Object.keys(inner.getFields()).some((name) => facts.sourceOf(`${inner.name}.${name}`)) ? inner : null;
  };

  const collect = ({ selections }: SelectionSetNode, type: GraphQLObjectType, place: Place, draft: Draft): void => {
    for (const node of selections) {
      if (!isIncluded(node)) continue;
      if (node.kind !== Kind.FIELD) {
        const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node;
        if (fragment) collect(fragment.selectionSet, type, place, draftFor(node, place, draft));
        continue;
      }
      const key = keyOf(node);
      const inner = meetingType(type, node);
      const known = place.members.get(key);
      if (!inner || !node.selectionSet) {
        if (Array.isArray(known)) known.push({ draft, node });
        else place.members.set(key, [{ draft, node }]);
        continue;
      }
      const below: Place =
        known && !Array.isArray(known)
          ? known
          : { path: [...place.path, key], field: node, drafts: new Set(), members: new Map() };
      place.members.set(key, below);
      below.drafts.add(draft);
      collect(node.selectionSet, inner, below, draft);
    }
  };

  const draftFor = (node: SelectionNode, { path }: Place, parent: Draft): Draft => {
    const given = getDirectiveValues(deferDirective, node, variables);
    if (!given || given['if'] === false) return parent;
    const draft: Draft = { path, label: typeof given['label'] === 'string' ? given['label'] : null, parent };
    drafts.push(draft);
    return draft;
  };

  const root: Place = { path: [], field: null, drafts: new Set([primary]), members: new Map() };
  const query = schema.getQueryType();
  if (!query) throw new Error('the schema has no queries');
  collect(operation.selectionSet, query, root, primary);

  /** Objects that a part gives or adds to. A parent is there before its children. */
  const placesOf = new Map<Draft, Set<Place>>();
  const isGivenBefore = (draft: Draft, place: Place): boolean =>
    [...ancestorsOf(draft)].some((it) => placesOf.get(it)?.has(place));

  /** What a part selects of an object; `null` for nothing. */
  const selectionsOf = (draft: Draft, place: Place): SelectionNode[] | null => {
    const own = [...place.members.values()].flatMap((member): SelectionNode[] => {
      if (Array.isArray(member)) return commonOf(member) === draft ? nodesOf(member) : [];
      const selections = selectionsOf(draft, member);
      if (!selections || !member.field) return [];
      return [{ ...member.field, directives: [], selectionSet: { kind: Kind.SELECTION_SET, selections } }];
    });
    // An object may be all that is asked for: the fragments that hang on it need it.
    if (own.length === 0 && (!place.drafts.has(draft) || isGivenBefore(draft, place))) return null;
    placesOf.get(draft)?.add(place);
    return own;
  };

  const definitions = document.definitions.filter((it) => it.kind === Kind.FRAGMENT_DEFINITION);
  const parts = new Map<Draft, Part>();
  for (const draft of drafts) {
    placesOf.set(draft, new Set());
    const selections = selectionsOf(draft, root);
    if (!selections) continue; // all of it comes with an earlier part
    const own = { ...operation, selectionSet: { kind: Kind.SELECTION_SET as const, selections } };
    const alone = withoutUnused(withoutDefer({ kind: Kind.DOCUMENT, definitions: [own, ...definitions] }));
    const [partOperation] = alone.definitions;
    if (partOperation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('the operation is gone');
    const id = String(parts.size);
    parts.set(draft, {
      id,
      path: draft.path,
      label: draft.label,
      parent: [...ancestorsOf(draft)].flatMap((it) => parts.get(it) ?? [])[0] ?? null,
      document: alone,
      operation: partOperation,
      hash: `${hash}/${values}/${id}`,
      places: [...(placesOf.get(draft) ?? [])]
        .map((place) => ({ path: place.path, isIntroduced: !isGivenBefore(draft, place) }))
        .sort((one, other) => one.path.length - other.path.length),
    });
  }
  const [first, ...others] = parts.values();
  if (!first) throw new Error('the first part is gone');
  return [first, ...others];
};

function* ancestorsOf({ parent }: Draft): Generator<Draft> {
  if (!parent) return;
  yield parent;
  yield* ancestorsOf(parent);
}

/** A field with fields of its own may ask for others each time it is written. */
const nodesOf = (claims: readonly Claim[]): FieldNode[] =>
  claims.map(({ node }) => node).filter((node, i) => i === 0 || node.selectionSet);

/** The latest part that all these have come after or are. */
const commonOf = (claims: readonly Claim[]): Draft => {
  const [first, ...others] = claims.map(({ draft }) => [draft, ...ancestorsOf(draft)]);
  const common = first?.find((it) => others.every((lineage) => lineage.includes(it)));
  if (!common) throw new Error('parts without a common ancestor');
  return common;
};
