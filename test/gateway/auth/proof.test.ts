import { createHmac, randomUUID } from 'node:crypto';
import { exportJWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Door, graphqlUrl, openDoor, publicUrl } from '../../support/door.ts';
import { createProver, digestOf, type ProofFor, type Prover } from '../../support/proofs.ts';
import { nowSeconds, startTestIssuer, type TestIssuer } from '../../support/testIssuer.ts';

// Rows D01 to D42 and J19 of the attack table (security reference 2.2), in the order of RFC 9449 and the FAPI 2.0 module;
// D34 and D35 are in replay.test.ts. Headers as they go over the wire, and a proxy before the gateway: e2e/dpop.test.ts.

let issuer: TestIssuer;
let door: Door;
let client: Prover;
let token: string;
beforeAll(async () => {
  issuer = await startTestIssuer();
  client = await createProver();
  token = await issuer.sign({ cnf: { jkt: client.jkt } });
});
afterAll(() => issuer.close());
beforeEach(() => {
  door = openDoor(issuer);
});

const prove = (request: Partial<ProofFor> = {}, by = client) => by.prove({ url: graphqlUrl, token, ...request });
const knock = async (request: Partial<ProofFor> = {}, by = client) => door.dpop(token, await prove(request, by));
const refused = { status: 401, challenge: 'invalid_dpop_proof' };
const expectRefused = async (request: Partial<ProofFor>, reason?: string) =>
  expect(await knock(request)).toMatchObject({ ...refused, ...(reason ? { reason } : {}) });
const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');

it('D01: a correct proof is accepted, whatever the case of the header’s name', async () => {
  for (const name of ['DPoP', 'dpop', 'DPOP'])
    expect((await door.knock(['authorization', `DPoP ${token}`, name, await prove()])).status).toBe(200);
});

it('D02: two DPoP headers are refused, two values in one too', async () => {
  const [one, two] = [await prove(), await prove()];
  const authorization = ['authorization', `DPoP ${token}`];
  expect(await door.knock([...authorization, 'dpop', one, 'DPoP', two])).toMatchObject({
    ...refused,
    reason: 'not one proof',
  });
  expect(await door.dpop(token, `${one}, ${two}`)).toMatchObject({ ...refused, reason: 'not a proof' });
});

it.each(['', 'x', 'a.b', 'a.b.c', 'a.b.c.d', '..', '{}'])('D03: %j is no proof', async (proof) => {
  expect(await door.dpop(token, proof)).toMatchObject(refused);
});

describe('a proof', () => {
  it.each([
    ['D04', 'typ', { header: { typ: undefined } }, 'typ, alg or jwk is not accepted'],
    ['D06', 'jwk', { header: { jwk: undefined } }, 'typ, alg or jwk is not accepted'],
    ['D07', 'jti', { claims: { jti: undefined } }, 'jti is missing or too long'],
    ['D08', 'htm', { claims: { htm: undefined } }, 'htm is another method'],
    ['D09', 'htu', { claims: { htu: undefined } }, 'htu is another address'],
    ['D10', 'iat', { claims: { iat: undefined } }, 'iat is too old or to come'],
    ['D11', 'ath', { claims: { ath: undefined } }, 'ath is of another token'],
  ])('%s: without %s is refused', async (_row, _member, request, reason) => {
    await expectRefused(request, reason);
  });

  it('D05: without alg is refused', async () => {
    const [head = '', payload, signature] = (await prove()).split('.');
    const { alg: _none, ...header } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { alg: string };
    expect(await door.dpop(token, `${encode(header)}.${payload}.${signature}`)).toMatchObject(refused);
  });

  it.each(['jwt', 'at+jwt', 'DPOP+JWT', 'application/dpop+jwt', ''])('D12: of typ %j is refused', async (typ) => {
    await expectRefused({ header: { typ } });
  });

  it('D13: with RS256 is refused', async () => {
    const rsa = await createProver('RS256');
    token = await issuer.sign({ cnf: { jkt: rsa.jkt } });
    expect(await door.dpop(token, await prove({}, rsa))).toMatchObject(refused);
    token = await issuer.sign({ cnf: { jkt: client.jkt } });
  });

  it('D14: with alg none or a symmetric one is refused', async () => {
    const [, payload = ''] = (await prove()).split('.');
    for (const alg of ['none', 'NONE', 'HS256']) {
      const signed = `${encode({ typ: 'dpop+jwt', alg, jwk: client.jwk })}.${payload}`;
      const signature = createHmac('sha256', JSON.stringify(client.jwk)).update(signed).digest('base64url');
      expect(await door.dpop(token, `${signed}.${signature}`)).toMatchObject(refused);
      expect(await door.dpop(token, `${signed}.`)).toMatchObject(refused);
    }
    const secret = { kty: 'oct', k: Buffer.from('secret').toString('base64url') };
    await expectRefused({ header: { jwk: secret } }, 'typ, alg or jwk is not accepted');
  });

  it('D15: with a bad signature is refused', async () => {
    const [head, payload = '', signature = ''] = (await prove()).split('.');
    const [, , another] = (await prove()).split('.');
    const zeroes = Buffer.alloc(64).toString('base64url');
    for (const bad of [another, zeroes, signature.slice(0, -2), `${signature}AAAA`])
      expect(await door.dpop(token, `${head}.${payload}.${bad}`)).toMatchObject(refused);
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const changed = encode({ ...claims, jti: randomUUID() });
    expect(await door.dpop(token, `${head}.${changed}.${signature}`)).toMatchObject({
      ...refused,
      reason: 'the signature is not by the key in jwk',
    });
  });

  it('D16: that gives its private key away is refused', async () => {
    await expectRefused({ header: { jwk: await exportJWK(client.key) } }, 'typ, alg or jwk is not accepted');
  });

  it.each(['GET', 'post', 'Post', 'PUT', ''])('D17: for the method %j is refused', async (method) => {
    await expectRefused({ method }, 'htm is another method');
  });

  it('D18: with query and fragment in htu is accepted', async () => {
    expect((await knock({ url: `${graphqlUrl}?a=1#b` })).status).toBe(200);
  });

  it('D19: without the request’s query is accepted: the door is told the path alone, as the server’s test shows', async () => {
    expect((await knock({ url: graphqlUrl })).status).toBe(200);
  });

  it.each([
    'https://other.example/graphql',
    'http://kilde.example/graphql',
    'https://kilde.example:8443/graphql',
    'https://kilde.example/graphql/',
    'https://kilde.example/events',
    'https://kilde.example/',
    'https://kilde.example/GraphQL',
    'https://user@kilde.example/graphql',
    'https://kilde.example.evil.example/graphql',
    '/graphql',
    'graphql',
  ])('D20: for %s is refused', async (url) => {
    await expectRefused({ url }, 'htu is another address');
  });
  it('D20: for an address that is no text is refused', async () => {
    for (const htu of [null, 1, [graphqlUrl], {}]) await expectRefused({ claims: { htu } }, 'htu is another address');
  });

  it.each([
    ['D21', 'an hour old', -3_600],
    ['D22', 'an hour ahead', 3_600],
  ])('%s: that is %s is refused', async (_row, _title, offset) => {
    await expectRefused({ claims: { iat: nowSeconds() + offset } }, 'iat is too old or to come');
  });

  it('D23, D24: is accepted at its first use and refused at its second', async () => {
    const proof = await prove();
    expect((await door.dpop(token, proof)).status).toBe(200);
    expect(await door.dpop(token, proof)).toMatchObject({ ...refused, reason: 'the proof has been used' });
    const jti = randomUUID();
    expect((await knock({ claims: { jti } })).status).toBe(200);
    await expectRefused({ claims: { jti } }, 'the proof has been used'); // made anew, with the same jti
  });

  it('D25: with another ath is refused', async () => {
    for (const ath of [digestOf('other'), '', 1, null, digestOf(token).toLowerCase()])
      await expectRefused({ claims: { ath } }, 'ath is of another token');
  });

  it('D26: by another key than the token’s is refused', async () => {
    const other = await createProver();
    expect(await knock({}, other)).toMatchObject({
      ...refused,
      reason: 'the key is not the one that the token is bound to',
    });
    await expectRefused({ header: { jwk: other.jwk } }); // the token's key signs, the other is shown
    expect(await knock({ header: { jwk: client.jwk } }, other)).toMatchObject(refused); // and the reverse
  });

  it('D27: with further claims and header parameters is accepted', async () => {
    const answer = await knock({
      claims: { extra: { a: [1] }, nonce: 'of nobody' },
      header: { kid: 'x', jku: 'https://x' },
    });
    expect(answer.status).toBe(200);
  });

  it('D28: with scheme and host in upper case in htu is accepted', async () => {
    expect((await knock({ url: 'HTTPS://KILDE.Example/graphql' })).status).toBe(200);
  });

  it('D29: with the default port in htu is accepted', async () => {
    expect((await knock({ url: 'https://kilde.example:443/graphql' })).status).toBe(200);
  });

  it('D30: is required', async () => {
    expect(await door.knock(['authorization', `DPoP ${token}`])).toMatchObject({ ...refused, reason: 'not one proof' });
  });

  it('D31: cannot be left out by saying Bearer', async () => {
    expect(await door.bearer(token)).toMatchObject({ status: 401, reason: 'the token is bound to a key' });
    const both = ['authorization', `Bearer ${token}`, 'dpop', await prove()];
    expect(await door.knock(both)).toMatchObject({ status: 401, reason: 'the token is bound to a key' });
  });

  it('D32: that is correct still works after all that', async () => {
    expect((await knock()).status).toBe(200);
  });

  it.each([
    [8, 200],
    [10, 200],
    [-10, 200],
    [-59, 200],
    [11, 401],
    [-61, 401],
  ])('D33: made %i seconds from now gets %i', async (offset, status) => {
    expect((await knock({ claims: { iat: nowSeconds() + offset } })).status).toBe(status);
  });

  it('D33: the window is the configuration’s', async () => {
    const narrow = openDoor(issuer, { DPOP_PAST_SECONDS: '5', DPOP_FUTURE_SECONDS: '2' });
    for (const [offset, status] of [
      [-4, 200],
      [-7, 401],
      [2, 200],
      [4, 401],
    ] as const)
      expect((await narrow.dpop(token, await prove({ claims: { iat: nowSeconds() + offset } }))).status).toBe(status);
  });

  it('D36: has a jti of its key’s own: another client’s equal one is another', async () => {
    const other = await createProver();
    const others = await issuer.sign({ cnf: { jkt: other.jkt } });
    const claims = { jti: randomUUID() };
    expect((await door.dpop(token, await prove({ claims }))).status).toBe(200);
    const theirs = () => other.prove({ url: graphqlUrl, token: others, claims });
    expect((await door.dpop(others, await theirs())).status).toBe(200);
    expect((await door.dpop(others, await theirs())).status).toBe(401);
  });

  it('D37: with a jti that is too long or no text is refused', async () => {
    expect((await knock({ claims: { jti: 'j'.repeat(256) } })).status).toBe(200);
    for (const jti of ['', 'j'.repeat(257), 7, null, ['a'], { a: 1 }])
      await expectRefused({ claims: { jti } }, 'jti is missing or too long');
    await expectRefused({ claims: { jti: 'j'.repeat(1_000_000) } }, 'not a proof');
  });

  it('D41: for another valid token of the same client is refused', async () => {
    const second = await issuer.sign({ cnf: { jkt: client.jkt } });
    expect(await door.dpop(second, await prove())).toMatchObject({ ...refused, reason: 'ath is of another token' });
    expect((await door.dpop(second, await prove({ token: second }))).status).toBe(200);
  });

  it('D42: says nothing of the body, so that its one use is what keeps it from another', async () => {
    const proof = await prove();
    expect((await door.dpop(token, proof)).status).toBe(200);
    expect((await door.dpop(token, proof)).status).toBe(401);
  });
});

describe('D38: what a proof is for', () => {
  it('is the configured address, with the path behind it', async () => {
    const behind = openDoor(issuer, { PUBLIC_URL: 'https://api.example:8443/kilde/' });
    const asked = async (url: string) => (await behind.dpop(token, await prove({ url }))).status;
    expect(await asked('https://api.example:8443/kilde/graphql')).toBe(200);
    expect(await asked('https://api.example:8443/graphql')).toBe(401);
    expect(await asked('https://api.example/kilde/graphql')).toBe(401);
    expect(await asked(graphqlUrl)).toBe(401);
  });

  it('is not what a header says', async () => {
    const evil = 'https://evil.example/graphql';
    const spoofed = ['host', 'evil.example', 'x-forwarded-host', 'evil.example', 'x-forwarded-proto', 'https'];
    const more = [...spoofed, 'forwarded', 'host=evil.example;proto=https', 'authorization', `DPoP ${token}`, 'dpop'];
    expect(await door.knock([...more, await prove({ url: evil })])).toMatchObject(refused);
    expect((await door.knock([...more, await prove()])).status).toBe(200);
  });

  it('has one host in either alphabet, and one path in one spelling', async () => {
    const idn = openDoor(issuer, { PUBLIC_URL: 'https://kilde.blåbær.example' });
    const asked = async (url: string) => (await idn.dpop(token, await prove({ url }))).status;
    expect(await asked('https://kilde.blåbær.example/graphql')).toBe(200);
    expect(await asked('https://kilde.xn--blbr-roah.example/graphql')).toBe(200);
    expect(await asked('https://kilde.xn--blbr-roah.example/%67raphql')).toBe(401);
    expect((await knock({ url: `${publicUrl}/x/../graphql` })).status).toBe(200);
    expect((await knock({ url: `${publicUrl}/%67raphql` })).status).toBe(401);
  });

  it('is this machine and the port that was asked, when nothing is configured in the sandbox', async () => {
    for (const [host, url] of [
      ['0.0.0.0', 'http://localhost:4000/graphql'],
      ['127.0.0.1', 'http://127.0.0.1:4000/graphql'],
    ] as const) {
      const local = openDoor(issuer, { PUBLIC_URL: undefined, HOST: host });
      expect((await local.dpop(token, await prove({ url }))).status).toBe(200);
      expect((await local.dpop(token, await prove())).status).toBe(401);
    }
  });
});

describe('D39: with nonces always', () => {
  const other = { KILDE_KEY: Buffer.alloc(32, 8).toString('base64') };
  beforeEach(() => {
    door = openDoor(issuer, { DPOP_NONCE: 'always' });
  });
  const challenged = { status: 401, challenge: 'use_dpop_nonce', nonce: expect.stringMatching(/^[\w-]{22}$/) };
  const nonceOf = async (at: Door) => {
    const answer = await at.dpop(token, await prove());
    return answer.status === 401 ? answer.nonce : null;
  };

  it('a proof without one is asked for it, and with it accepted, once', async () => {
    expect(await knock()).toMatchObject(challenged);
    const proof = await prove({ claims: { nonce: await nonceOf(door) } });
    expect(await door.dpop(token, proof)).toMatchObject({ status: 200, nextNonce: null });
    expect(await door.dpop(token, proof)).toMatchObject({ ...refused, reason: 'the proof has been used' });
  });

  it('one of another installation is refused, one of another replica accepted', async () => {
    const elsewhere = await nonceOf(openDoor(issuer, { DPOP_NONCE: 'always', ...other }));
    expect(await knock({ claims: { nonce: elsewhere } })).toMatchObject(challenged);
    const replicas = await nonceOf(openDoor(issuer, { DPOP_NONCE: 'always' }));
    expect((await knock({ claims: { nonce: replicas } })).status).toBe(200);
  });

  it('one that is no text is refused', async () => {
    for (const nonce of [null, 1, [await nonceOf(door)], ''])
      expect(await knock({ claims: { nonce } })).toMatchObject(challenged);
  });

  it('one of the minute before is accepted and renewed, an older one refused', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const nonce = await nonceOf(door);
      vi.setSystemTime(Date.now() + 60_000);
      const later = await knock({ claims: { nonce } });
      expect(later).toMatchObject({ status: 200, nextNonce: expect.stringMatching(/^[\w-]{22}$/) });
      expect(later).not.toMatchObject({ nextNonce: nonce });
      vi.setSystemTime(Date.now() + 60_000);
      token = await issuer.sign({ cnf: { jkt: client.jkt } });
      expect(await knock({ claims: { nonce } })).toMatchObject(challenged);
    } finally {
      vi.useRealTimers();
    }
    token = await issuer.sign({ cnf: { jkt: client.jkt } });
  });
});

describe('D40: a jump of our clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  const minutes = (count: number) => vi.setSystemTime(Date.now() + count * 60_000);

  it.each([
    ['back', -10],
    ['forward', 10],
  ])('%s and back again opens nothing to a used proof', async (_title, jump) => {
    try {
      const lasting = await issuer.sign({ cnf: { jkt: client.jkt }, exp: nowSeconds() + 3_600 });
      const proof = await prove({ token: lasting });
      expect((await door.dpop(lasting, proof)).status).toBe(200);
      minutes(jump);
      expect((await door.dpop(lasting, proof)).status).toBe(401);
      minutes(-jump);
      expect((await door.dpop(lasting, proof)).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });

  it('back to where a forgotten proof was good does not make it good', async () => {
    // The door's own memory goes by a clock that never jumps; a fresh door has none, as after the time to live.
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    try {
      const lasting = await issuer.sign({ cnf: { jkt: client.jkt }, exp: nowSeconds() + 3_600 });
      const proof = await prove({ token: lasting });
      expect((await door.dpop(lasting, proof)).status).toBe(200);
      vi.advanceTimersByTime(120_000);
      expect((await door.dpop(lasting, await prove({ token: lasting }))).status).toBe(200);
      minutes(-2);
      expect(await door.dpop(lasting, proof)).toMatchObject({ ...refused, reason: 'iat is too old or to come' });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('J19: a stolen token', () => {
  it('is worth nothing without the key, or with another', async () => {
    const thief = await createProver();
    expect((await door.bearer(token)).status).toBe(401);
    expect((await knock({}, thief)).status).toBe(401);
    expect((await knock({ header: { jwk: client.jwk } }, thief)).status).toBe(401);
  });
});

it.each(['ES384', 'ES512', 'PS256', 'PS384'])('a key for %s is accepted too', async (alg) => {
  const other = await createProver(alg);
  const theirs = await issuer.sign({ cnf: { jkt: other.jkt } });
  expect((await door.dpop(theirs, await other.prove({ url: graphqlUrl, token: theirs }))).status).toBe(200);
});

it.each([
  ['a point of another curve', { crv: 'P-384' }],
  ['a point of no curve', { x: 'AAAA', y: 'AAAA' }],
  ['a coordinate that is missing', { y: undefined }],
  ['the kind of another algorithm', { kty: 'RSA', e: 'AQAB', n: 'A'.repeat(342) }],
  ['an RSA key with a dear exponent', { kty: 'RSA', e: 'A'.repeat(342), n: 'A'.repeat(342) }],
])('a key with %s is refused', async (_title, change) => {
  await expectRefused({ header: { jwk: { ...client.jwk, ...change } } }, 'typ, alg or jwk is not accepted');
});

it('final sanity: a correct proof still works', async () => {
  expect(await knock()).toMatchObject({ status: 200, caller: { kind: 'professional' }, nextNonce: null });
});
