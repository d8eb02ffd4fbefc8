import type { Role } from '../../schema/caller.ts';
import type { Category } from '../../schema/categories.ts';

const everything: readonly Category[] = [
  'person',
  'address',
  'representatives',
  'criticalInformation',
  'documents',
  'laboratory',
  'imaging',
  'medication',
  'municipalServices',
  'measurements',
  'events',
];

/**
 * Which categories a role may read, given a care relation or purpose. Start point of the reference (14.2), inferred there;
 * the municipality's own register of authorizations decides in the end.
 */
export const roleMatrix: Record<Role, readonly Category[]> = {
  doctor: everything,
  nurse: everything,
  healthWorker: [
    'person',
    'address',
    'criticalInformation',
    'medication',
    'municipalServices',
    'measurements',
    'events',
  ],
  therapist: ['person', 'criticalInformation', 'municipalServices', 'measurements', 'events'],
  pharmacist: ['person', 'criticalInformation', 'medication'],
  serviceAllocationOfficer: ['person', 'address', 'representatives', 'municipalServices'],
  system: [],
  citizen: [...everything, 'accessLog', 'restrictions'],
  administrator: [],
};
