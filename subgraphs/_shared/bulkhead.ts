import { onAbort } from './abort.ts';

/** Places for calls to one source, so that a slow one does not take the whole process. */
export type Bulkhead = {
  /** `true`: a place, to be given back by `leave`. `false`: too many wait already, or the signal aborted before its turn. */
  enter(signal: AbortSignal): boolean | Promise<boolean>;
  leave(): void;
};

/** @param places calls at a time. @param queue calls that may wait for a place */
export const createBulkhead = (places: number, queue: number): Bulkhead => {
  let free = places;
  const waiting = new Set<(entered: boolean) => void>(); // in order of arrival
  return {
    enter(signal) {
      if (free > 0) {
        free -= 1;
        return true;
      }
      if (waiting.size >= queue) return false;
      return new Promise((resolve) => {
        const settle = (entered: boolean) => {
          waiting.delete(settle);
          forget();
          resolve(entered);
        };
        waiting.add(settle);
        const forget = onAbort(signal, () => settle(false));
      });
    },
    leave() {
      const [next] = waiting;
      if (next) next(true);
      else free += 1;
    },
  };
};
