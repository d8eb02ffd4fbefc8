import { parseNationalId } from '../../schema/nationalId.ts';
import type { Listen } from '../_shared/listen.ts';
import { type Simulator, startSimulator } from '../_shared/simulator.ts';
import { serveSoap, soapErrorBody, type Xml } from '../_shared/soap.ts';
import type { Population, SyntheticPerson, SyntheticPractitioner } from '../population/model.ts';

type Contract = NonNullable<SyntheticPerson['generalPractitioner']>;

/** Code system 7750. Inferred: that the values are called so. */
const relationships = { own: ['LPFL', 'Fastlege'], substitute: ['LPVI', 'Vikar'] } as const;
const relationship = ([value, text]: readonly [string, string]): Xml => ({
  Active: true,
  CodeText: text,
  CodeValue: value,
  OID: 7750,
  SimpleType: 'flrv2_relationship',
});

const doctor = (
  { hprNumber, name, nationalId }: SyntheticPractitioner,
  since: string,
  standsInFor: string | null,
): Xml => ({
  GP: { FirstName: name.given, LastName: name.family, NIN: nationalId },
  GPContractId: 990_001,
  HprNumber: hprNumber,
  Relationship: relationship(standsInFor ? relationships.substitute : relationships.own),
  SubstituteForHprNumber: standsInFor,
  Valid: { From: `${since}T00:00:00` },
});

/** A doctor who has lost the authorisation keeps the contract, and a colleague of the same surgery stands in. */
const doctorsOn = ({ hprNumber, since }: Contract, { practitioners }: Population): Xml[] => {
  const own = practitioners.find((it) => it.hprNumber === hprNumber);
  if (!own) return [];
  if (!own.revoked) return [doctor(own, since, null)];
  const colleague = practitioners.find(
    (it) => it.category === 'LE' && !it.revoked && it.organisation === own.organisation,
  );
  return colleague ? [doctor(colleague, since, hprNumber)] : [];
};

/**
 * Fastlegeregisteret, SOAP 1.2: `GetPatientGPDetails`. Checks basic authentication, action and addressing headers, and the
 * number; says «no contract» and «invalid number» as faults.
 */
export const startFastlegeregisteret = ({
  population,
  listen,
}: {
  population: Population;
  listen?: Listen | undefined;
}): Promise<Simulator> =>
  startSimulator({
    name: 'fastlegeregisteret',
    listen,
    errorBody: soapErrorBody,
    routes(app, fault) {
      const operation = {
        contract: 'IFlrReadOperations',
        namespace: 'http://schemas.nhn.no/reg/flr',
        operation: 'GetPatientGPDetails',
      };
      serveSoap(app, operation, (parameter) => {
        const refuse = (message: string) => ({ fault: { code: 'Feil', message: `ArgumentException: ${message}` } });
        const nin = parameter('patientNin');
        if (!parseNationalId(nin)) return refuse('patientNin er ugyldig');
        const asked = population.byNationalId(nin);
        const person = asked && fault.current.garbage === 'otherPatient' ? population.somebodyElse(asked) : asked;
        const contract = person?.generalPractitioner;
        if (!person || !contract) return refuse('Personen er ikke tilknyttet fastlegekontrakt');
        return {
          result: {
            DoctorCycles: { GPOnContractAssociation: doctorsOn(contract, population) },
            GPContractId: 990_001,
            GPHerId: contract.herId,
            PatientNIN: person.nationalId,
            Period: { From: `${contract.since}T00:00:00` },
          },
        };
      });
    },
  });
