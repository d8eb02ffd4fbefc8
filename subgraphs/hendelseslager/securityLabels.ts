import type { Assertion } from '../../schema/assertion.ts';
import type { AbsenceCode, AccessBasis } from '../../schema/sources.ts';
import { elevatedBasis } from '../_shared/elevation.ts';

/** Code system 9603, the labels that events carry (reference 3.5). An unknown label is refused at ingest. */
export const securityLabels = [
  'N',
  'NORS',
  'NORU',
  'NORN_FFL',
  'NORN_KUT',
  'NORN_EPO',
  'NORN_ALL',
  'NORN_FFH',
  'NORN_FOR',
  'NORN_FORANS',
  'NORN_UNGDOM',
  'NORN_FPB',
  'NORN_DUP',
  'NORN_ANG',
] as const;
export type SecurityLabel = (typeof securityLabels)[number];

/** What the patient has restricted. */
export const restrictedLabel = 'NORS' satisfies SecurityLabel;

/** Absence to tell of when records with `label` were left out. */
export type Withheld = { label: SecurityLabel; absence: AbsenceCode; requires: AccessBasis | null };

/**
 * Labels the caller may see, and the one whose records are left out with a word about it. Inferred from the definitions
 * (reference 3.5). What is refused a citizen (`NORN_*`) is left out silently: a parent who is told that something is
 * hidden has been told too much.
 */
export const labelsFor = ({
  caller,
  accessBasis,
}: Pick<Assertion, 'caller' | 'accessBasis'>): {
  visible: readonly SecurityLabel[];
  withheld: Withheld | null;
} => {
  if (caller.kind === 'citizen')
    return { visible: ['N', 'NORS'], withheld: { label: 'NORU', absence: 'DELAYED', requires: null } };
  const requires = elevatedBasis(accessBasis);
  if (requires === null) return { visible: securityLabels, withheld: null };
  return {
    visible: securityLabels.filter((label) => label !== restrictedLabel),
    withheld: { label: restrictedLabel, absence: 'RESTRICTED', requires },
  };
};
