import type { Caller, Purpose } from './caller.ts';
import type { Category } from './categories.ts';
import type { AccessBasis } from './sources.ts';

/** The one patient of an operation, as the gateway resolved the person before planning. */
export type AssertedPatient = {
  /** Kilde's own random UUID: the entity key of `Patient`. Says nothing about the person. */
  id: string;
  /** All national numbers of this person, the one in use first. Sources may know the person by an older one. */
  nins: readonly [string, ...string[]];
  /** As the register has it; `null` when the register did not answer and nothing was known from before. */
  name: { given: string; family: string } | null;
  birthDate: string | null;
};

/**
 * What the gateway vouches for when it asks a subgraph. In process it is handed over as it is; over HTTP it is an ES256
 * JWT with the subgraph as audience and a life of 60 s. Subgraphs decide on this and on nothing else.
 */
export type Assertion = {
  /** W3C trace id, 32 hexadecimal digits. */
  traceId: string;
  /** UUID of the user's action: `nhn-event-id` towards national services, and in the audit entry. */
  eventId: string;
  caller: Caller;
  /** Empty for operations about no patient. More than one is never issued (design, D5). */
  patients: readonly AssertedPatient[];
  /** Categories the caller may read about the patient. */
  categories: readonly Category[];
  purpose: Purpose | null;
  accessBasis: AccessBasis;
  /** Epoch milliseconds after which nobody waits for the answer. */
  deadline: number;
};
