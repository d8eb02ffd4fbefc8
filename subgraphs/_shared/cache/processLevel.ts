import { LRUCache } from 'lru-cache';
import { keptBytes } from './metrics.ts';

/** An answer as this process keeps it. Never changed: everybody who may see it gets the same object. */
export type Kept = { value: unknown; asOfMs: number; bytes: number; subjects: readonly string[] };

/** The answers in this process's own memory; those longest unused go first. */
export type ProcessLevel = {
  get(name: string): Kept | undefined;
  put(name: string, kept: Kept, ttlMs: number): void;
  delete(name: string): void;
  dropSubject(subject: string): void;
  /** All but what is about nobody. */
  dropPeople(): void;
};

export const createProcessLevel = (maxBytes: number): ProcessLevel => {
  const bySubject = new Map<string, Set<string>>();
  const forget = (name: string, { subjects }: Kept) => {
    for (const subject of subjects) {
      const names = bySubject.get(subject);
      names?.delete(name);
      if (names?.size === 0) bySubject.delete(subject);
    }
  };
  const answers = new LRUCache<string, Kept>({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes / 8),
    sizeCalculation: ({ bytes }) => Math.max(1, bytes),
    dispose: (kept, name) => forget(name, kept),
  });
  const count = () => keptBytes.set(answers.calculatedSize);

  return {
    get: (name) => answers.get(name),
    put(name, kept, ttlMs) {
      answers.set(name, kept, { ttl: ttlMs });
      if (!answers.has(name)) return; // too large to be kept
      for (const subject of kept.subjects) bySubject.set(subject, (bySubject.get(subject) ?? new Set()).add(name));
      count();
    },
    delete(name) {
      answers.delete(name);
      count();
    },
    dropSubject(subject) {
      for (const name of [...(bySubject.get(subject) ?? [])]) answers.delete(name);
      count();
    },
    dropPeople() {
      for (const names of [...bySubject.values()]) for (const name of [...names]) answers.delete(name);
      count();
    },
  };
};
