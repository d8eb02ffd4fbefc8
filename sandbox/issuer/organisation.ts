import * as z from 'zod';
import type { Population } from '../population/model.ts';

const Stated = z.object({
  practitioner_role: z.object({
    organization: z.object({
      identifier: z.object({
        system: z.literal('urn:oid:1.0.6523'),
        type: z.literal('ENH'),
        value: z.string().regex(/^NO:ORGNR:\d{9}(:\d{9})?$/),
      }),
    }),
  }),
});
/** Details of other types, an attest, may stand beside. */
const Details = z.array(z.looseObject({ type: z.string() }));
/** The member has an older and a newer name (reference 10.3). */
const Assertion = z.object({ authorization_details: Details.optional(), assertion_details: Details.optional() });

export type OrganisationClaims = {
  'helseid://claims/client/claims/orgnr_parent'?: string;
  'helseid://claims/client/claims/orgnr_child'?: string;
};

/**
 * Organisation numbers that a client states in its assertion, in the multi-tenant form (reference 10.3). None stated
 * gives none in the token.
 *
 * @returns `null` when they are sent twice, malformed, unknown, or not unit and legal entity of each other
 */
export const organisationClaims = (assertion: unknown, population: Population): OrganisationClaims | null => {
  const { success, data } = Assertion.safeParse(assertion);
  if (!success || (data.authorization_details && data.assertion_details)) return null;
  const ofUs = (data.authorization_details ?? data.assertion_details ?? []).filter(
    ({ type }) => type === 'helseid_authorization',
  );
  const stated = z.array(Stated).max(1).safeParse(ofUs);
  if (!stated.success) return null;
  const [details] = stated.data;
  if (!details) return {};
  const [, , parent, child] = details.practitioner_role.organization.identifier.value.split(':');
  const known = (number: string | undefined) => population.organisations.find((it) => it.number === number);
  if (!parent || !known(parent)) return null;
  const claims = { 'helseid://claims/client/claims/orgnr_parent': parent };
  if (!child) return claims;
  if (child !== parent && known(child)?.parent !== parent) return null;
  return { ...claims, 'helseid://claims/client/claims/orgnr_child': child };
};
