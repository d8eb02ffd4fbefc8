import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const nowSeconds = () => Math.floor(Date.now() / 1_000);

export type SigningKey = { kid: string; alg: string; privateKey: CryptoKey; jwk: JWK };

export const makeKey = async (kid: string, alg = 'PS256', published: JWK = {}): Promise<SigningKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig', ...published } };
};

export type TestIssuer = {
  url: string;
  key: SigningKey;
  /** What it publishes; to be changed. */
  keys: JWK[];
  /** Paths that were asked for, in order. */
  asked: string[];
  /** Answers instead of the issuer, until it is `null` again. */
  answer: ((path: string, response: ServerResponse) => void) | null;
  /** Claims of a good token for a nurse, that `claims` go over; `undefined` takes one away. */
  sign(claims?: object, header?: object, key?: SigningKey): Promise<string>;
  close(): Promise<void>;
};

export const nurse = '14834841291';
export const patient = '21861761093';
export const place = { legalEntity: '310000019', unit: '310002011' };

const organisationSystem = 'urn:oid:2.16.578.1.12.4.1.4.101';
/** A good attest in HelseID's structure (reference 11.1). */
export const attest = () => ({
  type: 'nhn:tillitsrammeverk:parameters',
  practitioner: {
    authorization: { code: 'SP', system: 'urn:oid:2.16.578.1.12.4.1.1.9060' },
    legal_entity: { id: place.legalEntity, system: organisationSystem },
    point_of_care: { id: place.unit, system: organisationSystem },
  },
  care_relationship: {
    healthcare_service: { code: 'KP02', system: 'urn:oid:2.16.578.1.12.4.1.1.8663' },
    purpose_of_use: { code: 'TREAT', system: 'urn:oid:2.16.840.1.113883.1.11.20448' },
    decision_ref: { id: 'vedtak-1', user_selected: false },
  },
  attestation: { toa: nowSeconds() },
  patients: [{ identifier: { id: patient, system: 'urn:oid:2.16.578.1.12.4.1.4.1' } }],
});

export const nurseClaims = () => ({
  aud: 'kilde:api',
  sub: 'pseudonym',
  client_id: 'epj',
  scope: ['kilde:api/read'],
  name: 'TEST SYKEPLEIER',
  'helseid://claims/identity/pid': nurse,
  'helseid://claims/identity/security_level': '4',
  'helseid://claims/hpr/hpr_number': '9990002',
  'helseid://claims/client/client_name': 'Test EPJ',
  'helseid://claims/client/claims/orgnr_parent': place.legalEntity,
  'helseid://claims/client/claims/orgnr_child': place.unit,
  authorization_details: [attest()],
});

/** An issuer that says whatever a test wants it to: metadata and keys over HTTP, tokens good and bad. */
export const startTestIssuer = async (): Promise<TestIssuer> => {
  const key = await makeKey('k1');
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    issuer.asked.push(path);
    if (issuer.answer) return issuer.answer(path, response);
    response.setHeader('content-type', 'application/json');
    const metadata = { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` };
    response.end(JSON.stringify(path === '/jwks' ? { keys: issuer.keys } : metadata));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer: TestIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key,
    keys: [key.jwk],
    asked: [],
    answer: null,
    sign: (claims = {}, header = {}, by = key) => {
      const now = nowSeconds();
      const own = { iss: issuer.url, jti: randomUUID(), iat: now, exp: now + 600, ...nurseClaims() };
      return new SignJWT({ ...own, ...claims })
        .setProtectedHeader({ alg: by.alg, kid: by.kid, typ: 'at+jwt', ...header })
        .sign(by.privateKey);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return issuer;
};
