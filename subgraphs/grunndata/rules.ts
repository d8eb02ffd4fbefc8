import { allow, federationEntry, isStaff, mayRead, type Rules } from '../_shared/shield.ts';

const mayReadPerson = mayRead('person'); // one rule, one object: shield takes no two by the same name

export const rules: Rules = {
  Query: {
    ...federationEntry,
    identify: allow, // asked by the gateway only: behind the assertion, and @inaccessible in the public schema
    practitioner: isStaff,
    organization: isStaff,
  },
  _Service: allow,
  Patient: {
    id: allow,
    status: mayReadPerson,
    absence: mayReadPerson,
    provenance: mayReadPerson,
    identifiers: mayReadPerson,
    name: mayReadPerson,
    birthDate: mayReadPerson,
    sex: mayReadPerson,
    deceased: mayReadPerson,
    municipality: mayReadPerson,
    addresses: mayRead('address'),
    generalPractitioners: mayReadPerson,
    representatives: mayRead('representatives'),
  },
  // Reached only through the fields above.
  Identity: allow,
  HumanName: allow,
  Deceased: allow,
  Municipality: allow,
  AddressGroup: allow,
  Address: allow,
  GeneralPractitionerGroup: allow,
  GeneralPractitioner: allow,
  Authorization: allow,
  ElectronicAddress: allow,
  RepresentativeGroup: allow,
  Representative: allow,
  PractitionerDetails: allow,
  OrganizationDetails: allow,
  Absence: allow,
  Provenance: allow,
  Identifier: allow,
  Organization: allow,
  Practitioner: allow,
  Coding: allow,
  CodeableConcept: allow,
  Period: allow,
  PageInfo: allow,
};
