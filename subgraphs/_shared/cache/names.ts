import { createHmac, createSecretKey } from 'node:crypto';
import type { AssertedPatient } from '../../../schema/assertion.ts';
import type { SourceName } from '../../../schema/sources.ts';
import type { CallContext } from '../source.ts';

/** What a source is asked, as far as the cache must know it. */
export type Question = {
  source: SourceName;
  /** Which of the source's questions. */
  name: string;
  /** What else decides the answer, beside patient and caller. Becomes JSON. */
  parameters?: unknown;
  /** Whom it is about; `null` for a public register, which gives everybody the same. */
  patient: AssertedPatient | null;
};

/** Whom an event is about, by either of the names that Kilde has for people. */
export type Person = { nationalId: string | null; id: string | null };

/**
 * The names under which answers are kept. All are HMACs: they say nothing of who was asked about, by whom, or for what, and
 * nobody without the installation's key can tell whether somebody is in the cache.
 */
export type CacheNames = {
  /** Of an answer: another caller, role, organisation, purpose, access basis, attest, patient or day is another name. */
  ofAnswer(question: Question, context: CallContext, now: Date): string;
  /** Of what an answer depends on: it is dropped when any of them is. None for public registers. */
  ofSubjects(question: Question): string[];
  /** Of the patient at one source. */
  ofPatientAt(source: SourceName, patient: AssertedPatient): string;
  ofPerson(person: Person): string[];
};

/** A birthday changes what may be seen, and so does a date in a register: no answer outlives its day. */
const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Oslo' });

export const createCacheNames = (bytes: Buffer): CacheNames => {
  const key = createSecretKey(bytes);
  const nameOf = (...parts: unknown[]) =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url').slice(0, 32);

  const ofPatientAt: CacheNames['ofPatientAt'] = (source, { id }) => nameOf('patient at', source, id);
  const ofPerson: CacheNames['ofPerson'] = ({ nationalId, id }) =>
    [nationalId, id].flatMap((it) => (it === null ? [] : nameOf('person', it)));

  return {
    ofAnswer({ source, name, parameters, patient }, { assertion }, now) {
      const { caller, categories, purpose, accessBasis } = assertion;
      const asker = patient === null ? null : [caller, categories, purpose, accessBasis, patient];
      return nameOf('answer', source, name, parameters ?? null, day.format(now), asker);
    },
    ofSubjects({ source, patient }) {
      if (patient === null) return [];
      const people = [patient.id, ...patient.nins].map((it) => nameOf('person', it));
      return [...people, ofPatientAt(source, patient)];
    },
    ofPatientAt,
    ofPerson,
  };
};
