import { type Calendar, createCalendar } from './calendar.ts';
import type { SyntheticPerson } from './model.ts';
import { careUnits, type Unit, units } from './organisations.ts';
import type { Register } from './people.ts';
import { type Professional, professionals } from './practitioners.ts';
import { type Random, randomFor, uuidFor } from './random.ts';

/** The part of a person that the health services hold. */
export type History = Omit<SyntheticPerson, keyof Register | 'privacy'>;

export type Writer = { author: Professional; organisation: Unit };

/** All that is needed to write one person's history: who, when, by whom, and this person's own stream of chance. */
export type Scene = {
  person: Register & { serviceTypes: readonly string[] };
  /** Ends with the person's life, if it has ended. */
  calendar: Calendar;
  age: number;
  random: Random;
  /** UUIDs, the same each time the history is written. */
  id(kind: string): string;
  /** A day in the range that lies within the person's life. */
  daysAgo(low: number, high: number): number;
  /** Who writes: the general practitioner, the hospital, and the nurse of the unit that gives care. */
  doctor: Writer;
  hospital: Writer;
  nurse: Writer;
};

/** The file ties these two to Testdal sykehjem although they live elsewhere. */
const livesAtTestdalNursingHome = new Set(['vanlig-2', 'sperret-virksomhet']);

const unitOf = ({ key, municipality, serviceTypes }: Scene['person']): Unit => {
  if (livesAtTestdalNursingHome.has(key)) return units.testdalNursingHome;
  const { homeCare, nursingHome } = careUnits(municipality.code);
  return serviceTypes.includes('21') ? nursingHome : homeCare;
};

/** Units without a nurse of their own hire one. */
const nurses: Record<string, Professional> = {
  [units.testdalHomeCare.number]: professionals.homeNurse,
  [units.eksempelvikHomeCare.number]: professionals.castNurse,
};

const doctors: Record<string, Writer> = {
  '9990005': { author: professionals.generalPractitioner, organisation: units.nordvikSurgery },
  '999000101': { author: professionals.castDoctor, organisation: units.eksempelvikSurgery },
};
const emergency: Writer = { author: professionals.emergencyDoctor, organisation: units.testdalEmergency };

export const createScene = (person: Scene['person'], today: Calendar, seed: number): Scene => {
  const calendar = person.deathDate ? createCalendar(new Date(`${person.deathDate}T12:00:00Z`)) : today;
  const random = randomFor(seed, person.key);
  const counts = new Map<string, number>();
  const lived = Math.floor((calendar.now.getTime() - Date.parse(person.birthDate)) / 86_400_000);
  const organisation = unitOf(person);
  return {
    person,
    calendar,
    age: calendar.yearsSince(person.birthDate),
    random,
    id: (kind) => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return uuidFor(seed, person.key, kind, count);
    },
    daysAgo: (low, high) => {
      const oldest = Math.max(1, Math.min(high, lived - 1));
      return random.between(Math.min(low, oldest), oldest);
    },
    doctor: doctors[person.generalPractitioner?.hprNumber ?? ''] ?? emergency,
    hospital: { author: professionals.hospitalDoctor, organisation: units.hospital },
    nurse: { author: nurses[organisation.number] ?? professionals.agencyNurse, organisation },
  };
};

/** Head of every record: id, time and who wrote it. */
export const recordedBy = ({ id, calendar }: Scene, kind: string, writer: Writer, daysAgo: number, clock: string) => ({
  id: id(kind),
  recorded: calendar.at(daysAgo, clock),
  ...writer,
});
