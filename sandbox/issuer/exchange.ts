import type { JWTPayload } from 'jose';
import * as z from 'zod';

/** What of the caller's own token is still true when the audience is a national service (reference 10.6, 9.3). */
const carried = [
  'sub',
  'idp',
  'name',
  'helseid://claims/identity/pid',
  'helseid://claims/identity/security_level',
  'helseid://claims/identity/assurance_level',
  'helseid://claims/hpr/hpr_number',
  'helseid://claims/client/claims/orgnr_parent',
  'helseid://claims/client/claims/orgnr_child',
  'subject', // whom a citizen represents
];

const Attest = z.looseObject({
  type: z.literal('nhn:tillitsrammeverk:parameters'),
  attestation: z.object({ toa: z.number() }).optional(),
});
const attestLifeSeconds = 60 * 60;

/** SFM knows a record system's journal by an id of its own, in the token (reference 5.2). The sandbox has one journal. */
const journal = { type: 'nhn:sfm:journal-id', value: { journal_id: '6f6d6d6e-1111-4222-8333-000000000001' } };

/**
 * Claims of a verified subject token -> claims of the token it is exchanged for. HelseID's own exchange takes the attest
 * from the client assertion; here it follows the caller's token, which Kilde passes on unread.
 *
 * @param nowSeconds Unix time
 * @returns `null` when the attest is older than the trust framework allows
 */
export const exchangedClaims = (
  subject: JWTPayload,
  audience: string,
  nowSeconds: number,
): Record<string, unknown> | null => {
  const details = z.array(z.unknown()).catch([]).parse(subject['authorization_details']);
  const attests = details.flatMap((it) => Attest.safeParse(it).data ?? []);
  if (attests.some(({ attestation }) => attestation && attestation.toa < nowSeconds - attestLifeSeconds)) return null;
  const authorizationDetails = audience === 'e-helse:sfm.api' ? [...attests, journal] : attests;
  return {
    ...Object.fromEntries(carried.map((claim) => [claim, subject[claim]])),
    ...(authorizationDetails.length > 0 ? { authorization_details: authorizationDetails } : {}),
  };
};
