import { type Calendar, createCalendar } from './calendar.ts';
import { generate } from './generated.ts';
import type { Population, SyntheticPerson } from './model.ts';
import { ordinaryHistory } from './ordinary.ts';
import { organisations } from './organisations.ts';
import { fixedPeople, openPrivacy } from './people.ts';
import { practitioners } from './practitioners.ts';
import { createScene, type Scene } from './scene.ts';
import { stories } from './stories.ts';

type Beginning = Scene['person'] & { privacy: SyntheticPerson['privacy'] };

/** Generated people whose history is kept after a look-up; the oldest gives way. */
const keptHistories = 500;

const withHistory = (
  { serviceTypes, ...register }: Beginning,
  calendar: Calendar,
  seed: number,
  full: boolean,
): SyntheticPerson => {
  const scene = createScene({ ...register, serviceTypes }, calendar, seed);
  const usual = ordinaryHistory(scene, full);
  return { ...register, ...usual, ...stories[register.key]?.(scene, usual) };
};

/**
 * The sandbox's synthetic people, organisations and health personnel: the 44 of the file that have a number, the cast of
 * the reference, and as many generated ones as wanted. The same seed and time give the same population; ids do not
 * depend on the time.
 *
 * `people` holds the fixed ones. Generated ones are found by number, key (`generert-1` …) or register id, and their
 * history is written when they are looked up.
 *
 * @param options.generated how many more than the fixed
 * @param options.now what «some weeks ago» is counted from; not before 2026
 */
export const createPopulation = ({
  generated: count = 0,
  seed = 1,
  now = new Date(),
}: {
  generated?: number;
  seed?: number;
  now?: Date;
} = {}): Population => {
  if (now.getTime() < Date.UTC(2026, 0, 1))
    throw new RangeError('the youngest are not born: now must be 2026 or later');
  const calendar = createCalendar(now);
  const people = fixedPeople(calendar).map((person) => withHistory(person, calendar, seed, true));
  const byKey = new Map(people.map((it) => [it.key, it]));
  const byRegisterId = new Map(people.map((it) => [it.registerId, it]));
  const byNationalId = new Map(people.flatMap((it) => [it.nationalId, ...it.formerNationalIds].map((id) => [id, it])));
  const staff = new Set(practitioners.map((it) => it.nationalId));

  const generated = generate(count, seed, calendar, (id) => byNationalId.has(id) || staff.has(id));
  const kept = new Map<number, SyntheticPerson>();
  const generatedPerson = (index: number | undefined): SyntheticPerson | undefined => {
    if (index === undefined) return undefined;
    const found =
      kept.get(index) ?? withHistory({ ...generated.person(index), privacy: openPrivacy }, calendar, seed, false);
    kept.delete(index); // and in again, as the one used last
    kept.set(index, found);
    if (kept.size > keptHistories) kept.delete(kept.keys().next().value!);
    return found;
  };

  return {
    people,
    organisations,
    practitioners,
    byNationalId: (nationalId) => byNationalId.get(nationalId) ?? generatedPerson(generated.indexOf({ nationalId })),
    byKey: (key) => byKey.get(key) ?? generatedPerson(generated.indexOf({ key })),
    byRegisterId: (registerId) => byRegisterId.get(registerId) ?? generatedPerson(generated.indexOf({ registerId })),
    // The two with most in every source: another patient's data must be there to be noticed.
    somebodyElse: (person) => byKey.get(person.key === 'fjordarm' ? 'mange-kilder' : 'fjordarm')!,
  };
};
