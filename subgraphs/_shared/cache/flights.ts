import type { Result } from '../source.ts';

/** A question under way, for everybody in this process who asks it. */
export type Flight = {
  subjects: readonly string[];
  /** A subject was dropped meanwhile: who asked before gets the answer, and nobody after them. */
  isDropped: boolean;
};

/** One asker per question at a time; the others wait for what it gets. */
export type Flights = {
  /** @returns `null` when `signal` ended the wait for somebody else's answer */
  share<T>(
    name: string,
    subjects: readonly string[],
    signal: AbortSignal,
    work: (flight: Flight) => Promise<Result<T>>,
  ): Promise<{ result: Result<T>; isJoined: boolean } | null>;
  dropSubject(subject: string): void;
  /** All but what is about nobody. */
  dropPeople(): void;
};

/** `work`, or `null` when the signal comes first. */
const unlessAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> =>
  new Promise((resolve, reject) => {
    const stop = () => resolve(null);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

type UnderWay = Flight & { landing: Promise<Result<unknown>>; signal: AbortSignal };

export const createFlights = (): Flights => {
  const underWay = new Map<string, UnderWay>();
  const drop = (isMeant: (flight: Flight) => boolean) => {
    for (const [name, flight] of underWay) {
      if (!isMeant(flight)) continue;
      flight.isDropped = true;
      underWay.delete(name);
    }
  };
  return {
    async share<T>(
      name: string,
      subjects: readonly string[],
      signal: AbortSignal,
      work: (flight: Flight) => Promise<Result<T>>,
    ) {
      for (let other = underWay.get(name); other; other = underWay.get(name)) {
        const result = await unlessAborted(other.landing as Promise<Result<T>>, signal);
        if (result === null) return null;
        // An asker who left took the question along: one of those who waited asks again.
        const isAbandoned = !result.ok && other.signal.aborted;
        if (!isAbandoned) return { result, isJoined: true };
      }
      const flight: Flight = { subjects, isDropped: false };
      const landing = work(flight).finally(() => {
        if (underWay.get(name) === entry) underWay.delete(name);
      });
      const entry: UnderWay = Object.assign(flight, { landing, signal });
      underWay.set(name, entry);
      return { result: await landing, isJoined: false };
    },
    dropSubject: (subject) => drop(({ subjects }) => subjects.includes(subject)),
    dropPeople: () => drop(({ subjects }) => subjects.length > 0),
  };
};
