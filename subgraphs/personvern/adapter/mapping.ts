import { withoutNationalIds } from '../../../schema/nationalIdText.ts';
import { SOURCE } from '../database.ts';
import type { AccessRow, RestrictionRow } from './client.ts';
import { categoryText, reasonText, roleText } from './texts.ts';

const organisationSystem = 'urn:oid:2.16.578.1.12.4.1.4.101';
const organisation = (number: string | null) =>
  number === null ? null : { identifier: { system: organisationSystem, value: number }, name: null };

const outcomes = { granted: 'GRANTED', partial: 'PARTIAL', refused: 'REFUSED', failed: 'FAILED' } as const;
const elevated = ['FORHOYET_SAMTYKKE', 'FORHOYET_AKUTT'];
const shown = ['granted', 'partial'];

/** An entry as the patient reads it: name, role and organisation, never a national id. */
export const mapAccess = (row: AccessRow, retrieved: string) => ({
  id: row.id,
  time: row.at.toISOString(),
  // Names come from tokens; should one hold a national id, the patient is not to see it.
  name: withoutNationalIds(row.caller_name),
  role: roleText(row),
  organisation: organisation(row.organisation),
  unit: organisation(row.unit),
  system: withoutNationalIds(row.client_name),
  // Categories are decided on before anything is fetched; only an answer that was given shows them.
  what: shown.includes(row.outcome) ? row.categories_granted.map(categoryText) : [],
  refused: row.categories_denied.map(categoryText),
  why: reasonText(row),
  outcome: outcomes[row.outcome],
  emergency: row.override || row.purpose === 'BTG' || elevated.includes(row.access_basis ?? ''),
  provenance: {
    source: SOURCE,
    organisation: organisation(row.organisation),
    recorded: row.at.toISOString(),
    author: null,
    retrieved,
  },
});

const types = { reservation: 'RESERVATION', restriction: 'RESTRICTION', block: 'BLOCK', delay: 'DELAY' } as const;

/** Dates without a clock hold through the whole of their last day. */
export const isActive = ({ since, until }: RestrictionRow, now: string): boolean => {
  const today = now.slice(0, 10);
  const instant = (text: string) => new Date(text).toISOString();
  const begun = since === null || (since.includes('T') ? instant(since) <= now : since <= today);
  const ended = until !== null && (until.includes('T') ? instant(until) <= now : until < today);
  return begun && !ended;
};

export const mapRestriction = (row: RestrictionRow, retrieved: string) => ({
  id: row.id,
  type: types[row.type],
  source: row.source,
  scope: row.scope,
  since: row.since,
  until: row.until,
  active: isActive(row, retrieved),
  provenance: { source: SOURCE, organisation: null, recorded: row.recorded.toISOString(), author: null, retrieved },
});
