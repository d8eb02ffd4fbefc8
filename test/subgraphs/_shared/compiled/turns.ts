import { setImmediate as afterMicrotasks } from 'node:timers/promises';

/** Promises that settle one at a time, in an order of their own, each after all that the one before has set off. */
export type Turns = {
  /** @param order the lowest settles first; `id` decides among equals */
  later(id: string, order: number, make: () => unknown): Promise<unknown>;
  /** Until `promise` has settled; fails when nothing is left that could settle it. */
  until<T>(promise: T | Promise<T>): Promise<T>;
  /** Whatever nobody waits for any more. */
  rest(): Promise<void>;
};

export const createTurns = (): Turns => {
  const waiting: { order: number; id: string; settle(): void }[] = [];
  const next = async (): Promise<boolean> => {
    waiting.sort((one, other) => one.order - other.order || one.id.localeCompare(other.id));
    waiting.shift()?.settle();
    await afterMicrotasks();
    return waiting.length > 0;
  };
  return {
    later: (id, order, make) =>
      new Promise((resolve, reject) => {
        waiting.push({
          order,
          id,
          settle() {
            try {
              resolve(make());
            } catch (thrown) {
              reject(thrown);
            }
          },
        });
      }),
    async until(promise) {
      let isSettled = false;
      const settled = Promise.resolve(promise).finally(() => {
        isSettled = true;
      });
      settled.catch(() => {});
      await afterMicrotasks();
      while (!isSettled) {
        if (waiting.length === 0) throw new Error('nothing left to wait for, and no answer');
        await next();
      }
      return settled;
    },
    async rest() {
      while (waiting.length > 0) await next();
    },
  };
};
