import { useSyncExternalStore } from 'react';

/** A value that tells when it changes. For what the page and GraphiQL's fetcher, which is no component, both need. */
export type Observable<T> = { get(): T; subscribe(listener: () => void): () => void };

export const createObservable = <T>(initial: T): Observable<T> & { set(value: T): void } => {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: (value) => {
      current = value;
      for (const listener of listeners) listener();
    },
  };
};

export const useObservable = <T>({ subscribe, get }: Observable<T>): T => useSyncExternalStore(subscribe, get);
