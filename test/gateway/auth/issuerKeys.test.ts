import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTokenCheck } from '../../../gateway/auth/accessToken.ts';
import { createIssuerKeys } from '../../../gateway/auth/issuerKeys.ts';
import { until } from '../../support/redis.ts';
import { makeKey, type SigningKey, startTestIssuer, type TestIssuer } from '../../support/testIssuer.ts';

// Row J13 of the attack table (security reference 2.2), and F39.

let issuer: TestIssuer;
let next: SigningKey;
let now = 0;
let check: (token: string) => Promise<boolean>;
beforeAll(async () => {
  issuer = await startTestIssuer();
  next = await makeKey('k2');
});
afterAll(() => issuer.close());
beforeEach(() => {
  issuer.asked = [];
  issuer.answer = null;
  issuer.keys = [issuer.key.jwk];
  now = 0;
  const verify = createTokenCheck(
    { issuer: issuer.url, audience: 'kilde:api' },
    createIssuerKeys(issuer.url, () => now),
  );
  check = (token) =>
    verify(token).then(
      () => true,
      () => false,
    );
});

const seconds = 1_000;
const minutes = 60 * seconds;
const isGood = async (key?: SigningKey) => check(await issuer.sign({}, {}, key));
const looks = () => issuer.asked.filter((it) => it === '/jwks').length;
const down: TestIssuer['answer'] = (_path, response) => response.writeHead(503).end();

describe('J13: the issuer’s keys', () => {
  it('a new one is found with one look', async () => {
    expect(await isGood()).toBe(true);
    now += 11 * seconds;
    issuer.keys = [issuer.key.jwk, next.jwk];
    expect(await isGood(next)).toBe(true);
    expect(await isGood()).toBe(true);
    expect(looks()).toBe(2);
  });

  it('a new one is found with one look, however many ask at once', async () => {
    expect(await isGood()).toBe(true);
    now += 11 * seconds;
    issuer.keys = [next.jwk];
    const tokens = await Promise.all(Array.from({ length: 50 }, () => issuer.sign({}, {}, next)));
    expect(await Promise.all(tokens.map(check))).toEqual(tokens.map(() => true));
    expect(looks()).toBe(2);
  });

  it('one that is withdrawn is good for five minutes and one token more', async () => {
    expect(await isGood()).toBe(true);
    issuer.keys = [next.jwk];
    now += 5 * minutes;
    expect(await isGood()).toBe(true);
    now += 1;
    expect(await isGood()).toBe(true); // this one has them looked at again, and does not wait
    await until(() => looks() === 2);
    await until(async () => !(await isGood()));
    expect(looks()).toBe(2);
  });

  it('the last known are good for an hour while the issuer is down, and then none', async () => {
    expect(await isGood()).toBe(true);
    issuer.answer = down;
    now += 59 * minutes;
    expect(await isGood()).toBe(true);
    now += 1 * minutes;
    expect(await isGood()).toBe(false);
    issuer.answer = null;
    expect(await isGood()).toBe(false); // it has just looked
    now += 1 * seconds;
    expect(await isGood()).toBe(true);
  });

  it('1,000 tokens with keys that nobody has cost one look in ten seconds', async () => {
    expect(await isGood()).toBe(true);
    const strange = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => issuer.sign({}, { kid: `x${index}` }, next)),
    );
    for (const token of strange) {
      now += 10; // ten seconds in all
      expect(await check(token)).toBe(false);
    }
    expect(looks()).toBe(2);
    now += 10 * seconds;
    await Promise.all(strange.slice(0, 100).map(check));
    expect(looks()).toBe(3);
    expect(await isGood()).toBe(true);
  });

  it('1,000 tokens while the issuer is down cost one look in a second', async () => {
    issuer.answer = down;
    const token = await issuer.sign();
    for (let times = 0; times < 1_000; times++) {
      now += 1;
      expect(await check(token)).toBe(false);
    }
    expect(issuer.asked.length).toBeLessThanOrEqual(2);
    issuer.answer = null;
    now += 1 * seconds;
    expect(await check(token)).toBe(true);
  });

  it.each<[string, NonNullable<TestIssuer['answer']>]>([
    ['answers 500', (_path, response) => response.writeHead(500).end('{"keys":[]}')],
    ['answers nothing', (_path, response) => response.end()],
    ['answers HTML', (_path, response) => response.end('<html>Maintenance</html>')],
    ['publishes no keys', (_path, response) => response.end('{"keys":[]}')],
    ['publishes a secret', (_path, response) => response.end('{"keys":[{"kty":"oct","kid":"k1","k":"c2VjcmV0"}]}')],
    ['publishes something else', (_path, response) => response.end('{"keys":{"kty":"RSA"}}')],
    ['breaks off', (_path, response) => response.writeHead(200, { 'content-length': '1000' }).write('{"keys":[')],
  ])('an issuer that %s has no keys; the last known stay', async (_title, answer) => {
    const onlyKeys: TestIssuer['answer'] = (path, response) => {
      if (path === '/jwks') return answer(path, response);
      response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }));
    };
    issuer.answer = onlyKeys;
    expect(await isGood()).toBe(false);
    issuer.answer = null;
    now += 1 * seconds;
    expect(await isGood()).toBe(true);
    issuer.answer = onlyKeys;
    now += 11 * seconds;
    expect(await isGood(next)).toBe(false);
    expect(await isGood()).toBe(true);
  });

  it('10 MB are not read to their end', async () => {
    let sent = 0;
    let isCut = false;
    issuer.answer = (path, response) => {
      if (path !== '/jwks') {
        response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }));
        return;
      }
      response.once('close', () => {
        isCut = !response.writableFinished;
      });
      const write = (): void => {
        if (response.destroyed || sent >= 10_000_000) return void response.end();
        sent += 100_000;
        response.write(' '.repeat(100_000), () => setImmediate(write));
      };
      write();
    };
    expect(await isGood()).toBe(false);
    await until(() => isCut);
    expect(sent).toBeLessThan(10_000_000);
  });

  it('a slow issuer is waited for two seconds, by everybody together', async () => {
    issuer.answer = () => {}; // never
    const started = performance.now();
    expect(await Promise.all([isGood(), isGood(), isGood()])).toEqual([false, false, false]);
    expect(performance.now() - started).toBeLessThan(4_000);
    expect(issuer.asked).toHaveLength(1);
  });

  it.each(['metadata', 'keys'])(
    'a redirect of the %s is not followed, into our own network or anywhere',
    async (which) => {
      let followed = 0;
      const inside = createServer((_request, response) => {
        followed++;
        response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, keys: [issuer.key.jwk] }));
      });
      inside.listen(0, '127.0.0.1');
      await once(inside, 'listening');
      const location = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/`;
      issuer.answer = (path, response) => {
        if ((path === '/jwks') === (which === 'keys')) return response.writeHead(302, { location }).end();
        response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }));
      };
      try {
        expect(await isGood()).toBe(false);
        expect(followed).toBe(0);
      } finally {
        inside.close();
      }
    },
  );

  it('metadata that name another issuer, or keys at another place, are not believed', async () => {
    for (const metadata of [
      { issuer: 'https://helseid.example', jwks_uri: `${issuer.url}/jwks` },
      { issuer: issuer.url, jwks_uri: `http://localhost:${new URL(issuer.url).port}/jwks` },
      { issuer: issuer.url, jwks_uri: 'file:///etc/passwd' },
      { issuer: issuer.url },
    ]) {
      issuer.answer = (path, response) =>
        response.end(JSON.stringify(path === '/jwks' ? { keys: issuer.keys } : metadata));
      now += 1 * seconds;
      expect(await isGood()).toBe(false);
    }
    expect(looks()).toBe(0);
  });
});
