import { holdsNationalId, withoutNationalIds } from '../../../schema/nationalIdText.ts';
import type { FhirReference } from '../../_shared/fhir.ts';

export type IdentifierState = { system: string | null; value: string };
export type OrganizationState = { identifier: IdentifierState | null; name: string | null };
export type PractitionerState = OrganizationState & { role: null };

export const organisationSystem = 'urn:oid:2.16.578.1.12.4.1.4.101';

/** A reference by identifier, without one that is a national id: staff are sometimes named by theirs. */
export const organizationOf = ({ identifier, display }: FhirReference): OrganizationState => {
  const { system, value } = identifier ?? {};
  return {
    identifier: value === undefined || holdsNationalId(value) ? null : { system: system ?? null, value },
    name: display === undefined ? null : withoutNationalIds(display),
  };
};
