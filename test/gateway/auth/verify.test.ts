import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createVerifier } from '../../../gateway/auth/verify.ts';

let server: Server;
let issuer: string;
let key: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
let fetched: string[] = [];
let metadata: (() => object) | null;
beforeAll(async () => {
  const pair = await generateKeyPair('PS256', { extractable: true });
  key = pair.privateKey;
  const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'PS256', use: 'sig' }] };
  server = createServer((request, response) => {
    fetched.push(request.url ?? '');
    if (!metadata) return response.writeHead(503).end();
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify(request.url === '/jwks' ? jwks : metadata()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  fetched = [];
  metadata = () => ({ issuer, jwks_uri: `${issuer}/jwks` });
});

const sign = (claims: object = {}, header: object = {}) =>
  new SignJWT({
    iss: issuer,
    aud: 'kilde:api',
    sub: 's',
    jti: randomUUID(),
    client_id: 'c',
    scope: ['kilde:api/read'],
    exp: Math.floor(Date.now() / 1_000) + 600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'PS256', kid: 'k1', typ: 'at+jwt', ...header })
    .sign(key);
const verifier = () => createVerifier({ issuer, audience: 'kilde:api' });

describe('createVerifier', () => {
  it('accepts a good token, and does not check the same one again within the time it remembers', async () => {
    const verify = verifier();
    const token = await sign();
    await verify(`Bearer ${token}`);
    await verify(`Bearer ${token}`);
    expect((await verify(`Bearer ${token}`)).claims.scope).toEqual(['kilde:api/read']);
    expect(fetched).toEqual(['/.well-known/openid-configuration', '/jwks']);
  });

  it('does not remember a token beyond its life', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const verify = verifier();
      const token = await sign({ exp: Math.floor(Date.now() / 1_000) + 10 });
      await verify(`Bearer ${token}`);
      vi.setSystemTime(Date.now() + 20_000);
      await expect(verify(`Bearer ${token}`)).rejects.toMatchObject({ reason: 'ERR_JWT_EXPIRED' });
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    ['typ of a DPoP proof', {}, { typ: 'dpop+jwt' }],
    ['no typ', {}, { typ: undefined }],
    ['another audience', { aud: 'nhn:pps' }, {}],
    ['an audience that begins alike', { aud: 'kilde:api2' }, {}],
    ['no audience', { aud: undefined }, {}],
    ['another issuer', { iss: 'https://helseid.example' }, {}],
    ['the issuer with a slash', { iss: 'SLASH' }, {}],
    ['an expired life', { exp: 1 }, {}],
    ['a life that is text', { exp: '9999999999' }, {}],
    ['no life', { exp: undefined }, {}],
    ['a beginning to come', { nbf: 4_000_000_000 }, {}],
    ['an unknown key', {}, { kid: 'k2' }],
    ['a critical extension', {}, { crit: ['x'], x: 1 }],
    ['a binding, as bearer', { cnf: { jkt: 'x' } }, {}],
  ])('refuses %s', async (_name, claims, header) => {
    const changed = 'iss' in claims && claims.iss === 'SLASH' ? { iss: `${issuer}/` } : claims;
    const token = await sign(changed, header).catch(() => 'unsignable');
    await expect(verifier()(`Bearer ${token}`)).rejects.toThrow('A valid access token is required');
  });

  it('refuses alg none and a token signed with a public key as if it were a secret', async () => {
    const [, payload] = (await sign()).split('.');
    const header = (alg: string) =>
      Buffer.from(JSON.stringify({ alg, typ: 'at+jwt', kid: 'k1' })).toString('base64url');
    for (const token of [`${header('none')}.${payload}.`, `${header('HS256')}.${payload}.AAAA`]) {
      await expect(verifier()(`Bearer ${token}`)).rejects.toThrow('A valid access token is required');
    }
  });

  it('finds the keys later when the issuer is down at first, and is closed until then', async () => {
    const verify = verifier();
    const token = await sign();
    metadata = null;
    await expect(verify(`Bearer ${token}`)).rejects.toThrow('A valid access token is required');
    metadata = () => ({ issuer, jwks_uri: `${issuer}/jwks` });
    expect((await verify(`Bearer ${token}`)).claims.sub).toBe('s');
  });

  it('refuses metadata that name another issuer', async () => {
    metadata = () => ({ issuer: 'https://helseid.example', jwks_uri: `${issuer}/jwks` });
    await expect(verifier()(`Bearer ${await sign()}`)).rejects.toThrow('A valid access token is required');
  });
});
