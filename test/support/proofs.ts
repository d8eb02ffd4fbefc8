import { createHash, randomUUID } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { nowSeconds } from './testIssuer.ts';

export const digestOf = (token: string) => createHash('sha256').update(token).digest('base64url');

/** For which request, with which token; `claims` and `header` go over the rest, `undefined` takes a member away. */
export type ProofFor = { method?: string; url: string; token?: string; claims?: object; header?: object };

export type Prover = {
  jwk: JWK;
  /** RFC 7638 thumbprint, for `cnf`. */
  jkt: string;
  key: CryptoKey;
  prove(request: ProofFor): Promise<string>;
};

/** A client's key, and proofs made with it, right or wrong. */
export const createProver = async (alg = 'ES256'): Promise<Prover> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jwk,
    jkt: await calculateJwkThumbprint(jwk),
    key: privateKey,
    prove: ({ method = 'POST', url, token, claims = {}, header = {} }) =>
      new SignJWT({
        jti: randomUUID(),
        htm: method,
        htu: url,
        iat: nowSeconds(),
        ...(token === undefined ? {} : { ath: digestOf(token) }),
        ...claims,
      })
        .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk, ...header })
        .sign(privateKey),
  };
};
