import type { Assertion } from '../../../schema/assertion.ts';
import type { AccessBasis } from '../../../schema/sources.ts';

/** Which names of headers a service reads: production and test have been on different ones at the same time (reference 1.1). */
export type HeaderGeneration = 'nhn' | 'hit';

const names = {
  nhn: {
    patient: 'nhn-patient-nin',
    role: 'nhn-user-role',
    basis: 'nhn-access-basis',
    system: 'nhn-source-system',
    event: 'nhn-event-id',
  },
  hit: {
    patient: 'hit-patient-pid',
    role: 'hit-user-role',
    basis: 'hit-access-basis',
    system: 'hit-source-system',
    event: 'hit-event-id',
  },
} as const;

/** Headers of every call about a patient: who asks with what, on which basis, and which of the user's actions it belongs to. */
export const callHeaders = (
  generation: HeaderGeneration,
  { assertion, basis, sourceSystem }: { assertion: Assertion; basis: AccessBasis; sourceSystem: string },
): Record<string, string> => {
  const { basis: basisName, system, event } = names[generation];
  return { [basisName]: basis, [system]: sourceSystem, [event]: assertion.eventId };
};

/** The patient goes in a header where there is no body: never in a URL. */
export const patientHeader = (generation: HeaderGeneration, nationalId: string): Record<string, string> => ({
  [names[generation].patient]: nationalId,
});

/** The caller's authorization (9060). Whoever has none, and every citizen, states no role. */
export const roleHeader = (generation: HeaderGeneration, { caller }: Assertion): Record<string, string> => {
  if (caller.kind !== 'professional' || caller.authorization === null) return {};
  const role = { system: 'urn:oid:2.16.578.1.12.4.1.1.9060', code: caller.authorization };
  return { [names[generation].role]: encodeURIComponent(JSON.stringify(role)) };
};
