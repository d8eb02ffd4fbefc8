import type { CodeableConcept, Period } from '../../../_shared/fhir.ts';
import type { Municipality } from '../persontjenesten/mapping.ts';
import { dateOf, norwegianCode } from '../soap.ts';
import type { CommunicationParty } from './client.ts';

export type Identifier = { system: string; value: string };
export type Party = {
  identifier: Identifier;
  type: string | null;
  name: string | null;
  /** The organisation itself, or the one that a person or service belongs to. */
  organization: { identifier: Identifier | null; name: string | null };
  partOf: Identifier | null;
  electronicAddresses: { type: CodeableConcept; value: string }[];
  municipality: Municipality | null;
  period: Period | null;
};

const herId = (value: string): Identifier => ({ system: 'urn:oid:2.16.578.1.12.4.1.2', value });
const organisationNumber = (value: string | null): Identifier | null =>
  value === null ? null : { system: 'urn:oid:2.16.578.1.12.4.1.4.101', value };

/** AR -> this graph. */
export const mapParty = (party: CommunicationParty): Party => ({
  identifier: herId(party.HerId),
  type: party.Type,
  name: party.Name,
  organization:
    party.Type === 'Organization'
      ? { identifier: organisationNumber(party.OrganizationNumber), name: party.Name }
      : { identifier: organisationNumber(party.ParentOrganizationNumber), name: party.ParentName ?? party.Name },
  partOf: party.ParentHerId && party.ParentHerId !== '0' ? herId(party.ParentHerId) : null, // 0 where there is no parent
  electronicAddresses: party.ElectronicAddresses.flatMap(({ Address, Type, TypeCodeValue }) =>
    Address === null
      ? []
      : [
          {
            type: norwegianCode(Type?.OID ?? '9044', Type?.CodeValue ?? TypeCodeValue, Type?.CodeText ?? null),
            value: Address.trim(),
          },
        ],
  ),
  municipality: party.Municipality?.CodeValue
    ? { code: party.Municipality.CodeValue, name: party.Municipality.CodeText }
    : null,
  period: party.Valid && { start: dateOf(party.Valid.From), end: dateOf(party.Valid.To) },
});
