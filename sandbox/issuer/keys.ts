import { createPublicKey } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** A new private key for PS256, which is what HelseID signs with and asks of its clients (reference 10.2). */
export const makeSigningKey = async (kid: string): Promise<JWK & { kid: string }> => {
  const { privateKey } = await generateKeyPair('PS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: 'PS256', use: 'sig' };
};

/** What others may know of a private key. */
export const publicPart = (key: JWK): JWK => {
  const { kid, alg, use } = key;
  return {
    ...createPublicKey({ key, format: 'jwk' }).export({ format: 'jwk' }),
    ...(kid ? { kid } : {}),
    ...(alg ? { alg } : {}),
    ...(use ? { use } : {}),
  };
};
