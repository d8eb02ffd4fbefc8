const weights1 = [3, 7, 6, 1, 8, 9, 4, 5, 2, 1];
const weights2 = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1];
const remainder = (digits: number[], weights: number[]) =>
  weights.reduce((sum, weight, i) => sum + weight * digits[i]!, 0) % 11;

/** `fhn`: felles hjelpenummer, whose digits say nothing about the person. */
export type NationalIdKind = 'fnr' | 'dnr' | 'hnr' | 'fhn';
export type NationalId = {
  kind: NationalIdKind;
  /** Month + 80 (Test-Norge, Tenor), month + 65 (NHN's reserved persons), or `false` for what could be a real person. */
  synthetic: false | 'tenor80' | 'nhn65' | 'fhn';
  /** Which control-digit rule it passes; numbers issued from 2032 may leave remainder 1, 2 or 3 in the first. */
  rule: 'pre2032' | '2032';
};

/**
 * Reads a Norwegian national id: kind, whether it is synthetic, and which rule its control digits follow.
 * Age, birth date and sex are never derived from the number: the register holds them (reference 12.3).
 *
 * @returns `null` when the digits cannot be a national id
 */
export const parseNationalId = (value: string): NationalId | null => {
  if (!/^\d{11}$/.test(value)) return null;
  const digits = [...value].map(Number);
  const first = remainder(digits, weights1);
  if (remainder(digits, weights2) !== 0 || first > 3) return null;
  const rule = first === 0 ? 'pre2032' : '2032';
  // The shared auxiliary number starts with 8 or 9 and exists for those who have no other; in Kilde's sandbox it is invented.
  if (digits[0]! >= 8) return { kind: 'fhn', synthetic: 'fhn', rule };
  let day = Number(value.slice(0, 2));
  let month = Number(value.slice(2, 4));
  let kind: NationalIdKind = 'fnr';
  let synthetic: NationalId['synthetic'] = false;
  if (day > 40) {
    day -= 40;
    kind = 'dnr';
  }
  if (month > 80) {
    month -= 80;
    synthetic = 'tenor80';
  } else if (month > 65) {
    month -= 65;
    synthetic = 'nhn65';
  } else if (month > 40) {
    month -= 40;
    kind = 'hnr';
  }
  if (month < 1 || month > 12 || day < 1 || day > 31) return null;
  return { kind, synthetic, rule };
};

/** The FHIR identifier system of a national id: a D-number must not travel under the fnr's (reference 12.1). */
export const identifierSystem = (value: string): string => {
  const kind = parseNationalId(value)?.kind;
  const last = kind === 'dnr' ? 2 : kind === 'fhn' ? 3 : 1;
  return `urn:oid:2.16.578.1.12.4.1.4.${last}`;
};

/** Which numbers an environment deals with: a sandbox that meets a real person, or production a test person, is misconfigured. */
export const admits = (environment: 'sandbox' | 'production', id: NationalId): boolean =>
  environment === 'sandbox' ? id.synthetic !== false : id.synthetic === false || id.synthetic === 'fhn';
