import type { Listen } from '../_shared/listen.ts';
import { type Simulator, startSimulator } from '../_shared/simulator.ts';
import { serveSoap, soapErrorBody, type Xml } from '../_shared/soap.ts';
import type { Population, SyntheticOrganisation } from '../population/model.ts';

const electronicAddresses = (ediAddress: string | null): Xml => ({
  ElectronicAddress: ediAddress
    ? [
        {
          Address: ediAddress,
          Inherited: false,
          Type: {
            Active: true,
            CodeText: 'EDI (Standardisert elektronisk melding)',
            CodeValue: 'E_EDI',
            OID: 9044,
          },
          TypeCodeValue: 'E_EDI',
        },
      ]
    : [],
});

const parentOf = (parent: SyntheticOrganisation | undefined): Xml => ({
  ParentHerId: parent?.herId ?? 0,
  ParentName: parent?.name ?? null,
  ParentOrganizationNumber: parent?.number ?? null,
});

/** An organisation by its HER-id, or a person at one. */
const partyBy = (herId: number, { organisations, practitioners }: Population): Xml | null => {
  const organisation = organisations.find((it) => it.herId === herId);
  const head: Xml = { Active: true, HerId: herId, IsValidCommunicationParty: true };
  if (organisation) {
    const { parentHerId, name, municipality, number, ediAddress } = organisation;
    return {
      ...head,
      ElectronicAddresses: electronicAddresses(ediAddress),
      Municipality: { CodeValue: municipality, OID: 3402 },
      Name: name,
      ...parentOf(organisations.find((it) => it.herId === parentHerId)),
      Type: 'Organization',
      OrganizationNumber: number,
    };
  }
  const person = practitioners.find((it) => it.herId === herId);
  if (!person) return null;
  const employer = organisations.find((it) => it.number === person.organisation);
  return {
    ...head,
    ElectronicAddresses: electronicAddresses(employer?.ediAddress ?? null),
    Name: `${person.name.given} ${person.name.family}`,
    ...parentOf(employer),
    Type: 'Person',
    Valid: { From: `${person.validFrom}T00:00:00` },
  };
};

/**
 * Adresseregisteret, SOAP 1.2: `GetCommunicationPartyDetails`. Checks basic authentication, action and addressing headers;
 * an unknown HER-id is the fault `InvalidHerIdSupplied`.
 */
export const startAdresseregisteret = ({
  population,
  listen,
}: {
  population: Population;
  listen?: Listen | undefined;
}): Promise<Simulator> =>
  startSimulator({
    name: 'adresseregisteret',
    listen,
    errorBody: soapErrorBody,
    routes(app, fault) {
      const operation = {
        contract: 'ICommunicationPartyService',
        namespace: 'http://register.nhn.no/CommunicationParty',
        operation: 'GetCommunicationPartyDetails',
      };
      serveSoap(app, operation, (parameter) => {
        const herId = Number(parameter('herId'));
        const other = population.organisations.find((it) => it.herId !== herId);
        const result = partyBy(fault.current.garbage === 'otherPatient' && other ? other.herId : herId, population);
        if (result) return { result };
        return {
          fault: {
            code: 'InvalidHerIdSupplied',
            message: 'Kommunikasjonspart med oppgitt HER-id eksisterer ikke.',
          },
        };
      });
    },
  });
