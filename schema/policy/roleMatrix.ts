import type { Role } from '../caller.ts';
import type { Category } from '../categories.ts';

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
 * the municipality's own register of authorizations decides in the end. It lies with the contract and not in the gateway, so
 * that a new source with a category of its own is no edit there.
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
  none: [],
};
