import { createHmac, createPublicKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CompactEncrypt, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Door, openDoor } from '../../support/door.ts';
import { makeKey, nowSeconds, type SigningKey, startTestIssuer, type TestIssuer } from '../../support/testIssuer.ts';

// Rows J of the attack table (security reference 2.2). J13 is in issuerKeys.test.ts, J15 in caller.test.ts, J19 in
// proof.test.ts.

let issuer: TestIssuer;
let door: Door;
let stranger: SigningKey;
beforeAll(async () => {
  issuer = await startTestIssuer();
  stranger = await makeKey('k1');
});
afterAll(() => issuer.close());
beforeEach(() => {
  issuer.asked = [];
  issuer.keys = [issuer.key.jwk];
  door = openDoor(issuer);
});

const encode = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
const partsOf = (token: string) => token.split('.') as [string, string, string];
const refused = { status: 401, challenge: 'invalid_token' };
const expectRefused = async (token: string, because?: string) =>
  expect(await door.bearer(token)).toMatchObject({ ...refused, ...(because ? { reason: because } : {}) });
const notByTheIssuer = 'the signature is not by a key of the issuer';

/** Signed by the issuer's own key, whatever the header says. */
const signText = async (header: object, payload: string): Promise<string> => {
  const signed = `${encode(header)}.${encode(payload)}`;
  const how = { name: 'RSA-PSS', saltLength: 32 };
  const signature = await crypto.subtle.sign(how, issuer.key.privateKey, Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
};
const header = { alg: 'PS256', kid: 'k1', typ: 'at+jwt' };
const payloadOf = async (claims: object = {}) =>
  Buffer.from(partsOf(await issuer.sign(claims))[1], 'base64url').toString();

it('a good token is accepted, and not checked again within the time it is remembered', async () => {
  const token = await issuer.sign();
  for (let times = 0; times < 3; times++)
    expect(await door.bearer(token)).toMatchObject({ status: 200, caller: { kind: 'professional', role: 'nurse' } });
  expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
});

it('a token is not remembered beyond its life', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const token = await issuer.sign({ exp: nowSeconds() + 10 });
    expect((await door.bearer(token)).status).toBe(200);
    vi.setSystemTime(Date.now() + 20_000);
    await expectRefused(token, 'the token has expired');
  } finally {
    vi.useRealTimers();
  }
});

it.each(['none', 'None', 'nOnE', '', undefined])('J01: alg %s is refused', async (alg) => {
  const [, payload, signature] = partsOf(await issuer.sign());
  const head = encode({ ...header, alg });
  await expectRefused(`${head}.${payload}.${signature}`, 'alg is not accepted');
  await expectRefused(`${head}.${payload}.`);
  await expectRefused(`${head}.${payload}`);
});

it('J02: a public key as a secret signs nothing, as PEM, DER or JWK', async () => {
  const publicKey = createPublicKey({ key: issuer.key.jwk, format: 'jwk' });
  const secrets = [
    publicKey.export({ type: 'spki', format: 'pem' }),
    publicKey.export({ type: 'spki', format: 'der' }),
    JSON.stringify(issuer.key.jwk),
  ];
  const payload = await payloadOf();
  for (const bits of [256, 512])
    for (const secret of secrets) {
      const signed = `${encode({ ...header, alg: `HS${bits}` })}.${encode(payload)}`;
      const signature = createHmac(`sha${bits}`, secret).update(signed).digest('base64url');
      await expectRefused(`${signed}.${signature}`, 'alg is not accepted');
    }
});

it('J03: the algorithm is the key’s, and the curve the algorithm’s', async () => {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', issuer.key.privateKey);
  const rsa = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  const claims = JSON.parse(await payloadOf()) as Record<string, unknown>;
  const asRs256 = await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'RS256' }).sign(rsa);
  await expectRefused(asRs256, notByTheIssuer);

  const wide = await makeKey('k5', 'ES512', { alg: 'ES256' }); // published as what it is not
  issuer.keys = [issuer.key.jwk, wide.jwk];
  door = openDoor(issuer);
  await expectRefused(await issuer.sign({}, {}, wide), notByTheIssuer);
  const [, payload, signature] = partsOf(await issuer.sign({}, {}, wide));
  await expectRefused(`${encode({ ...header, kid: 'k5', alg: 'ES256' })}.${payload}.${signature}`, notByTheIssuer);
  expect((await door.bearer(await issuer.sign())).status).toBe(200);
});

it('J04: a signature that is missing, cut, of another token or all zeroes is refused', async () => {
  const elliptic = await makeKey('k2', 'ES256');
  issuer.keys = [issuer.key.jwk, elliptic.jwk];
  const [head, payload, signature] = partsOf(await issuer.sign());
  const [, , other] = partsOf(await issuer.sign());
  for (const bad of ['', signature.slice(0, -2), signature.slice(0, 20), other, `${signature}AA`, `${signature}=`])
    await expectRefused(`${head}.${payload}.${bad}`);

  const good = await issuer.sign({}, {}, elliptic);
  expect((await door.bearer(good)).status).toBe(200);
  const [ellipticHead, ellipticPayload, raw] = partsOf(good);
  const [r, s] = [Buffer.from(raw, 'base64url').subarray(0, 32), Buffer.from(raw, 'base64url').subarray(32)];
  const integer = (bytes: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), bytes]);
  const der = Buffer.concat([Buffer.from([0x30, 70]), integer(r), integer(s)]);
  for (const bad of [der, Buffer.alloc(64), Buffer.concat([r, Buffer.alloc(32)])])
    await expectRefused(`${ellipticHead}.${ellipticPayload}.${bad.toString('base64url')}`, notByTheIssuer);
});

it('J04: another spelling of the same signature is another token, and refused', async () => {
  const [head, payload, signature] = partsOf(await issuer.sign());
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(signature.at(-1) ?? '');
  const twin = `${signature.slice(0, -1)}${alphabet[last ^ 1]}`; // 256 bytes leave four bits of the last character unused
  expect(Buffer.from(twin, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
  await expectRefused(`${head}.${payload}.${twin}`, 'not a token');
});

it('J05: payload and header cannot be changed after signing', async () => {
  const [head, payload, signature] = partsOf(await issuer.sign());
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  await expectRefused(`${head}.${encode({ ...claims, sub: 'another' })}.${signature}`, notByTheIssuer);
  await expectRefused(`${head}.${encode(`${JSON.stringify(claims)} `)}.${signature}`, notByTheIssuer);
  await expectRefused(`${encode({ ...header, extra: 1 })}.${payload}.${signature}`, notByTheIssuer);
  await expectRefused(`${payload}.${head}.${signature}`);
});

describe('J06: a kid', () => {
  it.each([
    ['that is unknown', 'k9'],
    ['that is a path', '../../x'],
    ['that is SQL', "k1' or '1'='1"],
    ['that is an address', 'http://127.0.0.1:1/key'],
    ['that is very long', 'k'.repeat(5_000)],
    ['that is no text', 7],
  ])('%s is refused, with one look at the keys at most', async (_title, kid) => {
    await expectRefused(await issuer.sign({}, { kid }, stranger));
    await expectRefused(await issuer.sign({}, { kid }, stranger));
    expect(issuer.asked.filter((it) => it === '/jwks').length).toBeLessThanOrEqual(1);
  });

  it('of two keys is refused, and of a key for encryption', async () => {
    issuer.keys = [issuer.key.jwk, stranger.jwk];
    await expectRefused(await issuer.sign(), notByTheIssuer);
    issuer.keys = [issuer.key.jwk, { ...stranger.jwk, kid: 'e1', use: 'enc' }];
    door = openDoor(issuer);
    await expectRefused(await issuer.sign({}, { kid: 'e1' }, stranger), notByTheIssuer);
    expect((await door.bearer(await issuer.sign())).status).toBe(200);
  });
});

it('J07: a key that the token itself brings or points at counts nothing, and nothing is fetched', async () => {
  const fetched: string[] = [];
  const attacker = createServer((request, response) => {
    fetched.push(request.url ?? '');
    response.end(JSON.stringify({ keys: [stranger.jwk] }));
  });
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(attacker.address() as AddressInfo).port}/jwks`;
  try {
    for (const pointer of [{ jku: url }, { x5u: url }, { jwk: stranger.jwk }, { x5c: ['MIIB'] }]) {
      await expectRefused(await issuer.sign({}, pointer, stranger), notByTheIssuer);
      await expectRefused(await issuer.sign({}, { ...pointer, kid: undefined }, stranger), notByTheIssuer);
    }
    expect(fetched).toEqual([]);
  } finally {
    attacker.close();
  }
});

describe('J08: a token that would have to be read in another way', () => {
  it.each([
    ['crit with an unknown extension', { crit: ['x'], x: 1 }],
    ['crit with a known one', { crit: ['b64'], b64: true }],
    ['b64 false', { b64: false }],
    ['zip', { zip: 'DEF' }],
  ])('%s is refused', async (_title, more) => {
    await expectRefused(await signText({ ...header, ...more }, await payloadOf()), 'not a token');
  });

  it('a JWE, a nested token and the JSON forms are refused', async () => {
    const { publicKey } = await generateKeyPair('RSA-OAEP-256');
    const token = await issuer.sign();
    const jwe = await new CompactEncrypt(Buffer.from(token))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(publicKey);
    await expectRefused(jwe, 'not a token');
    await expectRefused(await signText({ ...header, cty: 'JWT' }, token));
    const [head, payload, signature] = partsOf(token);
    const flat = JSON.stringify({ protected: head, payload, signature });
    await expectRefused(flat, 'not one access token');
    await expectRefused(encode(flat), 'not a token');
  });
});

it.each<[string, (url: string) => unknown]>([
  ['of another environment', () => 'https://helseid-sts.nhn.no'],
  ['with a slash', (url) => `${url}/`],
  ['in upper case', (url) => url.toUpperCase()],
  ['in a list', (url) => [url]],
  ['missing', () => undefined],
])('J09: iss %s is refused', async (_title, iss) => {
  await expectRefused(await issuer.sign({ iss: iss(issuer.url) }));
});

it('J09: a token of another issuer whose key has the same kid is refused', async () => {
  await expectRefused(await issuer.sign({ iss: 'https://other.example' }, {}, stranger), notByTheIssuer);
  await expectRefused(await issuer.sign({}, {}, stranger), notByTheIssuer);
});

it.each([
  ['missing', undefined],
  ['of another API', 'nhn:pps'],
  ['that begins alike', 'kilde:api2'],
  ['that is the beginning', 'kilde:ap'],
  ['that holds ours and another', ['kilde:api', 'nhn:pps']],
  ['that is a list of ours', ['kilde:api']],
  ['that is the client', 'epj'],
])('J10: aud %s is refused', async (_title, aud) => {
  await expectRefused(await issuer.sign({ aud }));
});

it.each<[string, () => object]>([
  ['expired', () => ({ exp: nowSeconds() - 3_600, iat: nowSeconds() - 4_000 })],
  ['expired by a second more than the leeway', () => ({ exp: nowSeconds() - 6 })],
  ['without exp', () => ({ exp: undefined })],
  ['with exp as text', () => ({ exp: String(nowSeconds() + 600) })],
  ['with exp as a fraction', () => ({ exp: nowSeconds() + 600.5 })],
  ['with exp 1e300', () => ({ exp: 1e300 })],
  ['with a negative exp', () => ({ exp: -1 })],
  ['not yet valid', () => ({ nbf: nowSeconds() + 60 })],
  ['made in the future', () => ({ iat: nowSeconds() + 60 })],
  ['without iat', () => ({ iat: undefined })],
  ['that lives longer than an hour', () => ({ exp: nowSeconds() + 3_602 })],
])('J11: a token %s is refused', async (_title, claims) => {
  await expectRefused(await issuer.sign(claims()));
});

it.each<[string, () => object]>([
  ['expired', () => ({ exp: nowSeconds() - 3 })],
  ['not yet valid', () => ({ nbf: nowSeconds() + 4 })],
  ['made in the future', () => ({ iat: nowSeconds() + 4 })],
])('J11: a token %s within the leeway is accepted', async (_title, claims) => {
  expect((await door.bearer(await issuer.sign(claims()))).status).toBe(200);
});

describe('J12: the type', () => {
  it.each(['dpop+jwt', 'logout+jwt', 'AT+JWT', 'application/at+jwt', '', undefined, 1])(
    '%s is refused',
    async (typ) => {
      await expectRefused(await issuer.sign({}, { typ }), 'typ is another');
    },
  );
  it('JWT is accepted, for HelseID sends it too', async () => {
    expect((await door.bearer(await issuer.sign({}, { typ: 'JWT' }))).status).toBe(200);
  });
  it('an id token and a client assertion are no access tokens', async () => {
    const idToken = { aud: 'epj', nonce: 'n', scope: undefined, client_id: undefined };
    await expectRefused(await issuer.sign(idToken, { typ: 'JWT' }), 'aud is another');
    await expectRefused(await issuer.sign({ ...idToken, aud: 'kilde:api' }, { typ: 'JWT' }));
    const assertion = { iss: 'epj', sub: 'epj', aud: issuer.url, scope: undefined };
    await expectRefused(await issuer.sign(assertion, { typ: 'JWT' }), 'iss is another');
  });
});

describe('J14: claims', () => {
  it.each<[string, (payload: string) => string]>([
    ['sub', (payload) => payload.replace('{', '{"sub":"other",')],
    ['aud', (payload) => payload.replace('{', '{"aud":"nhn:pps",')],
    ['scope, escaped', (payload) => payload.replace('{', '{"s\\u0063ope":"kilde:api/admin",')],
    ['one of an inner object', (payload) => payload.replace('"practitioner":{', '"practitioner":{"legal_entity":1,')],
  ])('twice, %s, are refused', async (_title, twice) => {
    const payload = await payloadOf();
    const changed = twice(payload);
    expect(changed).not.toBe(payload);
    await expectRefused(await signText(header, changed), 'payload is missing or malformed');
    expect((await door.bearer(await signText(header, payload))).status).toBe(200);
  });

  it.each([
    ['an array', ['kilde:api/read']],
    ['a text', 'openid kilde:api/read'],
  ])('scope as %s is read', async (_title, scope) => {
    expect((await door.bearer(await issuer.sign({ scope }))).status).toBe(200);
  });

  it.each<[string, unknown, number]>([
    ['that is an object', { 'kilde:api/read': true }, 401],
    ['that is a longer word', 'kilde:api/readall', 403],
    ['that is a shorter word', 'kilde:api/rea', 403],
    ['in one element with another', ['openid kilde:api/read'], 403],
    ['in upper case', ['KILDE:API/READ'], 403],
    ['with a look-alike letter', ['kilde:api/rеad'], 403],
    ['with a space that is none', 'openid\u00a0kilde:api/read', 403],
    ['of another API', ['nhn:pps/provesvar-read'], 403],
    ['that is missing', undefined, 401],
  ])('a scope %s gives nothing', async (_title, scope, status) => {
    expect((await door.bearer(await issuer.sign({ scope }))).status).toBe(status);
  });
});

it('J14: a token without any scope of ours is refused for that, and concerns nobody’s log', async () => {
  for (const scope of [['x-kilde:api/read'], ['kilde:api'], ['nhn:pps/provesvar-read']])
    expect(await door.bearer(await issuer.sign({ scope }))).toMatchObject({ status: 403, rule: 'caller/scope' });
  expect(door.entries).toEqual([]);
});

describe('J18: scheme and binding belong together', () => {
  it('a bound token as Bearer is refused', async () => {
    await expectRefused(await issuer.sign({ cnf: { jkt: 'a'.repeat(43) } }), 'the token is bound to a key');
  });
  it('a binding of a kind that is not known is refused', async () => {
    await expectRefused(await issuer.sign({ cnf: { 'x5t#S256': 'a'.repeat(43) } }));
    await expectRefused(await issuer.sign({ cnf: null }));
  });
  it('an unbound token with the scheme DPoP is refused', async () => {
    const answer = await door.dpop(await issuer.sign(), 'a.b.c');
    expect(answer).toMatchObject({ ...refused, reason: 'the token is not bound to a key' });
  });
  it('in production a token that is not bound is refused', async () => {
    const production = openDoor(
      { ...issuer, url: 'https://helseid.example' },
      { KILDE_ENVIRONMENT: 'production', TRUSTED_DOCUMENTS: 'manifest.json', AUDIT_CHECKPOINTS: 'checkpoints' },
    );
    const answer = await production.bearer(await issuer.sign());
    expect(answer).toMatchObject({ ...refused, reason: 'tokens must be bound to a key' });
  });
});

describe('B45: an Authorization header', () => {
  it.each<[string, (token: string) => string[]]>([
    ['that comes twice', (token) => ['authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`]],
    ['with two joined by a comma', (token) => ['authorization', `Bearer ${token}, Bearer ${token}`]],
    ['in lower case', (token) => ['authorization', `bearer ${token}`]],
    ['with a tab', (token) => ['authorization', `Bearer\t${token}`]],
    ['with two spaces', (token) => ['authorization', `Bearer  ${token}`]],
    ['with something after the token', (token) => ['authorization', `Bearer ${token} x`]],
    ['of 64 kB', (token) => ['authorization', `Bearer ${token}${'A'.repeat(64_000)}`]],
    ['without a token', () => ['authorization', 'Bearer ']],
    ['of another scheme', () => ['authorization', 'Basic a2lsZGU6a2lsZGU=']],
  ])('%s is refused', async (_title, headers) => {
    expect(await door.knock(headers(await issuer.sign()))).toMatchObject(refused);
  });
  it('that is missing is asked for, without saying that one is wrong', async () => {
    expect(await door.knock([])).toMatchObject({ status: 401, challenge: 'none' });
  });
});

it('a token that is too long is not even read', async () => {
  await expectRefused(await issuer.sign({ padding: 'x'.repeat(9_000) }), 'not a token');
  expect(issuer.asked).toEqual([]);
});

it('final sanity: a good token is still accepted', async () => {
  expect((await door.bearer(await issuer.sign())).status).toBe(200);
});
