import type { GraphQLOutputType } from 'graphql';
import { type Field, failed, isPromise, type Path, type Run } from './run.ts';

/** A resolver's value -> what stands in the answer, or a promise of it. Throws what is wrong with the value. */
export type Complete = (run: Run, value: unknown, path: Path) => unknown;

/** Where null may stop an error: a field, or an item of a list. */
export type Position = { field: Field; type: GraphQLOutputType; complete: Complete };

/**
 * Writes a value, its promise or its error into the answer at `path.key`. A promise holds the place with null meanwhile,
 * so that keys stand in the order in which they were asked for.
 *
 * @returns what to wait for, when there is something
 * @throws the located error where null is not allowed
 */
export const place = (
  run: Run,
  position: Position,
  into: Record<string, unknown> | unknown[],
  path: Path,
  value: unknown,
): Promise<void> | undefined => {
  const put = (it: unknown) => {
    (into as Record<string | number, unknown>)[path.key] = it;
  };
  const fail = (thrown: unknown) => put(failed(run, position.field, position.type, path, thrown));
  if (isPromise(value)) {
    put(null);
    return Promise.resolve(value).then((it) => place(run, position, into, path, it), fail);
  }
  let completed: unknown;
  try {
    completed = position.complete(run, value, path);
  } catch (thrown) {
    fail(thrown);
    return undefined;
  }
  if (!isPromise(completed)) {
    put(completed);
    return undefined;
  }
  put(null);
  return Promise.resolve(completed).then(put, fail);
};
