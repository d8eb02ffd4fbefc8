/**
 * How a client asks Kilde, with `jose` and `fetch`: a key of its own, an access token bound to it, and for each request a
 * proof that the key is here (DPoP, RFC 9449).
 *
 *   npm start
 *   node examples/client/ask.ts
 *
 * In the sandbox the token comes from `POST /sandbox/token`. With HelseID it is the one from `/connect/token`, asked for with
 * `resource=kilde:api`; everything else here stays as it is.
 */
import { createHash, randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';

export type Answer = { status: number; body: unknown };
export type Client = {
  /** @param persona one of `GET /sandbox/personas` @param patient a synthetic national id */
  signIn(persona: string, patient: string): Promise<void>;
  ask(query: string, variables?: Record<string, unknown>): Promise<Answer>;
};

/** @param kilde where Kilde is, as it is known outside: proofs are made for this address and are good for no other */
export const createClient = async (kilde: string): Promise<Client> => {
  const { privateKey, publicKey } = await generateKeyPair('ES256'); // stays in this process, and cannot be exported
  const jwk = await exportJWK(publicKey);
  const url = `${kilde}/graphql`;
  let token = '';
  let nonce: string | null = null;

  const prove = () =>
    new SignJWT({
      jti: randomUUID(), // once only: a proof that is sent again is refused
      htm: 'POST',
      htu: url,
      ath: createHash('sha256').update(token).digest('base64url'),
      ...(nonce ? { nonce } : {}),
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .setIssuedAt()
      .sign(privateKey);

  const send = async (body: string): Promise<Response> => {
    const headers = { 'content-type': 'application/json', authorization: `DPoP ${token}`, dpop: await prove() };
    const answer = await fetch(url, { method: 'POST', headers, body });
    nonce = answer.headers.get('dpop-nonce') ?? nonce;
    return answer;
  };

  return {
    async signIn(persona, patient) {
      const answer = await fetch(`${kilde}/sandbox/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ persona, patient, jkt: await calculateJwkThumbprint(jwk) }),
      });
      if (!answer.ok) throw new Error(`no token: ${answer.status}`);
      ({ access_token: token } = (await answer.json()) as { access_token: string });
    },
    async ask(query, variables = {}) {
      const body = JSON.stringify({ query, variables });
      let answer = await send(body);
      const wantsNonce = answer.headers.get('www-authenticate')?.includes('error="use_dpop_nonce"');
      if (answer.status === 401 && wantsNonce) answer = await send(body); // once more, with the nonce that came along
      return { status: answer.status, body: await answer.json() };
    },
  };
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const patient = '14834841291'; // invented, as everybody in the sandbox
  const client = await createClient(process.env['KILDE_URL'] ?? 'http://localhost:4000');
  await client.signIn('legevakt-doctor', patient);
  const query = `query ($patient: PatientIdentifier!) {
    patient(identifier: $patient) { name { text } criticalInformation { status } }
  }`;
  console.log(JSON.stringify((await client.ask(query, { patient })).body, null, 2));
}
