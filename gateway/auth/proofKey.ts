import { constants, createPublicKey, hash, type VerifyKeyObjectInput, verify } from 'node:crypto';
import * as z from 'zod';

/** The key that a DPoP proof is made with, and its RFC 7638 thumbprint. */
export type ProofKey = { jkt: string; isSignedBy(signed: string, signature: Buffer): boolean };

const ellipticCurves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;
const digests = {
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
};

/** FAPI 2.0's algorithms and their longer forms; HelseID's list but for RSASSA-PKCS1-v1_5. */
export const proofAlgorithms = Object.keys(digests);

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);
const noPrivatePart = z.undefined().optional();
const publicOnly = { d: noPrivatePart, k: noPrivatePart, p: noPrivatePart, q: noPrivatePart, oth: noPrivatePart };

const elliptic = (alg: keyof typeof ellipticCurves) =>
  z.object({
    alg: z.literal(alg),
    typ: z.literal('dpop+jwt'),
    jwk: z.object({
      ...publicOnly,
      kty: z.literal('EC'),
      crv: z.literal(ellipticCurves[alg]),
      x: base64url,
      y: base64url,
    }),
  });

const Header = z.discriminatedUnion('alg', [
  elliptic('ES256'),
  elliptic('ES384'),
  elliptic('ES512'),
  z.object({
    alg: z.enum(['PS256', 'PS384', 'PS512']),
    typ: z.literal('dpop+jwt'),
    // 2048 to 4096 bits, and the usual exponent: what others take a client could make dear to verify.
    jwk: z.object({ ...publicOnly, kty: z.literal('RSA'), e: z.literal('AQAB'), n: base64url.min(342).max(683) }),
  }),
]);

/**
 * Header of a proof -> its key.
 *
 * @returns `null` for another type, an algorithm that is not accepted, no key, a private or symmetric one, or one of another
 *   kind than the algorithm's
 */
export const readProofKey = (header: unknown): ProofKey | null => {
  const { data } = Header.safeParse(header);
  if (!data) return null;
  const { alg, jwk } = data;
  const members =
    jwk.kty === 'EC' ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y } : { e: jwk.e, kty: jwk.kty, n: jwk.n };
  try {
    const key = createPublicKey({ key: members, format: 'jwk' });
    const how: VerifyKeyObjectInput =
      jwk.kty === 'EC'
        ? { key, dsaEncoding: 'ieee-p1363' }
        : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    return {
      jkt: hash('sha256', JSON.stringify(members), 'base64url'),
      isSignedBy: (signed, signature) => verify(digests[alg], Buffer.from(signed), how, signature),
    };
  } catch {
    return null; // no point of the curve, or no number
  }
};
