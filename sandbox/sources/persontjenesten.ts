import { parseNationalId } from '../../schema/nationalId.ts';
import type { AccessCheck } from '../_shared/access.ts';
import type { Listen } from '../_shared/listen.ts';
import { type Simulator, startSimulator, withUnknownMembers } from '../_shared/simulator.ts';
import type { Population, SyntheticPerson } from '../population/model.ts';

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
const problem = (status: number, detail?: string): string =>
  JSON.stringify({
    type: `https://tools.ietf.org/html/rfc9110#section-15.${status < 500 ? 5 : 6}`,
    title: titles[status] ?? 'Error',
    status,
    detail: detail ?? null,
    instance: null,
  });

/** The service's own information parts (OpenAPI, version 2); those with nothing behind them here are given as empty. */
const informationParts = [
  'AddressProtection',
  'Birth',
  'Citizenship',
  'CommonContactRegisterInformation',
  'Death',
  'DeprivedLegalAuthority',
  'FalseIdentity',
  'FamilyRelation',
  'Gender',
  'GuardianshipOrFuturePowerOfAttorney',
  'IdentityVerification',
  'LegalAuthority',
  'MaritalStatus',
  'Name',
  'NorwegianIdentificationNumber',
  'ParentalResponsibility',
  'PostalAddress',
  'PreferredContactAddress',
  'ResidentialAddress',
  'SharedResidence',
  'Status',
];

type Version = Record<string, unknown> & { isValid: boolean };
const version = (registered: string, content: Record<string, unknown>, isValid = true): Version => ({
  registeredAt: `${registered}T00:00:00Z`,
  isValid,
  source: 'FREG',
  reason: null,
  validFrom: `${registered}T00:00:00`,
  validTo: null,
  ...content,
});

const numberTypes = { fnr: 'NationalIdentityNumber', dnr: 'DNumber', fhn: 'AlternateIdentificationNumber' } as const;
const numberType = (nationalId: string) => {
  const kind = parseNationalId(nationalId)?.kind;
  return kind && kind !== 'hnr' ? numberTypes[kind] : null;
};

const nameParts = ({ givenName, familyName }: SyntheticPerson) => ({
  givenName: givenName.toUpperCase(),
  middleName: null,
  familyName: familyName.toUpperCase(),
});

/** «Storgata 12B» as the register keeps it. */
const streetAddress = ({ address, municipality }: SyntheticPerson) => {
  const [, street, number, letter] = address?.street.match(/^(.*?)\s*(\d+)?([A-Za-z])?$/) ?? [];
  return {
    municipalityNumber: municipality.code,
    municipalityName: municipality.name,
    addressName: street ?? null,
    addressNumber: { houseNumber: number ?? null, houseLetter: letter ?? null },
    city: { cityName: address?.city ?? null, postalCode: address?.postalCode ?? null },
    coAddressName: null,
  };
};

const isAdult = (birthDate: string, today: string): boolean =>
  today >= `${Number(birthDate.slice(0, 4)) + 18}${birthDate.slice(4)}`;

/** Parental responsibility ends at eighteen; afterwards it is history. */
const responsibility = (child: SyntheticPerson, parent: SyntheticPerson, type: string, today: string): Version =>
  version(
    child.birthDate,
    { responsibilityType: type, subjectOfResponsibility: child.nationalId, responsible: parent.nationalId },
    !isAdult(child.birthDate, today),
  );

/** A person as the register has them on a day (ISO 8601): every part, all versions. */
const registered = (person: SyntheticPerson, population: Population, today: string): Record<string, unknown> => {
  const { birthDate, addressProtection } = person;
  const guardian = person.guardian ? population.byKey(person.guardian) : undefined;
  return {
    Name: { name: [version(birthDate, nameParts(person))] },
    Birth: { birth: [version(birthDate, { birthDate: `${birthDate}T00:00:00`, birthYear: birthDate.slice(0, 4) })] },
    Gender: { gender: [version(birthDate, { gender: person.sex === 'female' ? 'Female' : 'Male' })] },
    Status: {
      status: [version(birthDate, { status: person.deathDate ? 'Deceased' : 'Resident' })],
    },
    Death: {
      death: person.deathDate ? version(person.deathDate, { deceasedDate: `${person.deathDate}T00:00:00` }) : null,
    },
    NorwegianIdentificationNumber: {
      norwegianIdentificationNumber: [
        ...person.formerNationalIds.map((number) =>
          version(
            birthDate,
            { identificationNumber: number, identificationNumberType: numberType(number), status: 'Discontinued' },
            false,
          ),
        ),
        version(birthDate, {
          identificationNumber: person.nationalId,
          identificationNumberType: numberType(person.nationalId),
          status: 'InUse',
        }),
      ],
    },
    // Nobody is born protected: the earlier level stays in the history.
    AddressProtection: {
      addressProtection: [
        ...(addressProtection === 'Unclassified'
          ? []
          : [version(birthDate, { protectionLevel: 'Unclassified' }, false)]),
        version(birthDate, { protectionLevel: addressProtection }),
      ],
    },
    // Inferred: with legal basis a confidential address is given and marked, a strictly confidential one is not given.
    ResidentialAddress: {
      residentialAddress:
        addressProtection === 'StrictlyConfidential'
          ? []
          : [
              version(birthDate, {
                addressConfidentiality: addressProtection,
                ...(person.address
                  ? { streetAddress: streetAddress(person) }
                  : {
                      unknownResidence: {
                        municipalityNumber: person.municipality.code,
                        municipalityName: person.municipality.name,
                      },
                    }),
              }),
            ],
    },
    // As the child's, and as the responsible person's own.
    ParentalResponsibility: {
      parentalResponsibility: [
        ...person.parents.flatMap(({ key, responsibility: type }) => {
          const parent = population.byKey(key);
          return parent ? [responsibility(person, parent, type, today)] : [];
        }),
        ...population.people.flatMap((child) =>
          child.parents
            .filter(({ key }) => key === person.key)
            .map(({ responsibility: type }) => responsibility(child, person, type, today)),
        ),
      ],
    },
    GuardianshipOrFuturePowerOfAttorney: {
      guardianshipOrFuturePowerOfAttorney: guardian
        ? [
            version(birthDate, {
              guardianshipType: isAdult(birthDate, today) ? 'Adult' : 'Minor',
              office: 'Statsforvalteren',
              guardian: {
                name: nameParts(guardian),
                identificationNumber: guardian.nationalId,
                guardianshipScope: 'PersonalAndFinancialInterests',
                isGuardianshipInPersonalScope: true,
                guardianServiceArea: [],
              },
            }),
          ]
        : [],
    },
  };
};

const withoutHistory = (part: unknown): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(part as Record<string, unknown>).map(([name, versions]) => [
      name,
      Array.isArray(versions) ? versions.filter((it: Version) => it.isValid) : versions,
    ]),
  );

/**
 * Persontjenesten, version 2, with legal basis: `get-by-nin` and `bulk-by-nin`. Checks token (machine), `api-version`,
 * `informationParts`, where the number is, and that it can be one.
 */
export const startPersontjenesten = ({
  population,
  checkAccess,
  listen,
  now = () => new Date(),
}: {
  population: Population;
  checkAccess: AccessCheck;
  listen?: Listen | undefined;
  now?: () => Date;
}): Promise<Simulator> =>
  startSimulator({
    name: 'persontjenesten',
    listen,
    errorBody: (status) => ({ contentType: 'application/problem+json; charset=utf-8', body: problem(status) }),
    routes(app, fault) {
      type Question = { parts: string[]; history: boolean; form: URLSearchParams };
      type Refused = { status: number; detail: string };
      const check = async (request: {
        method: string;
        url: string;
        headers: Record<string, unknown>;
        body: unknown;
      }): Promise<Question | Refused> => {
        const access = await checkAccess(
          { method: request.method, url: `http://sandbox${request.url}`, headers: request.headers },
          {
            audience: 'nhn:hgd-persontjenesten-api',
            scopes: ['nhn:hgd-persontjenesten-api/read-with-legal-basis', 'nhn:hgd-persontjenesten-api/full-access'],
            as: 'machine',
            bearer: true,
          },
        );
        if (!access.ok) return { status: access.refusal.status, detail: access.refusal.reason };
        const refuse = (detail: string) => ({ status: 400, detail });
        if (request.headers['api-version'] !== '2') return refuse('The API version is missing or no longer served');
        if (!String(request.headers['content-type']).startsWith('application/x-www-form-urlencoded'))
          return refuse('A form is required');
        const { searchParams } = new URL(request.url, 'http://sandbox');
        if (/\d{11}/.test(decodeURIComponent(request.url))) return refuse('A number does not belong in the address');
        const parts = searchParams.getAll('informationParts');
        if (parts.length === 0) return refuse('informationParts is required');
        if (parts.some((part) => !informationParts.includes(part))) return refuse('informationParts is not valid');
        const form = new URLSearchParams(String(request.body ?? ''));
        return { parts, history: searchParams.get('includeHistory') === 'true', form };
      };

      const answerAbout = (person: SyntheticPerson, { parts, history }: Question) => {
        const other = fault.current.garbage === 'otherPatient' ? population.somebodyElse(person) : person;
        const all = registered(other, population, now().toISOString().slice(0, 10));
        const chosen = parts.map((part) => (history ? all[part] : withoutHistory(all[part] ?? {})));
        return withUnknownMembers({ id: other.registerId, sequenceNumber: 481_516, ...Object.assign({}, ...chosen) });
      };
      const problemType = 'application/problem+json; charset=utf-8';

      app.post('/api/legal-basis/person/get-by-nin', async (request, reply) => {
        const question = await check(request);
        if ('status' in question)
          return reply.code(question.status).type(problemType).send(problem(question.status, question.detail));
        const nin = question.form.get('nin') ?? '';
        if (!numberType(nin)) return reply.code(400).type(problemType).send(problem(400, 'The number is not valid'));
        const person = population.byNationalId(nin);
        if (!person) return reply.code(404).type(problemType).send(problem(404, 'Person not found'));
        return reply.send(answerAbout(person, question));
      });

      app.post('/api/legal-basis/person/bulk-by-nin', async (request, reply) => {
        const question = await check(request);
        if ('status' in question)
          return reply.code(question.status).type(problemType).send(problem(question.status, question.detail));
        const nins = question.form.getAll('nins');
        if (nins.length === 0 || nins.length > 100 || nins.some((nin) => !numberType(nin)))
          return reply.code(400).type(problemType).send(problem(400, 'From 1 to 100 valid numbers are required'));
        const people = nins.flatMap((nin) => population.byNationalId(nin) ?? []);
        return reply.send(people.map((person) => answerAbout(person, question)));
      });
    },
  });
