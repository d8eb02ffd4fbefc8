const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Runs `act` once when the signal aborts, at once when it has. A request's signal is listened to by each of its calls, and a
 * listener on a signal is dear: they share one.
 *
 * @returns what takes `act` back
 */
export const onAbort = (signal: AbortSignal, act: () => void): (() => void) => {
  if (signal.aborted) {
    act();
    return () => {};
  }
  let waiting = listeners.get(signal);
  if (!waiting) {
    const all = new Set<() => void>();
    waiting = all;
    listeners.set(signal, all);
    signal.addEventListener('abort', () => all.forEach((it) => void it()), { once: true });
  }
  waiting.add(act);
  return () => void waiting.delete(act);
};
