import { parseNationalId } from '../../../schema/nationalId.ts';
import { type AccessBasis, accessBases } from '../../../schema/sources.ts';
import type { Access } from '../../_shared/access.ts';
import type { Population } from '../../population/model.ts';
import { operationOutcome } from './outcome.ts';

/** An error of PPS with its status. */
export type Failure = { status: number; outcome: ReturnType<typeof operationOutcome> };
type Headers = Record<string, string | string[] | undefined>;

const correlationHeaders = ['cid', 'traceparent', 'correlation-id', 'x-correlation-id', 'x-request-id'];

/** The one correlation header that came, by its name; PPS takes any of several. */
export const correlationOf = (headers: Headers): [name: string, value: string] | null => {
  const name = correlationHeaders.find((it) => typeof headers[it] === 'string');
  return name ? [name, String(headers[name])] : null;
};

const wrong = (name: string): Failure => ({
  status: 400,
  outcome: operationOutcome('invalid', `Missing or invalid header: ${name}`),
});

/** The professional must hold the role that the header claims (reference 1.1); citizens claim none. */
const holdsRole = (access: Access, role: unknown, { practitioners }: Population): boolean =>
  practitioners.some(
    ({ hprNumber, category, revoked }) => hprNumber === access.hprNumber && category === role && !revoked,
  );

/** The headers of 4.1, read and checked in the order of the document. */
export const readHeaders = (
  headers: Headers,
  access: Access,
  population: Population,
): { nationalId: string; basis: AccessBasis } | Failure => {
  const nationalId = headers['person-id'];
  if (typeof nationalId !== 'string' || parseNationalId(nationalId) === null) return wrong('person-id');
  const basis = accessBases.find((it) => it === headers['access-basis']);
  if (!basis) return wrong('access-basis');
  if (correlationOf(headers) === null) return wrong('correlation id');
  const role = headers['requester-hpr-role'];
  if (access.kind === 'professional' && !holdsRole(access, role, population))
    return { status: 403, outcome: operationOutcome('forbidden', 'requester-hpr-role is not held by the requester') };
  return { nationalId, basis };
};
