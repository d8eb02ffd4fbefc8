import type { Rewrite } from '../plan/planner.ts';
import { isOneOf } from './entities.ts';
import { isObject, type Json, member, put } from './merge.ts';
import type { Path } from './outcome.ts';

/** Makes a plan's changes in `value`, which must belong to the caller. */
export const rewriteIn = (value: Json, rewrites: readonly Rewrite[]): void => {
  for (const rewrite of rewrites) rewriteAt(value, rewrite, 0);
};

const rewriteAt = (value: Json | undefined, rewrite: Rewrite, depth: number): void => {
  if (Array.isArray(value)) {
    for (const item of value) rewriteAt(item, rewrite, depth);
    return;
  }
  if (!isObject(value)) return;
  const segment = rewrite.path[depth];
  if (typeof segment === 'string') {
    rewriteAt(member(value, segment), rewrite, depth + 1);
  } else if (segment !== undefined) {
    // An object whose type nobody asked for is of the only type that it can have.
    if (value['__typename'] === undefined || isOneOf(value, segment)) rewriteAt(value, rewrite, depth + 1);
  } else if (rewrite.kind === 'set') {
    put(value, rewrite.key, rewrite.value);
  } else {
    const moved = member(value, rewrite.key);
    if (moved === undefined) return;
    put(value, rewrite.to, moved);
    delete value[rewrite.key];
  }
};

/** Where an error's path leads after the same changes. */
export const rewritePath = (path: Path, rewrites: readonly Rewrite[]): Path => {
  const result = [...path];
  for (const rewrite of rewrites) {
    if (rewrite.kind !== 'rename') continue;
    const keys = rewrite.path.filter((it) => typeof it === 'string');
    const at = [...path.entries()].filter(([, it]) => typeof it === 'string');
    const place = at[keys.length];
    if (place?.[1] === rewrite.key && keys.every((key, i) => at[i]?.[1] === key)) result[place[0]] = rewrite.to;
  }
  return result;
};

/** Gives members their clients' names back, all through `value`. */
export const restoreNames = (value: Json | undefined, names: ReadonlyMap<string, string>): void => {
  if (Array.isArray(value)) for (const item of value) restoreNames(item, names);
  else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      restoreNames(value[key], names);
      const name = names.get(key);
      if (name === undefined) continue;
      put(value, name, value[key] as Json);
      delete value[key];
    }
  }
};
