/**
 * Information categories: what access is decided on. Every field with patient data names one with
 * `@policy(policies: [["<category>"]])`; the role matrix of `gateway/policy/` decides each of them once per request.
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
  effect: 'permit' | 'deny' | 'restricted';
  /** Id of the rule that decided, for the audit entry and for `viewer`. */
  rule: string;
};
