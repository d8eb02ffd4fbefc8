import type { AccessBasis } from '../../../schema/sources.ts';
import type { Access } from '../../_shared/access.ts';
import type { SyntheticPerson } from '../../population/model.ts';
import type { PrivacyCode } from './outcome.ts';

type Verdict = 'open' | PrivacyCode | 'needlesslyElevated';

const isElevated = (basis: AccessBasis) => basis.startsWith('FORHOYET_');

/**
 * What the privacy component (PVK) says before anything is searched, in the order of the reference (14.3): personal
 * block, reservation, restriction. Restrictions are against professionals.
 *
 * Inferred: a restriction of a period closes all of it, since `General` is defined as «access to all data» and PPS has no
 * code for a part; and an elevated basis counts as needless when nothing is restricted, whatever there is to see.
 */
export const checkPrivacy = ({ privacy }: SyntheticPerson, access: Access, basis: AccessBasis): Verdict => {
  if (access.hprNumber && privacy.blockedProfessionals.includes(access.hprNumber)) return 'Specific';
  if (privacy.reservations.some((source) => source === '*' || source === 'provesvar')) return 'Reservation';
  if (access.kind === 'citizen') return 'open';
  const restricted = privacy.restrictions.some(({ module, expired }) => module === 'labReports' && !expired);
  if (restricted) return isElevated(basis) ? 'open' : 'General';
  return isElevated(basis) ? 'needlesslyElevated' : 'open';
};

/**
 * Citizens get their results after a delay, professionals at once. Inferred: results are left out of the citizen's answer
 * without a word until the day has come; how PPS does it is not public.
 */
export const isDelayedFor = (access: Access, { privacy }: SyntheticPerson, now: Date): boolean =>
  access.kind === 'citizen' && privacy.delayedUntil !== null && now.getTime() < Date.parse(privacy.delayedUntil);
