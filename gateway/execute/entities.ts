import type { PathSegment, PlanPath, Requirement } from '../plan/planner.ts';
import { isObject, type Json, type JsonObject, mergeInto } from './merge.ts';
import type { Path } from './outcome.ts';

/** An object in the data and where it stands. */
export type Entity = { object: JsonObject; path: Path };

/** Objects at a plan's path. Lists are entered wherever they occur: not every planner marks each level of a nested one. */
export const entitiesAt = (data: JsonObject, path: PlanPath): Entity[] => {
  const found: Entity[] = [];
  const walk = (value: Json | undefined, depth: number, at: Path): void => {
    if (Array.isArray(value)) {
      const next = path[depth] === '@' ? depth + 1 : depth;
      for (const [i, item] of value.entries()) walk(item, next, [...at, i]);
      return;
    }
    if (!isObject(value)) return;
    const segment: PathSegment | undefined = path[depth];
    if (segment === undefined) found.push({ object: value, path: at });
    else if (typeof segment !== 'string') {
      // The root has no `__typename`, and is what its fragments say.
      if (at.length === 0 || isOneOf(value, segment)) walk(value, depth + 1, at);
    } else if (segment !== '@') walk(value[segment], depth + 1, [...at, segment]);
  };
  walk(data, 0, []);
  return found;
};

export const isOneOf = (object: JsonObject, types: ReadonlySet<string>): boolean =>
  typeof object['__typename'] === 'string' && types.has(object['__typename']);

/** Members of objects that some fetch should have brought and did not. */
export type Absences = WeakMap<JsonObject, Set<string>>;

/**
 * The part of an entity that a subgraph must be told: the one way to a representation, for keys and `@requires` alike.
 * A fragment of which some part was never asked for on this type adds nothing. But when a part was asked for and did not
 * come there is no representation: from half of one a subgraph would compute a wrong answer.
 *
 * @returns `undefined` for an entity of another type, or without all that is needed
 */
export const represent = (
  object: JsonObject,
  requires: readonly Requirement[],
  absences: Absences,
): JsonObject | undefined => {
  let isWithheld = false;

  /** `undefined` when a field is absent. */
  const representationOf = (from: JsonObject, selections: readonly Requirement[]): JsonObject | undefined => {
    const result: JsonObject = Object.create(null);
    for (const requirement of selections) {
      if (requirement.kind === 'fragment') {
        const part = isOneOf(from, requirement.types) && representationOf(from, requirement.selections);
        if (part) mergeInto(result, part, noInterfaces);
        continue;
      }
      const value = from[requirement.from];
      if (value === undefined && absences.get(from)?.has(requirement.from)) isWithheld = true;
      const part = value === undefined ? undefined : partOf(value, requirement.selections);
      if (part === undefined) return undefined;
      result[requirement.to] = part;
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
  return result && '__typename' in result && !isWithheld ? result : undefined;
};
const noInterfaces: ReadonlySet<string> = new Set();
