import type { AbsenceCode, AccessBasis } from './sources.ts';

/**
 * Information categories: what access is decided on. Every field with patient data names one with
 * `@policy(policies: [["<category>"]])`; the policies of `schema/policy/` decide each of them once per request.
 */
export const categories = [
  'person',
  'address',
  'representatives',
  'criticalInformation',
  'documents',
  'laboratory',
  'imaging',
  'medication',
  'municipalServices',
  'measurements',
  'events',
  'accessLog',
  'restrictions',
] as const;
export type Category = (typeof categories)[number] | (string & {}); // a new subgraph may bring a category of its own

export type CategoryDecision = {
  category: Category;
  /** `restricted`: the patient has restricted it, and `requires` would open it. */
  effect: 'permit' | 'deny' | 'restricted';
  /** Id of the policy that decided, for the audit entry and for `viewer`; `no-rule` when none permits. */
  rule: string;
  /** What an answer says of it when it is not permitted. */
  absence: AbsenceCode;
  /** The access basis that would open it. */
  requires: AccessBasis | null;
};
