import { badRequest } from '../_shared/errors.ts';

/** Which reports are wanted. Days are whole, in Norwegian time, both ends included. */
export type Filter = { from: string | null; to: string | null; codes: readonly string[] | null };
type FilterArguments = { from?: unknown; to?: unknown; codes?: readonly string[] | null };

const readDay = (name: string, value: unknown): string | null => {
  if (value === undefined || value === null) return null;
  const isDay =
    typeof value === 'string' &&
    /^\d{4}-\d{2}-\d{2}$/.test(value) &&
    !Number.isNaN(Date.parse(value)) &&
    new Date(value).toISOString().startsWith(value); // 30 February is not 1 March
  if (!isDay) throw badRequest(`${name}: a full day, YYYY-MM-DD`);
  return value;
};

const readCodes = (codes: readonly string[] | null | undefined): readonly string[] | null => {
  if (!codes) return null;
  const areNlk = codes.every((code) => /^[A-Z]{3}\d{5}$/.test(code));
  if (!areNlk || codes.length === 0 || codes.length > 50)
    throw badRequest('codes: 1 to 50 NLK codes, three letters and five digits each');
  return [...new Set(codes)].sort();
};

/** Arguments of a field -> filter, or a typed error that does not repeat what was sent. */
export const readFilter = ({ from, to, codes }: FilterArguments): Filter => {
  const filter = { from: readDay('from', from), to: readDay('to', to), codes: readCodes(codes) };
  if (filter.from && filter.to && filter.from > filter.to) throw badRequest('from: not after to');
  return filter;
};

const norwegianDay = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Oslo' });

/** Whether a moment in FHIR's precision (2026, 2026-03, 2026-03-14, or with time) falls inside, as far as it is known. */
export const isWithin = (moment: string | null, { from, to }: Pick<Filter, 'from' | 'to'>): boolean => {
  if (!from && !to) return true;
  if (moment === null || Number.isNaN(Date.parse(moment))) return true; // not known to be outside
  const day = moment.includes('T') ? norwegianDay.format(new Date(moment)) : moment;
  return (!from || from.slice(0, day.length) <= day) && (!to || day <= to.slice(0, day.length));
};

const shifted = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);

/**
 * Bounds to ask a source for that knows only «later than» and «earlier than», and whose time zone is not documented:
 * two days wider at each end. {@link isWithin} cuts what is too much.
 */
export const widened = ({ from, to }: Filter): { after: string | null; before: string | null } => ({
  after: from && shifted(from, -2),
  before: to && shifted(to, 2),
});
