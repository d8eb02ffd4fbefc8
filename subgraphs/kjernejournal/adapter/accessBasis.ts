import type { AccessBasis } from '../../../schema/sources.ts';

/** The basis that would open what this one does not; `null` when there is none stronger. */
export const elevatedBasis = (basis: AccessBasis): AccessBasis | null => {
  if (basis === 'FORHOYET_AKUTT' || basis === 'FORHOYET_SAMTYKKE') return null;
  return basis === 'AKUTT' ? 'FORHOYET_AKUTT' : 'FORHOYET_SAMTYKKE';
};

/** The basis without the elevation. */
export const ordinaryBasis = (basis: AccessBasis): AccessBasis => {
  if (basis === 'FORHOYET_AKUTT') return 'AKUTT';
  return basis === 'FORHOYET_SAMTYKKE' ? 'SAMTYKKE' : basis;
};
