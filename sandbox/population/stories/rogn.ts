import { sct } from '../codes.ts';
import { criticalEntry } from '../critical.ts';
import { document } from '../documents.ts';
import { prescription } from '../medication.ts';
import { units } from '../organisations.ts';
import { professionals } from '../practitioners.ts';
import type { History, Scene, Writer } from '../scene.ts';
import { service } from '../services.ts';

/**
 * Rolig Rogn, born 1948, lives in a nursing home. He has declined resuscitation, and the nursing home's doctor registered
 * it after a talk with him and his wife: whoever is called at night must see it before anything else.
 */
export const rogn = (scene: Scene, usual: History): Partial<History> => {
  const { calendar } = scene;
  const homeDoctor: Writer = { author: professionals.nursingHomeDoctor, organisation: units.testdalNursingHome };
  return {
    criticalInformation: [
      criticalEntry(
        scene,
        {
          kind: 'treatmentLimitation',
          limitation: sct('304253006', 'Ikke HLR'),
          statement:
            'Ikke HLR. Pasienten har selv sagt nei til hjerte-lunge-redning i forhåndssamtale på sykehjemmet, kona til stede. Innleggelse bare når lindring ikke kan gis her.',
          decided: calendar.day(96),
        },
        96,
        homeDoctor,
      ),
      ...usual.criticalInformation,
    ],
    documents: [
      document(scene, {
        daysAgo: 96,
        category: 'correspondence',
        title: 'Forhåndssamtale',
        text: 'Samtale med pasient og kone om behandling framover. Han er klar og samtykkekompetent, og ønsker ro og lindring framfor livsforlengende behandling. HLR skal ikke settes i gang.',
        by: homeDoctor,
      }),
      ...usual.documents,
    ],
    medication: (['memantine', 'metoprolol', 'furosemide', 'paracetamol', 'lactulose'] as const).map((key) =>
      prescription(scene, key, { daysAgo: 150, by: homeDoctor }),
    ),
    medicationList: { signedAt: calendar.at(96, '14:30'), responsible: homeDoctor.author },
    services: [
      service(scene, '21', { startedDaysAgo: 510 }),
      service(scene, '20', { startedDaysAgo: 545, endedDaysAgo: 510, status: 'finished', extent: '5 uker' }),
      service(scene, '15', { startedDaysAgo: 1_330, endedDaysAgo: 545, status: 'finished' }),
    ],
  };
};
