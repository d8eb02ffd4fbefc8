import type { FastifyReply } from 'fastify';
import { parseNationalId } from '../../../schema/nationalId.ts';
import { type AccessBasis, accessBases } from '../../../schema/sources.ts';
import type { Access } from '../../_shared/access.ts';
import { isAboutCitizenThemselves } from '../../_shared/citizen.ts';
import type { Population, SyntheticPerson } from '../../population/model.ts';

/** Why a service of the kjernejournal family says no. The numbers are inferred: the real tables are not public. */
export type Fault = { status: number; number: string; text: string };
export const faults = {
  missingHeader: { status: 400, number: '0002', text: 'A required header is missing' },
  invalidHeader: { status: 400, number: '0003', text: 'A header is not valid' },
  invalidNationalId: { status: 400, number: '0011', text: 'The national identity number is not valid' },
  invalidQuery: { status: 400, number: '0014', text: 'The query is not valid' },
  noAccess: { status: 403, number: '0018', text: 'The user has no access' },
  needlessElevation: { status: 400, number: '0096', text: 'An elevated basis gives no more data' },
  reserved: { status: 403, number: '0097', text: 'The patient has opted out of kjernejournal' },
  blocked: { status: 403, number: '0098', text: 'The patient has blocked the user' },
  restricted: { status: 403, number: '0099', text: 'Data are restricted by the patient' },
} as const satisfies Record<string, Fault>;

const coding = (system: string, code: string) => ({
  system: `http://nhn.no/hit/fhir/error/CodeSystem/${system}`,
  code,
});

/** The family's error body (reference 1.4): the code is in `issue.details.coding`, and not in the text. */
export const operationOutcome = (service: string, code: string, text: string, eventId?: string) => ({
  resourceType: 'OperationOutcome',
  ...(eventId ? { id: eventId } : {}),
  issue: [
    {
      severity: 'error',
      code: 'processing',
      diagnostics: text,
      location: [],
      details: {
        coding: [
          coding('ErrorCode', code),
          coding('ApiVersion', 'v1'),
          coding('Environment', 'sandbox'),
          coding('ServiceName', service),
        ],
      },
    },
  ],
});

/** Sends errors of one service: series of codes, and its name in the body. */
export const refuser =
  (series: string, service: string) =>
  (reply: FastifyReply, { status, number, text }: Fault) => {
    const code = `${series}-${number}`;
    return reply
      .code(status)
      .header('nhn-error-code', code)
      .type('application/fhir+json')
      .send(operationOutcome(service, code, text));
  };

/** The same for a switched-on fault, which has a status and nothing else. */
export const errorBodyOf = (series: string, service: string) => (status: number) => ({
  contentType: 'application/fhir+json',
  body: JSON.stringify(operationOutcome(service, `${series}-0001`, `Simulated ${status}`)),
});

export const isElevated = (basis: AccessBasis | null): boolean => basis?.startsWith('FORHOYET_') ?? false;
export const readBasis = (text: string | undefined): AccessBasis | null =>
  accessBases.find((basis) => basis === text) ?? null;

/** The person that a national id stands for, former ones included. */
export const personFor = (
  population: Population,
  nationalId: string | undefined,
): { ok: true; person: SyntheticPerson } | { ok: false; fault: Fault } => {
  if (!nationalId) return { ok: false, fault: faults.missingHeader };
  const person = parseNationalId(nationalId) ? population.byNationalId(nationalId) : undefined;
  return person ? { ok: true, person } : { ok: false, fault: faults.invalidNationalId };
};

export const isReserved = ({ privacy }: SyntheticPerson): boolean =>
  privacy.reservations.some((source) => source === 'kjernejournal' || source === '*');

/**
 * Personal block, reservation, restriction and needless elevation, in this order: no basis passes a block (reference 14.3).
 * Citizens read what is their own: a restriction is against professionals.
 *
 * `isRestricted`: an elevated basis would give more. `refusesWhole`: the service then says no, rather than leave some out.
 */
export const privacyFault = (
  person: SyntheticPerson,
  access: Access,
  { basis, isRestricted, refusesWhole }: { basis: AccessBasis | null; isRestricted: boolean; refusesWhole: boolean },
): Fault | null => {
  const isOwn = isAboutCitizenThemselves(access, [person.nationalId, ...person.formerNationalIds]);
  if (access.kind === 'citizen' && !isOwn) return faults.noAccess;
  const { hprNumber } = access;
  if (hprNumber && person.privacy.blockedProfessionals.includes(hprNumber)) return faults.blocked;
  if (isReserved(person)) return faults.reserved;
  if (isOwn) return null;
  if (isElevated(basis)) return isRestricted ? null : faults.needlessElevation;
  return isRestricted && refusesWhole ? faults.restricted : null;
};
