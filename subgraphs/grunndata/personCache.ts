/** Remembers what was just found, so that questions in quick succession cost no hop. Of this process only. */
export type RecentCache<T> = {
  get(key: string): T | undefined;
  put(keys: readonly string[], value: T): void;
};

/** Bounded by time and by number of keys; the oldest goes first. `now` in epoch milliseconds. */
export const createRecentCache = <T>({
  ttlMs,
  maxKeys,
  now,
}: {
  ttlMs: number;
  maxKeys: number;
  now: () => number;
}): RecentCache<T> => {
  const entries = new Map<string, { value: T; until: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      if (entry.until > now()) return entry.value;
      entries.delete(key);
      return undefined;
    },
    put(keys, value) {
      for (const key of keys) {
        entries.delete(key); // put back at the end: a Map keeps the order of insertion
        entries.set(key, { value, until: now() + ttlMs });
      }
      for (const key of entries.keys()) {
        if (entries.size <= maxKeys) break;
        entries.delete(key);
      }
    },
  };
};
