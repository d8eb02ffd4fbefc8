import { serviceType } from './codes.ts';
import type { SyntheticService } from './model.ts';
import type { Scene } from './scene.ts';

const extents: Record<string, readonly string[]> = {
  '1': ['2 timer hver 14. dag', '1 time per uke'],
  '5': ['5 måltider per uke', '3 måltider per uke'],
  '9': ['4 timer per uke'],
  '15': ['3,5 timer per uke', '6 timer per uke', '7 timer per uke'],
  '17': ['2 dager per uke'],
  '24': ['Vedtak for 12 måneder'],
  '27': ['Påfyll hver 14. dag'],
};

const contacts = [
  { name: 'Rørig Tinde', role: 'Primærkontakt' },
  { name: 'Sindig Solbær', role: 'Primærkontakt' },
  { name: 'Lett Lyngmo', role: 'Koordinator' },
] as const;

export type ServicePart = {
  status?: SyntheticService['status'];
  startedDaysAgo: number;
  endedDaysAgo?: number;
  extent?: string;
};

/** One municipal service (9151), given by the person's own unit. */
export const service = (scene: Scene, code: string, part: ServicePart): SyntheticService => {
  const { calendar, random, nurse } = scene;
  const extent = part.extent ?? (extents[code] ? random.pick(extents[code]) : null);
  const contact = random.pick(contacts);
  return {
    id: scene.id('service'),
    type: serviceType(code),
    status: part.status ?? 'active',
    start: calendar.day(part.startedDaysAgo),
    end: part.endedDaysAgo === undefined ? null : calendar.day(part.endedDaysAgo),
    extent,
    unit: nurse.organisation,
    contact: { ...contact, phone: `+47 00 00 ${random.between(10, 99)} ${random.between(10, 99)}` }, // no such number exists
  };
};

/** The person's services as decided, and for some a stay that is over. */
export const ordinaryServices = (scene: Scene): SyntheticService[] => {
  const { random, person } = scene;
  const dead = person.deathDate !== null;
  const current = person.serviceTypes.map((code) => {
    const startedDaysAgo = scene.daysAgo(60, 1_200);
    if (dead) return service(scene, code, { startedDaysAgo, status: 'finished', endedDaysAgo: 0 });
    return service(scene, code, { startedDaysAgo, status: random.chance(0.06) ? 'on-hold' : 'active' });
  });
  if (current.length === 0 || scene.age < 60 || !random.chance(0.5)) return current;
  const endedDaysAgo = random.between(150, 700);
  const over = service(scene, random.pick(['18', '19', '25']), {
    status: 'finished',
    startedDaysAgo: endedDaysAgo + random.between(2, 28),
    endedDaysAgo,
  });
  return [...current, over];
};
