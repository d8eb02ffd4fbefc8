import type { EntityPart, PathSegment, PlanPath, Requirement } from '../plan/planner.ts';
import { isObject, type Json, type JsonObject, member, mergeInto, put } from './merge.ts';

/** Where something stands, from the inside out: most places are never asked for, so they are not written out as paths. */
export type Place = { above: Place | null; key: string | number };

export const pathOf = (place: Place | null): (string | number)[] => {
  const path: (string | number)[] = [];
  for (let at = place; at; at = at.above) path.push(at.key);
  return path.reverse();
};

/** An object in the data and where it stands. */
export type Entity = { object: JsonObject; place: Place | null };

/** Objects at a plan's path. Lists are entered wherever they occur: not every planner marks each level of a nested one. */
export const entitiesAt = (data: JsonObject, path: PlanPath): Entity[] => {
  const found: Entity[] = [];
  const walk = (value: Json | undefined, depth: number, place: Place | null): void => {
    if (Array.isArray(value)) {
      const next = path[depth] === '@' ? depth + 1 : depth;
      for (let i = 0; i < value.length; i++) walk(value[i], next, { above: place, key: i });
      return;
    }
    if (!isObject(value)) return;
    const segment: PathSegment | undefined = path[depth];
    if (segment === undefined) found.push({ object: value, place });
    else if (typeof segment !== 'string') {
      // The root has no `__typename`, and is what its fragments say.
      if (place === null || isOneOf(value, segment)) walk(value, depth + 1, place);
    } else if (segment !== '@') walk(member(value, segment), depth + 1, { above: place, key: segment });
  };
  walk(data, 0, null);
  return found;
};

export const isOneOf = (object: JsonObject, types: ReadonlySet<string>): boolean =>
  typeof object['__typename'] === 'string' && types.has(object['__typename']);

/** Members of objects that some fetch should have brought and did not. */
export type Absences = WeakMap<JsonObject, Set<string>>;

/** Makes the representation of an entity; `undefined` for an entity of another type, or without all that is needed. */
export type Represent = (object: JsonObject, absences: Absences) => JsonObject | undefined;

const compiled = new WeakMap<EntityPart['requires'], Represent>();

/**
 * The part of an entity that a subgraph must be told: the one way to a representation, for keys and `@requires` alike.
 * A fragment of which some part was never asked for on this type adds nothing. But when a part was asked for and did not
 * come there is no representation: from half of one a subgraph would compute a wrong answer.
 */
export const representBy = (requires: readonly Requirement[]): Represent => {
  const known = compiled.get(requires);
  if (known) return known;
  const made = representFlat(requires) ?? ((object, absences) => represent(object, requires, absences));
  compiled.set(requires, made);
  return made;
};

/** For one type and a key without objects in it, which is nearly always: all of it or nothing. `null` for anything else. */
const representFlat = ([fragment, ...others]: readonly Requirement[]): Represent | null => {
  if (fragment?.kind !== 'fragment' || others.length > 0) return null;
  const { types } = fragment;
  const fields = fragment.selections.flatMap((it) => (it.kind === 'field' && it.selections === null ? [it] : []));
  const names = new Set(fields.map(({ to }) => to));
  if (names.size !== fragment.selections.length || !names.has('__typename')) return null;
  return (object) => {
    if (!isOneOf(object, types)) return undefined;
    const result: JsonObject = {};
    for (const { from, to } of fields) {
      const value = member(object, from);
      if (value === undefined) return undefined;
      put(result, to, value);
    }
    return result;
  };
};

const represent = (
  object: JsonObject,
  requires: readonly Requirement[],
  absences: Absences,
): JsonObject | undefined => {
  let isWithheld = false;

  /** `undefined` when a field is absent. */
  const representationOf = (from: JsonObject, selections: readonly Requirement[]): JsonObject | undefined => {
    const result: JsonObject = {};
    for (const requirement of selections) {
      if (requirement.kind === 'fragment') {
        const part = isOneOf(from, requirement.types) && representationOf(from, requirement.selections);
        if (part) mergeInto(result, part, noInterfaces);
        continue;
      }
      const value = member(from, requirement.from);
      if (value === undefined && absences.get(from)?.has(requirement.from)) isWithheld = true;
      const part = value === undefined ? undefined : partOf(value, requirement.selections);
      if (part === undefined) return undefined;
      put(result, requirement.to, part);
    }
    return result;
  };

  const partOf = (value: Json, selections: readonly Requirement[] | null): Json | undefined => {
    if (selections === null) return value;
    if (!Array.isArray(value)) return isObject(value) ? representationOf(value, selections) : value;
    const items = value.map((item) => partOf(item, selections));
    return items.every((item) => item !== undefined) ? items : undefined;
  };

  const result = representationOf(object, requires);
  return result && Object.hasOwn(result, '__typename') && !isWithheld ? result : undefined;
};
const noInterfaces: ReadonlySet<string> = new Set();
