import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { createAccessCheck, type TokenRequirements } from '../../../sandbox/_shared/access.ts';
import { onLoopback } from '../../../sandbox/_shared/listen.ts';
import { type Issuer, startIssuer } from '../../../sandbox/issuer/issuer.ts';
import { claimsFor, type PersonaName } from '../../../sandbox/personas.ts';
import { createPopulation } from '../../../sandbox/population/population.ts';
import type { Caller } from '../../../schema/caller.ts';
import type { CallContext } from '../../../subgraphs/_shared/source.ts';
import { createTokens, type Tokens } from '../../../subgraphs/_shared/tokens.ts';
import { assertionFor, citizen, doctor } from '../../support/ask.ts';

const fjordarm = '14834841291';
const pps = { audience: 'nhn:pps', scope: 'nhn:pps/provesvar-read' };
const asUser = { as: 'user', ...pps } as const;
const asMachine = { as: 'machine', ...pps } as const;
const call = { method: 'POST', url: 'https://pps.example/Observation/_search' };
const population = createPopulation();

let issuer: Issuer;
/** In front of the issuer, to see what is asked of it and to answer in its place. */
let front: Server;
let asked: string[] = [];
let instead: RequestListener | null = null;
let frontUrl = '';

beforeAll(async () => {
  issuer = await startIssuer({ population });
  front = createServer((request, response) => {
    asked.push(String(request.url));
    if (instead) return instead(request, response);
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  frontUrl = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await issuer.close();
  front.closeAllConnections();
  await new Promise((resolve) => front.close(resolve));
});

const made: Tokens[] = [];
const create = async (change: Record<string, string> = {}, options = {}) => {
  const tokens = await createTokens(
    {
      HELSEID_ISSUER: issuer.url,
      HELSEID_CLIENT_ID: issuer.client.id,
      HELSEID_CLIENT_KEY: JSON.stringify(issuer.client.key),
      ...change,
    },
    options,
  );
  made.push(tokens);
  return tokens;
};
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  asked = [];
  instead = null;
  for (const tokens of made.splice(0)) await tokens.close();
});

const subjectToken = (persona: PersonaName, expiresIn = 600) =>
  issuer.sign(claimsFor(persona, { patient: fjordarm }, population)!, { audience: 'kilde:api', expiresIn });
const contextFor = (subject: string | null, caller: Caller = doctor(fjordarm), timeoutMs = 5_000): CallContext => ({
  assertion: { ...assertionFor(null), caller },
  subjectToken: subject,
  signal: AbortSignal.timeout(timeoutMs),
});
const headersOf = (result: Awaited<ReturnType<Tokens['headersFor']>>) => {
  if (!result.ok) throw new Error(result.error.kind);
  return result.value as { authorization: string; dpop: string };
};
const claimsIn = ({ authorization }: { authorization: string }) => decodeJwt(authorization.replace('DPoP ', ''));
/** How often the token endpoint was asked, without hindering it. */
const countTokenRequests = () => {
  const spy = vi.spyOn(globalThis, 'fetch');
  return () => spy.mock.calls.filter(([url]) => String(url).endsWith('/connect/token')).length;
};
const check = (headers: Record<string, string>, requirements: Partial<TokenRequirements> = {}) =>
  createAccessCheck({ issuer: issuer.url, jwksUri: issuer.jwksUri })(
    { ...call, headers },
    { audience: pps.audience, scopes: [pps.scope], as: 'user', ...requirements },
  );

it('Tokens exchanges the caller’s token for one that the service accepts and another service refuses', async () => {
  const tokens = await create();
  const context = contextFor(await subjectToken('legevakt-doctor'));
  const headers = headersOf(await tokens.headersFor('PPS', asUser, call, context));
  expect(await check(headers, { organisation: 'both', hprNumber: true })).toMatchObject({
    ok: true,
    access: { kind: 'professional', hprNumber: '9990004', orgnrParent: '310000019', orgnrChild: '310003018' },
  });
  const again = headersOf(await tokens.headersFor('PPS', asUser, call, context));
  expect(await check(again, { audience: 'nhn:jft' })).toMatchObject({ ok: false, refusal: { status: 401 } });
});

it('Tokens makes a proof for each call, for its method and address without query, with the service’s nonce', async () => {
  const tokens = await create();
  const context = contextFor(await subjectToken('gp'));
  const proofFor = async (target: { method: string; url: string; nonce?: string }) =>
    decodeJwt(headersOf(await tokens.headersFor('PPS', asUser, target, context)).dpop);
  const first = await proofFor({ ...call, url: `${call.url}?page=2` });
  const second = await proofFor({ ...call, nonce: 'n-1' });
  expect(first).toMatchObject({ htm: 'POST', htu: call.url });
  expect(first).not.toHaveProperty('nonce');
  expect(second['nonce']).toBe('n-1');
  expect(second.jti).not.toBe(first.jti);
});

it('Tokens asks for machine tokens with the caller’s organisation, and with none for a citizen', async () => {
  const tokens = await create();
  const parent = 'helseid://claims/client/claims/orgnr_parent';
  const child = 'helseid://claims/client/claims/orgnr_child';
  const ask = async (caller: Caller) =>
    claimsIn(headersOf(await tokens.headersFor('PPS', asMachine, call, contextFor(null, caller))));

  expect(await ask(doctor(fjordarm))).toMatchObject({ [parent]: '310000019', [child]: '310003018' });
  const system: Caller = {
    kind: 'system',
    role: 'system',
    organisation: { legalEntity: '310004014', pointOfCare: null },
    clientId: 'test',
    clientName: '',
  };
  expect(await ask(system)).toMatchObject({ [parent]: '310004014' });
  const forCitizen = await ask(citizen(fjordarm));
  expect(forCitizen).not.toHaveProperty([parent]);
  expect(forCitizen).not.toHaveProperty(['helseid://claims/identity/pid']);
});

it('Tokens answers the issuer’s nonce challenge and remembers the nonce', async () => {
  const tokens = await create();
  const requests = countTokenRequests();
  await tokens.headersFor('PPS', asMachine, call, contextFor(null));
  expect(requests()).toBe(2); // challenge, then answer
  headersOf(
    await tokens.headersFor(
      'JFT',
      { as: 'machine', audience: 'nhn:jft', scope: 'nhn:jft/api' },
      call,
      contextFor(null),
    ),
  );
  expect(requests()).toBe(3);
});

it('Tokens asks once for fifty calls at the same time, and not again for the next', async () => {
  const tokens = await create();
  const context = contextFor(await subjectToken('gp'));
  await tokens.headersFor('JFT', { as: 'machine', audience: 'nhn:jft', scope: 'nhn:jft/api' }, call, context); // nonce known
  const requests = countTokenRequests();
  const all = await Promise.all(Array.from({ length: 50 }, () => tokens.headersFor('PPS', asUser, call, context)));
  expect(new Set(all.map((it) => headersOf(it).authorization)).size).toBe(1);
  expect(new Set(all.map((it) => headersOf(it).dpop)).size).toBe(50);
  headersOf(await tokens.headersFor('PPS', asUser, call, context));
  expect(requests()).toBe(1);
});

it('Tokens never gives one caller’s token to another', async () => {
  const tokens = await create();
  const ask = async (persona: PersonaName) =>
    claimsIn(headersOf(await tokens.headersFor('PPS', asUser, call, contextFor(await subjectToken(persona)))));
  const hpr = 'helseid://claims/hpr/hpr_number';
  expect((await ask('gp'))[hpr]).toBe('9990005');
  expect((await ask('home-nurse'))[hpr]).toBe('9990002');
});

it('Tokens renews a token half a minute before it expires', async () => {
  const tokens = await create();
  const ask = async () => headersOf(await tokens.headersFor('PPS', asMachine, call, contextFor(null))).authorization;
  const first = await ask();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 565_000 });
  expect(await ask()).toBe(first);
  vi.setSystemTime(Date.now() + 10_000);
  expect(await ask()).not.toBe(first);
});

it('Tokens keeps no more than its capacity, and lets go of what was longest unused', async () => {
  const tokens = await create({}, { capacity: 2 });
  const ask = async (audience: string, scope: string) =>
    headersOf(await tokens.headersFor('X', { as: 'machine', audience, scope }, call, contextFor(null))).authorization;
  const jft = () => ask('nhn:jft', 'nhn:jft/api');
  const first = await ask(pps.audience, pps.scope);
  const second = await jft();
  expect(await ask(pps.audience, pps.scope)).toBe(first); // used again: JFT's is the oldest now
  await ask('nhn:fullmakt', 'nhn:fullmakt/read');
  expect(await ask(pps.audience, pps.scope)).toBe(first);
  expect(await jft()).not.toBe(second);
});

const denied = (status: 401 | 403) => ({ ok: false, error: { kind: 'denied', source: 'PPS', status } });
const unavailable = { ok: false, error: { kind: 'unavailable', source: 'PPS', status: null } };

it('Tokens is denied with an expired subject token, with none, and for an unknown audience', async () => {
  const tokens = await create();
  const expired = contextFor(await subjectToken('gp', -1));
  expect(await tokens.headersFor('PPS', asUser, call, expired)).toEqual(denied(403));
  expect(await tokens.headersFor('PPS', asUser, call, contextFor(null))).toEqual(denied(401));
  const nowhere = { as: 'machine', audience: 'nhn:nothing', scope: 'nhn:nothing/api' } as const;
  expect(await tokens.headersFor('PPS', nowhere, call, contextFor(null))).toEqual(denied(403));
});

it('Tokens is denied when its client key is not the registered one', async () => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: issuer.client.key.kid, alg: 'ES256' };
  const tokens = await create({ HELSEID_CLIENT_KEY: JSON.stringify(key) });
  expect(await tokens.headersFor('PPS', asMachine, call, contextFor(null))).toEqual(denied(401));
});

it.each<[string, RequestListener]>([
  ['resets connections', (request) => request.socket.resetAndDestroy()],
  ['answers 500', (_request, response) => response.writeHead(500).end()],
  ['answers with a page', (_request, response) => response.setHeader('content-type', 'text/html').end('<html>')],
  [
    'names another issuer',
    (_request, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ issuer: 'https://other.example' })),
  ],
])('Tokens is unavailable when the issuer %s', async (_title, listener) => {
  instead = listener;
  const tokens = await create({ HELSEID_ISSUER: frontUrl });
  expect(await tokens.headersFor('PPS', asMachine, call, contextFor(null))).toEqual(unavailable);
  expect(asked).toHaveLength(1);
});

it('Tokens is unavailable within the caller’s deadline when the issuer hangs, and others go on waiting', async () => {
  const held: Parameters<RequestListener>[1][] = [];
  instead = (_request, response) => held.push(response);
  const tokens = await create({ HELSEID_ISSUER: frontUrl });
  const patient = tokens.headersFor('PPS', asMachine, call, contextFor(null));
  const started = performance.now();
  expect(await tokens.headersFor('PPS', asMachine, call, contextFor(null, doctor(null), 50))).toEqual(unavailable);
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(asked).toHaveLength(1); // shared, and not aborted with the impatient caller

  const discovery = await (await fetch(`${issuer.url}/.well-known/openid-configuration`)).json();
  held[0]!.setHeader('content-type', 'application/json');
  held[0]!.end(JSON.stringify({ ...(discovery as object), issuer: frontUrl }));
  // The token endpoint is the real issuer's, which refuses an assertion made for the front: an answer, and not a time-out.
  expect(await patient).toEqual(denied(401));
});

it('Tokens starts while the issuer is down, and finds it when it is up', async () => {
  const stopped = await startIssuer({ population });
  const port = Number(new URL(stopped.url).port);
  await stopped.close();
  const tokens = await create({ HELSEID_ISSUER: stopped.url });
  expect(await tokens.headersFor('PPS', asMachine, call, contextFor(null))).toEqual(unavailable);

  const started = await startIssuer({ population, listen: { ...onLoopback, port } });
  const answer = await tokens.headersFor('PPS', asMachine, call, contextFor(null));
  await started.close();
  expect(answer).toEqual(denied(401)); // found; its client key is another one
});

it.each([
  [{ HELSEID_ISSUER: 'http://helseid.example', KILDE_ENVIRONMENT: 'production' }, 'HELSEID_ISSUER: must be https'],
  [{ HELSEID_ISSUER: 'helseid' }, /^HELSEID_ISSUER: /],
  [{ HELSEID_CLIENT_ID: '' }, /^HELSEID_CLIENT_ID: /],
  [{ HELSEID_CLIENT_KEY: 'secret-text' }, /^HELSEID_CLIENT_KEY: must be a private JWK/],
  [
    { HELSEID_CLIENT_KEY: '{"kty":"EC","kid":"a","alg":"ES256","d":"secret-text"}' },
    /^HELSEID_CLIENT_KEY: is not usable|^HELSEID_CLIENT_KEY: is not a usable/,
  ],
])('createTokens refuses %o without repeating it', async (change, message) => {
  const refused = create(change as Record<string, string>);
  await expect(refused).rejects.toThrow(message);
  await expect(refused).rejects.not.toThrow('secret-text');
});

it('createTokens takes http from elsewhere than loopback in the sandbox', async () => {
  await expect(
    create({ HELSEID_ISSUER: 'http://helseid.example', KILDE_ENVIRONMENT: 'sandbox' }),
  ).resolves.toBeDefined();
});
