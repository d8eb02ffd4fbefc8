import type { GraphQLOutputType } from 'graphql';
import { type Field, failed, isPromise, type Path, type Run } from './run.ts';

/** A resolver's value -> what stands in the answer, or a promise of it. Throws what is wrong with the value. */
export type Complete = (run: Run, value: unknown, path: Path) => unknown;

/** Where null may stop an error: a field, or an item of a list. */
export type Position = { readonly field: Field; readonly type: GraphQLOutputType; readonly complete: Complete };

/** An object by response keys, or a list by indices. */
type Container = Record<string, unknown> | unknown[];

const put = (into: Container, { key }: Path, value: unknown): void => {
  (into as Record<string | number, unknown>)[key] = value;
};

/** Keeps the place with null meanwhile, so that keys stand in the order in which they were asked for. */
const placeLater = (
  run: Run,
  { field, type }: Position,
  into: Container,
  path: Path,
  promise: PromiseLike<unknown>,
  next: (value: unknown) => Promise<void> | undefined,
): Promise<void> => {
  put(into, path, null);
  return Promise.resolve(promise).then(next, (thrown) => put(into, path, failed(run, field, type, path, thrown)));
};

/**
 * Writes a value, what a promise gives, or null for an error, into the answer at `path.key`.
 *
 * @returns what to wait for, when there is something
 * @throws the located error where null is not allowed
 */
export const place = (
  run: Run,
  position: Position,
  into: Container,
  path: Path,
  value: unknown,
): Promise<void> | undefined => {
  if (isPromise(value))
    return placeLater(run, position, into, path, value, (it) => place(run, position, into, path, it));
  let completed: unknown;
  try {
    completed = position.complete(run, value, path);
  } catch (thrown) {
    completed = failed(run, position.field, position.type, path, thrown);
  }
  if (isPromise(completed))
    return placeLater(run, position, into, path, completed, (it) => {
      put(into, path, it);
      return undefined;
    });
  put(into, path, completed);
  return undefined;
};
