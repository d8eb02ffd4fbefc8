import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReplayGuard } from '../../../gateway/auth/replay.ts';
import { openRedis, type RedisLink, readRedisSettings } from '../../../schema/redis.ts';
import { type Door, graphqlUrl, openDoor } from '../../support/door.ts';
import { createProver, type Prover } from '../../support/proofs.ts';
import { startTestRedis, type TestRedis, until } from '../../support/redis.ts';
import { startTestIssuer, type TestIssuer } from '../../support/testIssuer.ts';

// Rows D34, D35 and D37 of the attack table (security reference 2.2); F22, F23 and F25 of the faults (4.3).

let issuer: TestIssuer;
let client: Prover;
let token: string;
let redis: TestRedis;
let links: RedisLink[];
beforeAll(async () => {
  issuer = await startTestIssuer();
  client = await createProver();
  token = await issuer.sign({ cnf: { jkt: client.jkt } });
  redis = await startTestRedis();
  const settings = readRedisSettings({ REDIS_URL: redis.url });
  if (!settings) throw new Error('no Redis');
  links = await Promise.all([0, 1].map(() => openRedis(settings, { name: 'proofs', budgetMs: 50, pauseMs: 0 })));
});
afterAll(async () => {
  for (const link of links) link.close();
  await redis.stop();
  await issuer.close();
});

const prove = (claims: object = {}) => client.prove({ url: graphqlUrl, token, claims });
const replicas = (env: Record<string, string> = {}): [Door, Door] => {
  const [one, two] = links.map((link) => openDoor(issuer, env, { redis: link }));
  if (!one || !two) throw new Error('two links are needed');
  return [one, two];
};
const accepted = (answers: { status: number }[]) => answers.filter(({ status }) => status === 200).length;
/** Both links have found out that Redis is there again. */
const healed = () =>
  until(async () => (await Promise.all(links.map((it) => it.run((r) => r.ping())))).every(({ ok }) => ok));

it('D34: of fifty at once with one proof, one is accepted', async () => {
  const alone = openDoor(issuer);
  const proof = await prove();
  const answers = await Promise.all(Array.from({ length: 50 }, () => alone.dpop(token, proof)));
  expect(accepted(answers)).toBe(1);
});

describe('with Redis', () => {
  let one: Door;
  let two: Door;
  beforeEach(() => {
    [one, two] = replicas();
  });

  it('D34, D35: of fifty at once at two replicas, one is accepted', async () => {
    for (let round = 0; round < 5; round++) {
      const proof = await prove();
      const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 ? one : two).dpop(token, proof)));
      expect(accepted(answers)).toBe(1);
    }
  });

  it('D35: a proof that one replica has taken, the other refuses, and a new one does too', async () => {
    const proof = await prove();
    expect((await one.dpop(token, proof)).status).toBe(200);
    expect(await two.dpop(token, proof)).toMatchObject({ status: 401, reason: 'the proof has been used' });
    const [third] = replicas();
    expect(await third.dpop(token, proof)).toMatchObject({ status: 401, reason: 'the proof has been used' });
  });

  it('what is kept there is a hash, for as long as a proof could be good and ten seconds more', async () => {
    await redis.client.flushall();
    await one.dpop(token, await prove({ jti: 'jti-of-the-test' }));
    const keys = await redis.client.keys('*');
    expect(keys).toEqual([expect.stringMatching(/^kilde:dpop:[\w-]{43}$/)]);
    expect(keys.join()).not.toContain('jti-of-the-test');
    expect(await redis.client.get(keys[0] ?? '')).toBe('1');
    const ttlMs = await redis.client.pttl(keys[0] ?? '');
    expect(ttlMs).toBeGreaterThan(75_000);
    expect(ttlMs).toBeLessThanOrEqual(80_000);
  });

  it('a proof that is wrong is not noted', async () => {
    await redis.client.flushall();
    await one.dpop(token, await prove({ htm: 'GET' }));
    expect(await redis.client.dbsize()).toBe(0);
  });

  it('D35, F22: without Redis proofs are refused, soon, until it is there again', async () => {
    expect((await one.dpop(token, await prove())).status).toBe(200);
    await redis.signal('SIGKILL');
    for (let times = 0; times < 5; times++) {
      const proof = await prove();
      const started = performance.now();
      expect(await one.dpop(token, proof)).toEqual({ status: 503, reason: 'Redis' });
      expect(performance.now() - started).toBeLessThan(1_000); // 60 ms on a machine that does nothing else; ioredis left alone waits ten seconds
    }
    expect((await one.bearer(await issuer.sign())).status).toBe(200);
    await redis.restart();
    await healed();
    expect((await one.dpop(token, await prove())).status).toBe(200);
  });

  it('D35, F23: while Redis is frozen proofs are refused, soon, and accepted again after it', async () => {
    await redis.signal('SIGSTOP');
    try {
      const proofs = await Promise.all(Array.from({ length: 5 }, () => prove()));
      const started = performance.now();
      const answers = await Promise.all(proofs.map((proof) => one.dpop(token, proof)));
      expect(answers).toEqual(answers.map(() => ({ status: 503, reason: 'Redis' })));
      expect(performance.now() - started).toBeLessThan(1_000);
    } finally {
      await redis.signal('SIGCONT');
    }
    await healed();
    expect((await one.dpop(token, await prove())).status).toBe(200);
  });

  it('F25: a write that Redis loses lets nothing in twice at the same replica', async () => {
    const proof = await prove();
    expect((await one.dpop(token, proof)).status).toBe(200);
    await redis.client.flushall();
    expect((await one.dpop(token, proof)).status).toBe(401);
  });

  it('a server that answers anything but OK has taken note of nothing', async () => {
    const odd = openDoor(issuer, {}, { redis: { run: async () => ({ ok: true, value: null as never }) } });
    expect((await odd.dpop(token, await prove())).status).toBe(401);
  });
});

describe('with nonces while Redis is away', () => {
  let one: Door;
  let two: Door;
  beforeAll(() => {
    [one, two] = replicas({ DPOP_NONCE: 'withoutRedis' });
  });
  const nonceOf = async (door: Door): Promise<string | null> => {
    const answer = await door.dpop(token, await prove());
    return answer.status === 401 ? answer.nonce : null;
  };

  it('none is needed while it is there', async () => {
    expect(await one.dpop(token, await prove())).toMatchObject({ status: 200, nextNonce: null });
  });

  it('D35: away from it each replica takes its own nonces only, once, and what was used before stays used', async () => {
    const before = await prove();
    expect((await one.dpop(token, before)).status).toBe(200);
    await redis.signal('SIGKILL');

    expect(await one.dpop(token, before)).toMatchObject({ status: 401, challenge: 'invalid_dpop_proof' });
    expect(await two.dpop(token, before)).toMatchObject({ status: 401, challenge: 'use_dpop_nonce' });

    const proof = await prove({ nonce: await nonceOf(one) });
    expect(await two.dpop(token, proof)).toMatchObject({ status: 401, challenge: 'use_dpop_nonce' });
    expect((await one.dpop(token, proof)).status).toBe(200);
    expect((await one.dpop(token, proof)).status).toBe(401);

    await redis.restart();
    await healed();
    // Redis knows nothing of what was used meanwhile.
    expect((await one.dpop(token, proof)).status).toBe(401);
    expect(await two.dpop(token, proof)).toMatchObject({ status: 401, challenge: 'use_dpop_nonce' });
    expect((await two.dpop(token, await prove())).status).toBe(200);
  });
});

describe('D37: the memory of one process', () => {
  const jkt = 'k'.repeat(43);
  it('ends where it is told to: then nothing is let in, and nothing forgotten', async () => {
    let now = 0;
    const guard = createReplayGuard({ ttlMs: 80_000, redis: null, capacity: 1_000, nowMs: () => now });
    for (let i = 0; i < 1_000; i++) expect((await guard.use(jkt, String(i))).here).toBe('first');
    for (let i = 1_000; i < 10_000; i++) expect((await guard.use(jkt, String(i))).here).toBe('unknown');
    expect((await guard.use(jkt, '0')).here).toBe('again');
    now = 79_999;
    expect((await guard.use(jkt, 'x')).here).toBe('unknown');
    now = 80_000;
    expect((await guard.use(jkt, 'x')).here).toBe('first');
    expect((await guard.use(jkt, '0')).here).toBe('first'); // by then its iat is too old
  });

  it('keeps a flood of proofs within bounds', async () => {
    let now = 0;
    const guard = createReplayGuard({ ttlMs: 80_000, redis: null, nowMs: () => now });
    const uses = { first: 0, again: 0, unknown: 0 };
    for (let i = 0; i < 1_000_000; i++) {
      now += 0.01; // 100,000 a second
      uses[(await guard.use(jkt, String(i))).here]++;
    }
    expect(uses).toEqual({ first: 250_000, again: 0, unknown: 750_000 });
  });
});
