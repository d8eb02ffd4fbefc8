import { badRequest } from '../_shared/errors.ts';
import type { DocumentReference } from './adapter/documentMapping.ts';

export type DocumentFilter = { category?: string[] | null; from?: string | null; to?: string | null };

/**
 * Labels (code system 9603) of documents that citizens may see about themselves; a document with any other, or with none, is
 * not theirs to see here. Delayed (`NORU`) and refused (`NORN_*`) are kept from everybody who is not a professional until
 * Kilde knows when a delay ends, and who is parent and who is the youth. Inferred from the definitions (reference 3.5).
 */
const visibleToCitizens = ['N', 'NORS'];

export const isVisibleToCitizen = ({ securityLabel }: DocumentReference): boolean => {
  const labels = securityLabel?.coding ?? [];
  return labels.length > 0 && labels.every(({ code }) => code !== null && visibleToCitizens.includes(code));
};

const calendarDate = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Oslo' });
const datePattern = /^\d{4}(?:-\d{2}(?:-\d{2})?)?$/;

/** First and last day that a date of any precision may mean, in the Norwegian calendar; `null` when it cannot be read. */
const daysOf = (date: string): { first: string; last: string } | null => {
  const moment = date.includes('T') ? new Date(date) : null;
  if (moment && Number.isNaN(moment.getTime())) return null;
  const day = moment ? calendarDate.format(moment) : date;
  if (!datePattern.test(day)) return null;
  return { first: `${day}-01-01`.slice(0, 10), last: `${day}-12-31`.slice(0, 10) };
};

const bound = (name: string, date: string | null | undefined) => {
  if (!date) return null;
  const days = datePattern.test(date) ? daysOf(date) : null;
  if (!days) throw badRequest(`${name}: a date such as 2026-03-14, 2026-03 or 2026`);
  return days;
};

/** The filter as a question to each document. A date of low precision passes when it may lie within. */
export const matches = ({ category, from, to }: DocumentFilter): ((document: DocumentReference) => boolean) => {
  const earliest = bound('from', from);
  const latest = bound('to', to);
  return (document) => {
    if (category && !document.category?.coding.some(({ code }) => code !== null && category.includes(code)))
      return false;
    const days = document.date === null ? null : daysOf(document.date);
    if (!days) return true;
    return (!earliest || days.last >= earliest.first) && (!latest || days.first <= latest.last);
  };
};
