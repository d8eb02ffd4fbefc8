import type { Listen } from '../_shared/listen.ts';
import { type Simulator, startSimulator } from '../_shared/simulator.ts';
import { serveSoap, soapErrorBody, type Xml } from '../_shared/soap.ts';
import type { Population, SyntheticPractitioner } from '../population/model.ts';

const code = (oid: number, value: string, description: string): Xml => ({
  Aktiv: true,
  Beskrivelse: description,
  OID: oid,
  Verdi: value,
});

/** The day from which a revoked authorisation is no longer in force: the register keeps it, ended. */
const dayAfter = (day: string): string => new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);

const approval = ({ category, categoryName, validFrom, revoked }: SyntheticPractitioner): Xml => ({
  Autorisasjon: code(7704, '1', 'Autorisasjon'),
  Gyldig: { Fra: `${validFrom}T00:00:00`, Til: revoked ? `${dayAfter(validFrom)}T00:00:00` : null },
  Helsepersonellkategori: code(9060, category, categoryName),
  Id: 1,
  Rekvisisjonsretter: {
    Rekvisisjonsrett:
      category === 'LE'
        ? [{ Gyldig: { Fra: `${validFrom}T00:00:00` }, Id: 1, Type: code(7703, '1', 'Full rekvisisjonsrett') }]
        : [],
  },
  Spesialiteter: {},
  Suspensjonsperioder: {},
});

/**
 * Helsepersonellregisteret, SOAP 1.2: `HentPerson`. Checks basic authentication, action and addressing headers, and that a
 * number and a time are given. Its answer holds the professional's national id, as the register's does.
 */
export const startHelsepersonellregisteret = ({
  population,
  listen,
}: {
  population: Population;
  listen?: Listen | undefined;
}): Promise<Simulator> =>
  startSimulator({
    name: 'helsepersonellregisteret',
    listen,
    errorBody: soapErrorBody,
    routes(app, fault) {
      const operation = {
        contract: 'IHPR2Service',
        namespace: 'http://schemas.nhn.no/reg/HPRv2',
        operation: 'HentPerson',
      };
      serveSoap(app, operation, (parameter) => {
        const refuse = (message: string) => ({ fault: { code: 'Feil', message: `ArgumentException: ${message}` } });
        const hprNumber = parameter('hprNummer');
        if (!/^\d+$/.test(hprNumber)) return refuse('HPR-nummer må oppgis');
        if (!/^\d{4}-\d{2}-\d{2}T/.test(parameter('påTidspunkt'))) return refuse('påTidspunkt må oppgis');
        const index = population.practitioners.findIndex((it) => it.hprNumber === hprNumber);
        if (index < 0) return refuse('HPR-nummer ikke funnet');
        const shift = fault.current.garbage === 'otherPatient' ? 1 : 0;
        const person = population.practitioners.at((index + shift) % population.practitioners.length)!;
        return {
          result: {
            Etternavn: person.name.family,
            Fornavn: person.name.given,
            Godkjenninger: { Godkjenning: [approval(person)] },
            HPRNummer: person.hprNumber,
            NIN: person.nationalId,
          },
        };
      });
    },
  });
