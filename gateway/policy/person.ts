import type { AssertedPatient } from '../../schema/assertion.ts';
import type { PrivacySetting } from '../../schema/privacySetting.ts';
import type { SourceStatus } from '../../schema/sources.ts';

/** What decisions need to know of the person asked about, as the register says now. */
export type PersonFacts = AssertedPatient & {
  deceased: boolean;
  /** `Unclassified` unless the register says otherwise; `null` when the register has not been heard. */
  addressProtection: string | null;
  /** National ids of those with parental responsibility. */
  responsible: readonly string[];
  guardians: readonly string[];
  /** What the person has opted out of, restricted or blocked, as it holds now. */
  settings: readonly PrivacySetting[];
  status: SourceStatus;
  asOf: string | null;
};

/** Whole years between a birth date and a day, both ISO 8601; `null` when the birth date is not known to the day. */
export const ageAt = (birthDate: string | null, today: string): number | null => {
  const born = birthDate?.match(/^(\d{4})-(\d{2}-\d{2})$/);
  if (!born) return null;
  const years = Number(today.slice(0, 4)) - Number(born[1]);
  return today.slice(5, 10) < born[2]! ? years - 1 : years;
};
