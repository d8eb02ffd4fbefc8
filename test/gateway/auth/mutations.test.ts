import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Door, graphqlUrl, openDoor } from '../../support/door.ts';
import { createProver, type Prover } from '../../support/proofs.ts';
import { startTestIssuer, type TestIssuer } from '../../support/testIssuer.ts';

let issuer: TestIssuer;
let door: Door;
let client: Prover;
let token: string;
let bearer: string;
beforeAll(async () => {
  issuer = await startTestIssuer();
  door = openDoor(issuer);
  client = await createProver();
  [token, bearer] = await Promise.all([issuer.sign({ cnf: { jkt: client.jkt } }), issuer.sign()]);
  expect((await door.bearer(bearer)).status).toBe(200);
});
afterAll(() => issuer.close());

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=, \t"{}é';
const character = fc.constantFrom(...alphabet);
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

/** A text -> another text: one character changed, put in or taken out, a piece cut out or repeated, or the tail cut off. */
const mutation: fc.Arbitrary<(text: string) => string> = fc
  .tuple(fc.constantFrom('change', 'insert', 'remove', 'cut', 'repeat', 'end'), place, place, character)
  .map(([kind, where, length, put]) => (text) => {
    const at = Math.floor(where * text.length);
    const to = Math.min(text.length, at + 1 + Math.floor(length * 40));
    switch (kind) {
      case 'change':
        return text.slice(0, at) + put + text.slice(at + 1);
      case 'insert':
        return text.slice(0, at) + put + text.slice(at);
      case 'remove':
        return text.slice(0, at) + text.slice(at + 1);
      case 'cut':
        return text.slice(0, at) + text.slice(to);
      case 'repeat':
        return text.slice(0, to) + text.slice(at);
      default:
        return text.slice(0, at);
    }
  });

const runs = { numRuns: 2_000 };

it('no mutation of a good token is accepted', async () => {
  await fc.assert(
    fc.asyncProperty(mutation, async (mutate) => {
      const changed = mutate(bearer);
      fc.pre(changed !== bearer);
      expect((await door.bearer(changed)).status).toBe(401);
    }),
    runs,
  );
  expect((await door.bearer(bearer)).status).toBe(200);
});

it('no mutation of a good proof is accepted', async () => {
  const proof = await client.prove({ url: graphqlUrl, token });
  await fc.assert(
    fc.asyncProperty(mutation, async (mutate) => {
      const changed = mutate(proof);
      fc.pre(changed !== proof);
      expect((await door.dpop(token, changed)).status).toBe(401);
    }),
    runs,
  );
  expect((await door.dpop(token, proof)).status).toBe(200); // and none of them has used it up
});

it('no part of one token fits another', async () => {
  const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => issuer.sign({ sub })));
  const parts = tokens.map((it) => it.split('.'));
  const index = fc.integer({ min: 0, max: 2 });
  await fc.assert(
    fc.asyncProperty(index, index, index, async (header, payload, signature) => {
      fc.pre(payload !== signature); // headers are alike
      const mixed = [parts[header]?.[0], parts[payload]?.[1], parts[signature]?.[2]].join('.');
      expect((await door.bearer(mixed)).status).toBe(401);
    }),
  );
});

it('no claim of any kind in any place makes the door throw anything but a refusal', async () => {
  const names = fc.constantFrom(
    ...['iss', 'aud', 'exp', 'iat', 'nbf', 'sub', 'jti', 'scope', 'cnf', 'client_id', 'name', 'authorization_details'],
    'helseid://claims/identity/pid',
    'helseid://claims/identity/security_level',
    'helseid://claims/hpr/hpr_number',
    'helseid://claims/client/claims/orgnr_parent',
    'helseid://claims/client/claims/orgnr_child',
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(names, fc.jsonValue(), { maxKeys: 3 }), async (claims) => {
      expect([200, 401, 403]).toContain((await door.bearer(await issuer.sign(claims))).status);
    }),
    { numRuns: 300 },
  );
});
