import * as z from 'zod';
import type { CallContext, Result } from '../../../_shared/source.ts';
import { callSoap, type SoapRegister, XmlOptional, XmlText, xmlList, xmlOptional } from '../soap.ts';

const Code = z.object({ OID: XmlOptional, CodeValue: XmlOptional, CodeText: XmlOptional });

/** `CommunicationParty` of the service's WSDL, with the organisation number that its subtype `Organization` adds. */
export const CommunicationParty = z.object({
  HerId: XmlText,
  Type: XmlOptional,
  Name: XmlOptional,
  ParentHerId: XmlOptional,
  ParentName: XmlOptional,
  ParentOrganizationNumber: XmlOptional,
  OrganizationNumber: XmlOptional,
  ElectronicAddresses: xmlList(z.object({ Address: XmlOptional, Type: xmlOptional(Code), TypeCodeValue: XmlOptional })),
  Municipality: xmlOptional(Code),
  Valid: xmlOptional(z.object({ From: XmlOptional, To: XmlOptional })),
});
export type CommunicationParty = z.infer<typeof CommunicationParty>;

/** A communication party, or `null` when the HER-id is not in the register. */
export const getCommunicationPartyDetails = (
  register: SoapRegister,
  herId: number,
  context: CallContext,
): Promise<Result<CommunicationParty | null>> =>
  callSoap(
    register,
    {
      contract: 'ICommunicationPartyService',
      namespace: 'http://register.nhn.no/CommunicationParty',
      operation: 'GetCommunicationPartyDetails',
      content: `<herId>${herId}</herId>`,
      shape: CommunicationParty,
      lists: { ElectronicAddresses: 'ElectronicAddress' },
      isNothing: ({ code }) => code === 'InvalidHerIdSupplied',
    },
    context,
  );
