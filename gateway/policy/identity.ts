import { type DocumentNode, parse } from 'graphql';
import * as z from 'zod';
import type { Assertion } from '../../schema/assertion.ts';
import type { SourceReport } from '../../schema/sources.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import type { Scope } from '../execute/scope.ts';
import { requestError } from '../operation/errors.ts';
import type { PatientKey } from '../operation/patient.ts';
import type { PersonFacts } from './person.ts';

const text = `query Identify($nationalId: String, $id: ID) {
  identify(nationalId: $nationalId, id: $id) {
    id nationalIds givenName familyName birthDate deceased addressProtection responsible guardians status asOf
  }
}`;
const document: DocumentNode = parse(text, { noLocation: true });

const Answer = z.object({
  identify: z
    .object({
      id: z.string(),
      nationalIds: z.tuple([z.string()], z.string()),
      givenName: z.string().nullable(),
      familyName: z.string().nullable(),
      birthDate: z.string().nullable(),
      deceased: z.boolean(),
      addressProtection: z.string().nullable(),
      responsible: z.array(z.string()),
      guardians: z.array(z.string()),
      status: z.enum(['FRESH', 'CACHED', 'STALE', 'UNAVAILABLE', 'NOT_ASKED']),
      asOf: z.string().nullable(),
    })
    .nullable(),
});

/** Who somebody is, before it is known what they have restricted. */
export type Identity = Omit<PersonFacts, 'settings'>;
export type Identified = { person: Identity | null; sources: readonly SourceReport[] };

/** What the gateway vouches for when it asks on its own behalf, before anything is decided: who asks, and no patient. */
export const beforeDeciding = ({ traceId, eventId, caller, deadline }: Scope): Assertion => ({
  traceId,
  eventId,
  caller,
  patients: [],
  categories: [],
  purpose: null,
  accessBasis: 'UNNTAK',
  deadline,
});

/**
 * The person an operation is about, from the subgraph that keeps the register, before anything is planned: decisions
 * need the facts, and no plan then begins with a hop only to learn an id.
 *
 * @returns `person: null` for an unknown person
 * @throws GraphQLError SOURCE_UNAVAILABLE when nobody can say who it is
 */
export const identify = async (registers: Subgraph, key: PatientKey, scope: Scope): Promise<Identified> => {
  const assertion = beforeDeciding(scope);
  const variables = 'id' in key ? { id: key.id } : { nationalId: key.nationalId };
  const { data, errors, sources } = await registers.execute({
    document,
    text,
    variables,
    assertion,
    subjectToken: null,
    signal: scope.signal,
  });
  if (errors?.[0]) throw requestError(errors[0].extensions.code, 'The patient cannot be looked up now', 503);
  const { identify: found } = Answer.parse(data);
  if (!found) return { person: null, sources };
  const { nationalIds, givenName, familyName, ...facts } = found;
  const name = givenName !== null && familyName !== null ? { given: givenName, family: familyName } : null;
  return { person: { ...facts, nins: nationalIds, name }, sources };
};
