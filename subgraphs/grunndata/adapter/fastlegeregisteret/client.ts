import * as z from 'zod';
import type { CallContext, Result } from '../../../_shared/source.ts';
import { escapeXml } from '../../../_shared/xml.ts';
import { callSoap, type SoapRegister, XmlOptional, XmlText, xmlList, xmlOptional } from '../soap.ts';

const Code = z.object({ OID: XmlOptional, CodeValue: XmlOptional, CodeText: XmlOptional });
const Period = z.object({ From: XmlOptional, To: XmlOptional });

const DoctorCycle = z.object({
  HprNumber: XmlText,
  /** The doctor's national id is in this element too, and is not read. */
  GP: xmlOptional(z.object({ FirstName: XmlOptional, MiddleName: XmlOptional, LastName: XmlOptional })),
  Relationship: xmlOptional(Code),
  SubstituteForHprNumber: XmlOptional,
  Valid: xmlOptional(Period),
});
/** `PatientToGPContractAssociation` of the service's WSDL. */
export const PatientGPDetails = z.object({
  GPContractId: XmlOptional,
  GPHerId: XmlOptional,
  PatientNIN: XmlText,
  Period: xmlOptional(Period),
  DoctorCycles: xmlList(DoctorCycle),
});
export type PatientGPDetails = z.infer<typeof PatientGPDetails>;

/** The patient's contract with its doctors, or `null` when the patient is on nobody's list. */
export const getPatientGPDetails = (
  register: SoapRegister,
  patientNin: string,
  context: CallContext,
): Promise<Result<PatientGPDetails | null>> =>
  callSoap(
    register,
    {
      contract: 'IFlrReadOperations',
      namespace: 'http://schemas.nhn.no/reg/flr',
      operation: 'GetPatientGPDetails',
      content: `<patientNin>${escapeXml(patientNin)}</patientNin>`,
      shape: PatientGPDetails,
      lists: { DoctorCycles: 'GPOnContractAssociation' },
      isNothing: ({ message }) => message.includes('ikke tilknyttet fastlegekontrakt'),
    },
    context,
  );
