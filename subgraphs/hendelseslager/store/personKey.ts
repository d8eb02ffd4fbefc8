import { createHmac, createSecretKey } from 'node:crypto';
import type { Person } from '../ingest/person.ts';

/** How events are kept by person without the person's number: HMAC-SHA256 with a key of the installation's own. */
export type PersonKeys = {
  /** Of the national id, and of Kilde's id only where an event names no other. */
  of(person: Person): Buffer;
  /** All keys under which a patient's events may lie: every number they have had, and Kilde's id. */
  all(patient: Readonly<{ id: string; nins: readonly string[] }>): Buffer[];
};

export const createPersonKeys = (bytes: Buffer): PersonKeys => {
  const key = createSecretKey(bytes);
  const hmac = (text: string) => createHmac('sha256', key).update(text).digest();
  // A request asks for the same patient's keys once for each of its lists.
  const known = new WeakMap<object, Buffer[]>();
  return {
    of: ({ nationalId, id }) => hmac(nationalId ?? id!),
    all(patient) {
      const keys = known.get(patient) ?? [...patient.nins, patient.id].map(hmac);
      known.set(patient, keys);
      return keys;
    },
  };
};
