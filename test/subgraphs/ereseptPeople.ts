import type { Population, SyntheticMedication, SyntheticPerson } from '../../sandbox/population/model.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { uuidFor } from '../../sandbox/population/random.ts';

const prescriber = { hprNumber: '9990004', name: 'Stille Elg' };

export const medicine = (name: string, change: Partial<SyntheticMedication> = {}): SyntheticMedication => ({
  prescriptionId: uuidFor('test', name, change.prescribed ?? ''),
  inUse: true,
  fest: { id: `ID_${uuidFor('fest', name).toUpperCase()}`, name },
  atc: { system: 'http://www.whocc.no/atc', code: 'C08CA01', display: 'Amlodipin' },
  form: { system: 'urn:oid:2.16.578.1.12.4.1.1.7448', code: '53', display: 'Tablett' },
  strength: '2,5 mg',
  dosage: '1 tablett morgen',
  use: 'fixed',
  reason: 'FOR BLODTRYKKET',
  group: 'C',
  prescribed: '2026-01-10',
  expires: '2027-01-10',
  refills: 3,
  prescriber,
  status: { system: 'urn:oid:2.16.578.1.12.4.1.1.7408', code: 'E', display: 'Ekspederbar' },
  locked: false,
  dispenses: [],
  ...change,
});

/** Adult with everything: in use, a course that is over, a renewed prescription, a locked one, a signed list. */
const many: Partial<SyntheticPerson> = {
  medication: [
    medicine('Amlodipin tab 5 mg', {
      dispenses: [
        { dispensed: '2026-04-11T12:40:00+02:00', packages: 1, pharmacy: 'Testdal apotek' },
        { dispensed: '2026-01-11T12:40:00+01:00', packages: 2, pharmacy: 'Testdal apotek' },
      ],
    }),
    medicine('Ramipril tab 5 mg', {
      prescribed: '2025-01-02',
      inUse: false,
      status: { code: 'U', display: 'Ekspedert' },
    }),
    medicine('Ramipril tab 5 mg', { prescribed: '2026-01-02', strength: '1000 mg/800 IE' }),
    medicine('Doksysyklin tab 100 mg', { prescribed: '2025-11-02', inUse: false, use: 'course' }),
    medicine('Naproksen tab 250 mg', { prescribed: '2025-10-02', status: { code: 'T', display: 'Tilbakekalt' } }),
    medicine('Oksazepam tab 10 mg', { prescribed: '2026-02-02', locked: true, group: 'B', use: 'asNeeded' }),
  ],
  medicationList: { signedAt: '2026-02-01T10:00:00+01:00', responsible: prescriber },
};

/**
 * The sandbox's people with medication that these tests can count: `vanlig-1` has much, `dnr` one medicine, `vanlig-3` none,
 * and those whose privacy choices matter one each.
 */
export const peopleWithMedication = (): Population => {
  const original = createPopulation();
  const one = { medication: [medicine('Metoprolol depottab 50 mg')], medicationList: null };
  const changes: Record<string, Partial<SyntheticPerson>> = {
    'vanlig-1': many,
    'vanlig-3': { medication: [], medicationList: null },
    dnr: one,
    fh: one,
    'sperret-modul': one,
    'blokkert-person': { ...one, privacy: { ...noChoices, blockedProfessionals: ['9990004'] } },
    reservert: one,
    'reservert-alt': one,
    'barn-11': one,
  };
  const people = original.people.map((person) => ({ ...person, ...changes[person.key] }));
  const find = (key: string | undefined) => people.find((it) => it.key === key);
  return {
    ...original,
    people,
    byKey: find,
    byNationalId: (nationalId) => find(original.byNationalId(nationalId)?.key),
    byRegisterId: (id) => find(original.byRegisterId(id)?.key),
    somebodyElse: (person) => find(person.key === 'vanlig-1' ? 'dnr' : 'vanlig-1')!,
  };
};
const noChoices = { reservations: [], restrictions: [], blockedProfessionals: [], delayedUntil: null };
