import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type AccessCheck, createAccessCheck } from '../../sandbox/_shared/access.ts';
import type { Caller } from '../../schema/caller.ts';
import type { Tokens } from '../../subgraphs/_shared/tokens.ts';

const claimsOf = (caller: Caller): Record<string, unknown> => ({
  ...(caller.kind === 'system'
    ? {}
    : { 'helseid://claims/identity/pid': caller.nin, 'helseid://claims/identity/security_level': '4' }),
  ...(caller.kind === 'professional' && caller.hprNumber
    ? { 'helseid://claims/hpr/hpr_number': caller.hprNumber }
    : {}),
  ...(caller.kind === 'citizen'
    ? {}
    : {
        'helseid://claims/client/claims/orgnr_parent': caller.organisation.legalEntity,
        'helseid://claims/client/claims/orgnr_child': caller.organisation.pointOfCare ?? undefined,
      }),
});

/**
 * Real signed access tokens and DPoP proofs from a key set of the test's own, without an OpenID provider in between.
 * `overrides` is merged into the claims last, to make tokens that a service must refuse.
 */
export const createTestTokens = async (
  overrides: Record<string, unknown> = {},
): Promise<{ tokens: Tokens; checkAccess: AccessCheck; close(): Promise<void> }> => {
  const signing = await generateKeyPair('PS256', { extractable: true });
  const proof = await generateKeyPair('ES256', { extractable: true });
  const proofJwk = await exportJWK(proof.publicKey);
  const jkt = await calculateJwkThumbprint(proofJwk);
  const keys = { keys: [{ ...(await exportJWK(signing.publicKey)), kid: 'test', alg: 'PS256', use: 'sig' }] };
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(keys));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const tokens: Tokens = {
    async headersFor(_source, { as, audience, scope }, { method, url, nonce }, { assertion }) {
      const { caller } = assertion;
      const claims =
        as === 'machine' ? { ...claimsOf(caller), 'helseid://claims/identity/pid': undefined } : claimsOf(caller);
      const token = await new SignJWT({
        client_id: 'test',
        scope: [scope],
        cnf: { jkt },
        ...claims,
        ...(as === 'user'
          ? {
              authorization_details: [
                { type: 'nhn:sfm:journal-id', value: { journal_id: '6f6d6d6e-1111-4222-8333-000000000001' } },
              ],
            }
          : {}),
        ...overrides,
      })
        .setProtectedHeader({ alg: 'PS256', kid: 'test', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('10m')
        .setJti(randomUUID())
        .sign(signing.privateKey);
      const dpop = await new SignJWT({
        htm: method,
        htu: url,
        ath: createHash('sha256').update(token).digest('base64url'),
        ...(nonce ? { nonce } : {}),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: proofJwk })
        .setIssuedAt()
        .setJti(randomUUID())
        .sign(proof.privateKey);
      return { ok: true, value: { authorization: `DPoP ${token}`, dpop } };
    },
    close: async () => {},
  };
  return {
    tokens,
    checkAccess: createAccessCheck({ issuer, jwksUri: `${issuer}/jwks` }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
