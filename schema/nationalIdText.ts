import { parseNationalId } from './nationalId.ts';

/** Eleven digits on their own, with or without a space or hyphen after the birth date. */
// A UUID may hold eleven digits in a row; it is matched first, and left alone.
const candidate = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|(?<!\d)(\d{6})[ -]?(\d{5})(?!\d)/gi;
const mask = '***********';

/** `text` with every national id in it masked, for texts that others wrote. */
export const withoutNationalIds = (text: string): string =>
  text.replace(candidate, (found, date?: string, rest?: string) =>
    date && rest && parseNationalId(date + rest) ? mask : found,
  );

/** Whether a text holds what could be a national id. */
export const holdsNationalId = (text: string): boolean => withoutNationalIds(text) !== text;
