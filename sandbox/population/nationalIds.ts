const weights1 = [3, 7, 6, 1, 8, 9, 4, 5, 2];
const weights2 = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
const organisationWeights = [3, 2, 7, 6, 5, 4, 3, 2];

/** Modulus 11 control digit, or `null` where it would be 10 and the number is skipped. */
const controlDigit = (digits: string, weights: readonly number[]): number | null => {
  const sum = weights.reduce((total, weight, i) => total + weight * Number(digits[i]), 0);
  const digit = (11 - (sum % 11)) % 11;
  return digit === 10 ? null : digit;
};

export type NationalIdParts = {
  birthDate: string;
  /** Three digits; which ones belong to which century is the caller's matter, see {@link individualNumbers}. */
  individual: number;
  /** Month + 80 as in Test-Norge, or + 65 as NHN's reserved persons: never a number that a real person could have. */
  synthetic: 'tenor80' | 'nhn65';
  /** Day + 40. */
  dNumber?: boolean;
};

/** A synthetic national id with valid control digits, or `null` when this individual number has none. */
export const nationalIdOf = ({ birthDate, individual, synthetic, dNumber }: NationalIdParts): string | null => {
  const [year, month, day] = birthDate.split('-').map(Number) as [number, number, number];
  const two = (value: number) => String(value).padStart(2, '0');
  const nine =
    two(day + (dNumber ? 40 : 0)) +
    two(month + (synthetic === 'tenor80' ? 80 : 65)) +
    two(year % 100) +
    String(individual).padStart(3, '0');
  const first = controlDigit(nine, weights1);
  if (first === null) return null;
  const second = controlDigit(`${nine}${first}`, weights2);
  return second === null ? null : `${nine}${first}${second}`;
};

/** Range of individual numbers of a birth year; the last digit is even for women and odd for men (reference 12.2). */
export const individualNumbers = (birthYear: number): [low: number, high: number] =>
  birthYear < 2000 ? [0, 499] : [500, 999];

/** The first free synthetic number of somebody born that day. */
export const firstNationalId = (
  born: { birthDate: string; sex: 'female' | 'male' } & Pick<NationalIdParts, 'synthetic' | 'dNumber'>,
  isTaken: (nationalId: string) => boolean = () => false,
): string => {
  const [low, high] = individualNumbers(Number(born.birthDate.slice(0, 4)));
  for (let individual = low + (born.sex === 'male' ? 1 : 0); individual <= high; individual += 2) {
    const nationalId = nationalIdOf({ ...born, individual });
    if (nationalId && !isTaken(nationalId)) return nationalId;
  }
  throw new RangeError('every number of this day is taken');
};

/** Nine-digit organisation number from its first eight, or `null` when they have no control digit. Synthetic ones start with 3. */
export const organisationNumberOf = (eight: string): string | null => {
  const digit = controlDigit(eight, organisationWeights);
  return digit === null ? null : `${eight}${digit}`;
};
