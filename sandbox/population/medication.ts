import { atc, statuses, tablet, text } from './codes.ts';
import catalogue from './data/medicines.json' with { type: 'json' };
import type { SyntheticMedication } from './model.ts';
import { uuidFor } from './random.ts';
import type { Scene, Writer } from './scene.ts';

export type MedicineKey = keyof typeof catalogue;

export type Prescribed = {
  daysAgo: number;
  /** A year from the day of prescribing unless said. */
  validDays?: number;
  inUse?: boolean;
  dosage?: string;
  reason?: string;
  refills?: number;
  status?: keyof typeof statuses;
  locked?: boolean;
  /** Days ago, newest first. */
  dispensedDaysAgo?: readonly number[];
  by?: Writer;
};

const pharmacyOf = ({ person }: Scene) => {
  if (person.municipality.code === '0301') return 'Testdal apotek';
  return person.municipality.code === '5001' ? 'Eksempelvik apotek' : 'Nordvik apotek';
};

/** One prescription of a medicine in the catalogue; the product and its FEST id are invented, substance and ATC are not. */
export const prescription = (scene: Scene, key: MedicineKey, part: Prescribed): SyntheticMedication => {
  const { calendar } = scene;
  const { atc: code, substance, product, form, strength, dosage, use, reason, group } = catalogue[key];
  const inUse = part.inUse ?? true;
  return {
    prescriptionId: scene.id('prescription'),
    inUse,
    fest: { id: `ID_${uuidFor('fest', key).toUpperCase()}`, name: product },
    atc: atc(code, substance),
    form: form === 'Tablett' ? tablet : text(form),
    strength,
    dosage: part.dosage ?? dosage,
    use: use as SyntheticMedication['use'],
    reason: part.reason ?? reason,
    group: group as SyntheticMedication['group'],
    prescribed: calendar.day(part.daysAgo),
    expires: calendar.day(part.daysAgo - (part.validDays ?? 365)),
    refills: part.refills ?? (use === 'fixed' ? 3 : 0),
    prescriber: (part.by ?? scene.doctor).author,
    status: statuses[part.status ?? (inUse ? 'dispensable' : 'dispensed')],
    locked: part.locked ?? false,
    dispenses: (part.dispensedDaysAgo ?? []).map((daysAgo) => ({
      dispensed: calendar.at(daysAgo, '12:40'),
      packages: 1,
      pharmacy: pharmacyOf(scene),
    })),
  };
};

/** A medicine in regular use, fetched each third month since it was prescribed. */
export const inRegularUse = (scene: Scene, key: MedicineKey): SyntheticMedication => {
  const daysAgo = scene.daysAgo(20, 330);
  const every = scene.random.between(85, 98);
  const fetched = Array.from({ length: Math.ceil(daysAgo / every) }, (_, i) => daysAgo - i * every).filter(
    (it) => it >= 1,
  );
  return prescription(scene, key, { daysAgo, dispensedDaysAgo: fetched.toReversed() });
};

/** A course that is over: prescribed and dispensed the same day. */
export const endedCourse = (scene: Scene, key: MedicineKey, daysAgo: number): SyntheticMedication =>
  prescription(scene, key, { daysAgo, validDays: 30, inUse: false, dispensedDaysAgo: [daysAgo] });
