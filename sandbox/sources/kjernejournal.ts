import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { criticalInformationTypes } from '../../subgraphs/kjernejournal/adapter/criticalInformationTypes.ts';
import type { Access, AccessCheck, TokenRequirements } from '../_shared/access.ts';
import type { Listen } from '../_shared/listen.ts';
import { type Simulator, startSimulator } from '../_shared/simulator.ts';
import type { Population, SyntheticPerson } from '../population/model.ts';
import {
  errorBodyOf,
  type Fault,
  faults,
  isReserved,
  personFor,
  privacyFault,
  readBasis,
  refuser,
} from './kjernejournal/privacy.ts';
import { resourceOf, subdivisions } from './kjernejournal/resources.ts';

const base = '/api/critical-information/v1';
const requirements: TokenRequirements = {
  audience: 'nhn:critical-information',
  scopes: ['nhn:critical-information/api'],
  as: 'user',
  organisation: 'both',
};

/** Both generations of names (reference 1.1), each whole: a call uses one of them. */
const generations = [
  ['nhn-patient-nin', 'nhn-user-role', 'nhn-access-basis', 'nhn-source-system', 'nhn-event-id'],
  ['hit-patient-pid', 'hit-user-role', 'hit-access-basis', 'hit-source-system', 'hit-event-id'],
] as const;

const UserRole = z.object({ system: z.literal('urn:oid:2.16.578.1.12.4.1.1.9060'), code: z.string() });
const readRole = (text: string) => {
  try {
    return UserRole.safeParse(JSON.parse(decodeURIComponent(text))).data ?? null;
  } catch {
    return null;
  }
};
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const StatusQuestion = z.object({ nin: z.string() });
const readQuestion = (text: unknown) => {
  try {
    return StatusQuestion.safeParse(JSON.parse(String(text))).data ?? null;
  } catch {
    return null;
  }
};

type Headers = {
  nationalId: string | undefined;
  role: string | undefined;
  basis: string | undefined;
  system: string | undefined;
  event: string | undefined;
};
const headersOf = (request: FastifyRequest): Headers => {
  const read = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const generation = generations.find(([, , , system]) => read(system) !== undefined) ?? generations[0];
  const [nationalId, role, basis, system, event] = generation;
  return {
    nationalId: read(nationalId),
    role: read(role),
    basis: read(basis),
    system: read(system),
    event: read(event),
  };
};

/** What every call must carry, whoever makes it. */
const commonFault = ({ system, event }: Headers): Fault | null => {
  if (!system) return faults.missingHeader;
  if (system.length < 3 || system.length > 512) return faults.invalidHeader;
  return event !== undefined && !uuid.test(event) ? faults.invalidHeader : null;
};

/** Role and basis of a professional: the role must be an active authorization in HPR of the very user of the token. */
const professionalFault = (population: Population, { role, basis }: Headers, access: Access): Fault | null => {
  if (access.kind === 'citizen') return null;
  if (!role || !basis) return faults.missingHeader;
  const stated = readRole(role);
  if (!stated || !readBasis(basis)) return faults.invalidHeader;
  const authorized = population.practitioners.some(
    ({ hprNumber, category, revoked }) => hprNumber === access.hprNumber && category === stated.code && !revoked,
  );
  return authorized ? null : faults.noAccess;
};

const isRestricted = ({ privacy }: SyntheticPerson) =>
  privacy.restrictions.some(({ module, expired }) => module === 'criticalInformation' && !expired);

const latest = (dates: string[]) => dates.toSorted().at(-1) ?? null;

/**
 * Kritisk informasjon of kjernejournal (reference 2.3): a search per resource type with the patient in a header, and `/status`.
 * Its `url` has the version in it, as the service's own.
 */
export const startKjernejournal = async ({
  population,
  checkAccess,
  listen,
}: {
  population: Population;
  checkAccess: AccessCheck;
  listen?: Listen | undefined;
}): Promise<Simulator> => {
  const refuse = refuser('KI', 'critical-information');

  const simulator = await startSimulator({
    name: 'kjernejournal',
    listen,
    errorBody: errorBodyOf('KI', 'critical-information'),
    routes(app, fault) {
      const verify = (request: FastifyRequest, as: TokenRequirements['as']) =>
        checkAccess(
          { method: request.method, url: `http://${request.host}${request.url}`, headers: request.headers },
          { ...requirements, as },
        );

      for (const type of Object.keys(criticalInformationTypes)) {
        app.get<{ Querystring: Record<string, string> }>(`${base}/${type}`, async (request, reply) => {
          const checked = await verify(request, 'user');
          if (!checked.ok) return refuse(reply, { ...faults.noAccess, status: checked.refusal.status });
          const { access } = checked;
          const headers = headersOf(request);
          const wrong = commonFault(headers) ?? professionalFault(population, headers, access);
          if (wrong) return refuse(reply, wrong);
          const { criticalInfoType, ...rest } = request.query;
          const keep = criticalInfoType === undefined ? () => true : subdivisions[type]?.[criticalInfoType];
          if (!keep || Object.keys(rest).length > 0) return refuse(reply, faults.invalidQuery);

          const asked = personFor(population, headers.nationalId);
          if (!asked.ok) return refuse(reply, asked.fault);
          const withheld = privacyFault(asked.person, access, {
            basis: readBasis(headers.basis),
            isRestricted: isRestricted(asked.person),
            refusesWhole: true,
          });
          if (withheld) return refuse(reply, withheld);

          const isMixedUp = fault.current.garbage === 'otherPatient';
          const person = isMixedUp ? population.somebodyElse(asked.person) : asked.person;
          const resources = person.criticalInformation
            .map((entry) => resourceOf(entry, person))
            .filter(({ resourceType }) => resourceType === type)
            .filter(keep);
          return reply.type('application/fhir+json').send({
            resourceType: 'Bundle',
            type: 'searchset',
            total: resources.length,
            entry: resources.map((resource) => ({ resource })),
          });
        });
      }

      app.post(`${base}/status`, async (request, reply) => {
        const checked = await verify(request, 'either');
        if (!checked.ok) return refuse(reply, { ...faults.noAccess, status: checked.refusal.status });
        const wrong = commonFault(headersOf(request));
        if (wrong) return refuse(reply, wrong);
        const question = readQuestion(request.body);
        if (!question) return refuse(reply, faults.invalidQuery);
        const asked = personFor(population, question.nin);
        if (!asked.ok) return refuse(reply, asked.fault);

        const { person } = asked;
        const { access } = checked;
        const entries = isReserved(person) ? [] : person.criticalInformation;
        const changed = (...kinds: string[]) =>
          latest(entries.filter(({ kind }) => kinds.includes(kind)).map(({ recorded }) => recorded));
        return {
          patientNIN: question.nin,
          hasCriticalInformation: entries.length > 0,
          lastChangedDateTime: latest(entries.map(({ recorded }) => recorded)),
          dateChanged: {
            allergyIntoleranceDate: changed('allergy'),
            conditionComplicationsOfAnesthesiaDate: changed('anaesthesiaComplication'),
          },
          privacySetting: {
            hasReservationKjernejournal: isReserved(person),
            isRestricted: isRestricted(person),
            // A machine's token has nobody to check for.
            isBlocked:
              access.kind !== 'machine' && person.privacy.blockedProfessionals.includes(access.hprNumber ?? ''),
          },
        };
      });
    },
  });
  return { ...simulator, url: `${simulator.url}${base}` };
};
