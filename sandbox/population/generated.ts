import type { Calendar } from './calendar.ts';
import names from './data/names.json' with { type: 'json' };
import { municipalities } from './municipalities.ts';
import { individualNumbers, nationalIdOf } from './nationalIds.ts';
import { addressIn, type Register, usualGeneralPractitioner } from './people.ts';
import { type Random, randomFor } from './random.ts';

type Identity = { nationalId: string; birthDate: string; sex: 'female' | 'male' };
export type GeneratedPerson = Register & { serviceTypes: readonly string[] };

/** Numbers, keys and register ids of any number of people; who they are is worked out when somebody asks. */
export type Generated = {
  indexOf(handle: { nationalId: string } | { key: string } | { registerId: string }): number | undefined;
  person(index: number): GeneratedPerson;
};

const keyPrefix = 'generert-';
const registerPrefix = '6b696c64-0000-4000-8000-';
const registerIdOf = (index: number) => registerPrefix + (index + 1).toString(16).padStart(12, '0');

/** Somebody alive and between 0 and 97 years old, with the first number drawn that `isFree`. */
const identity = (random: Random, today: string, isFree: (nationalId: string) => boolean): Identity => {
  for (;;) {
    const year = Number(today.slice(0, 4)) - random.between(1, 97);
    const birthDate = new Date(Date.UTC(year, 0, random.between(1, 365))).toISOString().slice(0, 10);
    const [low, high] = individualNumbers(year);
    const individual = random.between(low, high);
    const nationalId = nationalIdOf({ birthDate, individual, synthetic: 'tenor80' });
    if (nationalId && isFree(nationalId)) return { nationalId, birthDate, sex: individual % 2 ? 'male' : 'female' };
  }
};

const servicesAt = (age: number, random: Random): string[] => {
  if (age >= 70 && random.chance(age >= 85 ? 0.25 : 0.06)) return ['21'];
  if (random.chance(age >= 80 ? 0.5 : age >= 67 ? 0.18 : 0.03))
    return random.pick([['15'], ['15', '6'], ['15', '1'], ['15', '6', '27']]);
  return random.chance(age >= 75 ? 0.3 : 0.02) ? [random.pick(['1', '6', '5'])] : [];
};

/**
 * Draws `count` numbers that nobody else has. Only the numbers are kept (some ten megabytes for 100 000): the same
 * stream of chance is run again to tell who somebody is.
 */
export const generate = (
  count: number,
  seed: number,
  calendar: Calendar,
  isTaken: (nationalId: string) => boolean,
): Generated => {
  const today = calendar.day(0);
  const streamOf = (index: number) => randomFor(seed, 'generated', index);
  const numbers: string[] = [];
  const indexes = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const { nationalId } = identity(streamOf(index), today, (it) => !indexes.has(it) && !isTaken(it));
    numbers.push(nationalId);
    indexes.set(nationalId, index);
  }
  const known = (index: number) => (Number.isInteger(index) && index >= 0 && index < count ? index : undefined);

  return {
    indexOf: (handle) => {
      if ('nationalId' in handle) return indexes.get(handle.nationalId);
      if ('key' in handle) {
        const index = known(Number(handle.key.slice(keyPrefix.length)) - 1);
        return index !== undefined && handle.key === keyPrefix + (index + 1) ? index : undefined;
      }
      const index = known(Number.parseInt(handle.registerId.slice(registerPrefix.length), 16) - 1);
      return index !== undefined && handle.registerId === registerIdOf(index) ? index : undefined;
    },
    person: (index) => {
      const key = keyPrefix + (index + 1);
      const random = streamOf(index);
      const found = identity(random, today, (it) => it === numbers[index]);
      const municipality = random.pick(municipalities);
      return {
        key,
        registerId: registerIdOf(index),
        ...found,
        formerNationalIds: [],
        givenName: random.pick(names.given),
        familyName: random.pick(names.family),
        deathDate: null,
        municipality,
        addressProtection: 'Unclassified',
        address: addressIn(municipality, key),
        parents: [],
        guardian: null,
        representativeBy: [],
        generalPractitioner: usualGeneralPractitioner(found.birthDate),
        point: 'generated: one of many',
        serviceTypes: servicesAt(calendar.yearsSince(found.birthDate), random),
      };
    },
  };
};
