import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgresProxy } from '../../../sandbox/postgresProxy.ts';
import { deafAfterMs } from '../../../subgraphs/_shared/cache/announcements.ts';
import { createCache, type SourceCache } from '../../../subgraphs/_shared/cache/cache.ts';
import { createSeal } from '../../../subgraphs/_shared/cache/seal.ts';
import type { Result } from '../../../subgraphs/_shared/source.ts';
import { citizen } from '../../support/ask.ts';
import {
  cacheSettings,
  contextFor,
  countedLookups,
  countingSource,
  fjordarm,
  granskog,
  later,
  questionAbout,
} from '../../support/cache.ts';
import { startTestRedis, startTestSentinel, type TestRedis, until } from '../../support/redis.ts';

/** What a scheduler on a busy machine may add to a budget. */
const slackMs = 600;
const usualBudgetMs = 20;
const canary = 'Kanarifugl i journalen';

let redis: TestRedis;
let source: ReturnType<typeof countingSource>;
const caches: SourceCache[] = [];

/** As another process of the installation would. With all the time in the world, unless it is about time. */
const replica = async (change: Record<string, string> = {}, now?: () => number): Promise<SourceCache> => {
  const cache = await createCache(cacheSettings({ REDIS_URL: redis.url, CACHE_REDIS_MS: '1000', ...change }), now);
  caches.push(cache);
  return cache;
};
const ask = (cache: SourceCache, question = questionAbout(), context = contextFor()) =>
  cache.ask(question, context, source.call);
const statusOf = async (asked: ReturnType<typeof ask>) => {
  const answer = await asked;
  return answer.ok ? answer.value.status : answer.error.kind;
};
const timed = async <T>(work: () => Promise<T>): Promise<{ value: T; tookMs: number }> => {
  const started = performance.now();
  const value = await work();
  return { value, tookMs: performance.now() - started };
};
const keysOf = (kind: 'answer' | 'subject' | 'claim') => redis.client.keys(`kilde:cache:${kind}:*`);
/** Answers are stored after they are given. */
const untilStored = (count = 1) => until(async () => (await keysOf('answer')).length >= count);
const dropFjordarm = (cache: SourceCache) => cache.dropPeople([{ nationalId: fjordarm.nins[0], id: null }]);

beforeEach(async () => {
  redis = await startTestRedis();
  source = countingSource();
});
afterEach(async () => {
  await Promise.all(caches.splice(0).map((cache) => cache.close()));
  await redis.stop();
});

describe('replicas that share Redis', () => {
  it('give what any of them has asked, with the time that the source said it', async () => {
    const [one, two] = [await replica(), await replica()];
    const first = await ask(one);
    await untilStored();
    expect(await ask(two)).toEqual({ ok: true, value: { ...(first.ok ? first.value : {}), status: 'CACHED' } });
    expect(source.calls).toBe(1);
  });

  it('give from their own memory what they have there, without asking Redis', async () => {
    const cache = await replica();
    await ask(cache);
    const before = await countedLookups('hit', 'process');
    expect(await statusOf(ask(cache))).toBe('CACHED');
    expect(await countedLookups('hit', 'process')).toBe(before + 1);
  });

  it('ask the source once when all are asked at the same time', async () => {
    const replicas = [await replica(), await replica(), await replica()];
    const answer = later<Result<{ number: number }>>();
    source.answer = () => answer.promise;
    const asked = Promise.all(replicas.flatMap((cache) => Array.from({ length: 20 }, () => ask(cache))));
    await until(async () => (await keysOf('claim')).length > 0);
    answer.resolve({ ok: true, value: { number: 1 } });
    expect((await asked).every((it) => it.ok && it.value.value.number === 1)).toBe(true);
    expect(source.calls).toBe(1);
  });

  it('do not wait for one that asks and does not come back', async () => {
    const [one, two] = [await replica(), await replica()];
    source.answer = (calls) =>
      calls === 1 ? later<Result<{ number: number }>>().promise : { ok: true, value: { number: calls } };
    void ask(one);
    await until(() => source.calls === 1);
    const { value, tookMs } = await timed(() => ask(two));
    expect(value).toMatchObject({ ok: true, value: { status: 'FRESH', value: { number: 2 } } });
    expect(tookMs).toBeLessThan(4_000);
  });

  it('go on at once when the one that asks gets nothing', async () => {
    const [one, two] = [await replica(), await replica()];
    const failing = later<Result<{ number: number }>>();
    source.answer = (calls) => (calls === 1 ? failing.promise : { ok: true, value: { number: calls } });
    const first = ask(one);
    await until(async () => (await keysOf('claim')).length > 0);
    const second = timed(() => ask(two));
    failing.resolve({ ok: false, error: { kind: 'unavailable', source: 'PROVESVAR', status: 503 } });
    expect((await first).ok).toBe(false);
    expect((await second).value).toMatchObject({ ok: true });
    expect((await second).tookMs).toBeLessThan(1_000);
  });

  it('stand in for a source with what another of them has heard from it', async () => {
    const one = await replica();
    const two = await replica({}, () => Date.now() + 300_000);
    await ask(one);
    await untilStored();
    source.answer = () => ({ ok: false, error: { kind: 'unavailable', source: 'PROVESVAR', status: null } });
    expect(await ask(two)).toMatchObject({ ok: true, value: { status: 'STALE', value: { number: 1 } } });
  });

  it('drop a person together: at once in Redis, and in each one’s own memory', async () => {
    const [one, two] = [await replica(), await replica()];
    await ask(one);
    await untilStored();
    await ask(two);
    await dropFjordarm(one);
    await until(async () => (await statusOf(ask(two))) === 'FRESH');
    expect(source.calls).toBe(2);
    const three = await replica();
    expect(await ask(three)).toMatchObject({ value: { value: { number: 2 } } });
  });

  it('never give, after an event, what one of them was asking for before it', async () => {
    const [one, two] = [await replica(), await replica()];
    const slow = later<Result<{ number: number }>>();
    source.answer = (calls) => (calls === 1 ? slow.promise : { ok: true, value: { number: calls } });
    const before = ask(one);
    await until(() => source.calls === 1);
    await dropFjordarm(two);
    slow.resolve({ ok: true, value: { number: 1 } });
    await before;
    await until(async () => (await keysOf('claim')).length === 0);
    expect(await ask(two)).toMatchObject({ value: { value: { number: 2 } } });
    expect(await ask(await replica())).toMatchObject({ value: { value: { number: 2 } } });
  });

  it('rows 25–29: share nothing between callers, purposes or patients', async () => {
    const [one, two] = [await replica(), await replica()];
    await ask(one);
    await untilStored();
    for (const [question, context] of [
      [questionAbout(), contextFor(fjordarm, { caller: citizen(fjordarm.nins[0]) })],
      [questionAbout(), contextFor(fjordarm, { purpose: 'COC' })],
      [questionAbout(), contextFor(fjordarm, { accessBasis: 'AKUTT' })],
      [questionAbout(granskog), contextFor(granskog)],
    ] as const)
      expect(await statusOf(ask(two, question, context))).toBe('FRESH');
  });
});

describe('what lies in Redis', () => {
  it('says nothing of patient, caller, question or content to whoever reads it', async () => {
    const cache = await replica();
    source.answer = () => ({ ok: true, value: { number: 1, text: canary } });
    await ask(cache);
    await untilStored();
    const keys = await redis.client.keys('*');
    const values = await Promise.all(keys.map(async (key) => (await redis.client.getBuffer(key))!.toString('latin1')));
    const all = [...keys, ...values].join('\n');
    expect(keys.length).toBeGreaterThan(3);
    for (const secret of [
      ...fjordarm.nins,
      fjordarm.id,
      '08707925079',
      'PROVESVAR',
      'reports',
      'FJORDARM',
      'Kanari',
      'number',
    ])
      expect(all).not.toContain(secret);
  });

  it('goes away by itself, all of it', async () => {
    await ask(await replica());
    await untilStored();
    const lives = await Promise.all((await redis.client.keys('*')).map((key) => redis.client.pttl(key)));
    expect(Math.min(...lives)).toBeGreaterThan(0);
    for (const key of await keysOf('answer')) expect(await redis.client.pttl(key)).toBeLessThanOrEqual(660_000);
  });

  it('F27: another caller’s answer, moved to one’s own key, is never given', async () => {
    const cache = await replica();
    source.answer = () => ({ ok: true, value: { number: 1, text: canary } });
    await ask(cache);
    await untilStored();
    const [foreign] = await keysOf('answer');
    const stranger = contextFor(fjordarm, { caller: citizen(fjordarm.nins[0]) });
    source.answer = (calls) => ({ ok: true, value: { number: calls } });
    await ask(cache, questionAbout(), stranger);
    await untilStored(2);
    const mine = (await keysOf('answer')).find((key) => key !== foreign)!;
    await redis.client.copy(foreign!, mine, 'REPLACE');
    const unreadable = await countedLookups('unreadable');
    expect(await ask(await replica(), questionAbout(), stranger)).toMatchObject({
      value: { status: 'FRESH', value: { number: 3 } },
    });
    expect(await countedLookups('unreadable')).toBe(unreadable + 1);
  });

  it.each<[string, (sealed: Buffer) => Buffer]>([
    [
      'a bit is flipped',
      (sealed) => Buffer.from(sealed.map((byte, at) => (at === sealed.length - 5 ? byte ^ 1 : byte))),
    ],
    ['it is cut short', (sealed) => sealed.subarray(0, 20)],
    ['it is empty', () => Buffer.alloc(0)],
    ['it is somebody’s text', () => Buffer.from('{"asOfMs":9999999999999,"generations":[],"value":{"number":13}}')],
    ['another version of the code wrote it', (sealed) => Buffer.concat([Buffer.alloc(8), sealed.subarray(8)])],
  ])('F27: is ignored, counted and replaced when %s', async (_what, tamper) => {
    await ask(await replica());
    await untilStored();
    const [key = ''] = await keysOf('answer');
    const written = tamper((await redis.client.getBuffer(key))!);
    await redis.client.set(key, written, 'KEEPTTL');
    const unreadable = await countedLookups('unreadable');
    expect(await statusOf(ask(await replica()))).toBe('FRESH');
    expect(await countedLookups('unreadable')).toBe(unreadable + 1);
    await until(async () => !(await redis.client.getBuffer(key))!.equals(written));
    expect(await statusOf(ask(await replica()))).toBe('CACHED');
  });

  it('F27: a version of the code reads nothing that another has sealed', () => {
    const key = Buffer.alloc(32, 1);
    const older = createSeal(key, Buffer.from('12345678'));
    const newer = createSeal(key, Buffer.from('12345679'));
    const sealed = older.close('name', 'text');
    expect(older.open('name', sealed)).toBe('text');
    expect(newer.open('name', sealed)).toBeNull();
    sealed.set(Buffer.from('12345679'));
    expect(newer.open('name', sealed)).toBeNull(); // the version is authenticated, not only compared
  });
});

describe('a Redis that fails costs its budget at most, and never an answer', () => {
  /** Many at once, each with another question, as one request has them. */
  const askMany = (cache: SourceCache) => {
    const context = contextFor();
    return timed(() =>
      Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          ask(cache, questionAbout(fjordarm, { parameters: Math.random() + at }), context),
        ),
      ),
    );
  };
  const hurried = { CACHE_REDIS_MS: String(usualBudgetMs) };
  const expectAnswers = async (cache: SourceCache) => {
    const { value, tookMs } = await askMany(cache);
    expect(value.every((it) => it.ok && it.value.status === 'FRESH')).toBe(true);
    expect(tookMs).toBeLessThan(usualBudgetMs + slackMs);
  };

  it('F22: killed, and back again', async () => {
    const [cache, other] = [await replica(hurried), await replica()];
    await ask(cache);
    await redis.signal('SIGKILL');
    await expectAnswers(cache);
    await redis.restart();
    await until(async () => {
      const question = questionAbout(fjordarm, { parameters: Math.random() });
      await ask(cache, question);
      return (await statusOf(ask(other, question))) === 'CACHED';
    });
  });

  it('F22: not there when the process starts', async () => {
    await redis.signal('SIGKILL');
    await expectAnswers(await replica(hurried));
  });

  it('F23: frozen; then it is left alone', async () => {
    const cache = await replica(hurried);
    await ask(cache);
    await redis.signal('SIGSTOP');
    await expectAnswers(cache);
    const skipped = await countedLookups('skipped');
    await askMany(cache);
    expect(await countedLookups('skipped')).toBe(skipped + 20);
  });

  it('F23: frozen, while a person is dropped: no process gives from before, then or afterwards', async () => {
    const [one, two] = [await replica(), await replica()];
    await ask(one);
    await untilStored();
    expect(await statusOf(ask(two))).toBe('CACHED');
    await redis.signal('SIGSTOP');
    await dropFjordarm(one);
    const dropped = performance.now();
    expect(await statusOf(ask(one))).toBe('FRESH');
    await until(async () => (await statusOf(ask(two))) === 'FRESH');
    expect(performance.now() - dropped).toBeLessThan(deafAfterMs + 1_500);
    await redis.signal('SIGCONT');
    // What lies in Redis is still from before the drop. It is told of it as soon as it answers again.
    await until(async () => (await keysOf('subject')).length === 2);
    expect(await keysOf('answer')).toHaveLength(1);
    expect(await statusOf(ask(await replica()))).toBe('FRESH');
  });

  it('F22: out of reach of the process that drops somebody; it is told when it is in reach again', async () => {
    const proxy = await startPostgresProxy({ name: 'redis', target: redis.url });
    const [one, two] = [await replica({ REDIS_URL: proxy.url }), await replica()];
    await ask(one);
    await untilStored();
    expect(await statusOf(ask(two))).toBe('CACHED');
    proxy.fault.current = { down: true };
    await dropFjordarm(one);
    expect(await keysOf('subject')).toHaveLength(3);
    proxy.fault.current = {};
    await until(async () => (await keysOf('subject')).length === 2);
    expect(await statusOf(ask(await replica()))).toBe('FRESH');
    expect(await ask(two)).not.toMatchObject({ value: { value: { number: 1 } } });
    await proxy.close();
  });

  it('F24: slow', async () => {
    const proxy = await startPostgresProxy({ name: 'redis', target: redis.url });
    const cache = await replica({ ...hurried, REDIS_URL: proxy.url });
    await ask(cache);
    proxy.fault.current = { latencyMs: 200 };
    const late = await countedLookups('late');
    await expectAnswers(cache);
    expect(await countedLookups('late')).toBeGreaterThan(late);
    await proxy.close();
  });

  it('F25: failing over to a replica by Sentinel gives no wrong data, and then shares again', async () => {
    const next = await startTestRedis(['--replicaof', '127.0.0.1', String(redis.port)]);
    await until(async () => (await next.client.info('replication')).includes('master_link_status:up'));
    const sentinel = await startTestSentinel(redis);
    try {
      await sentinel.knowsReplica();
      const env = { REDIS_URL: 'redis://kilde', REDIS_SENTINELS: `127.0.0.1:${sentinel.port}` };
      const [one, two] = [await replica(env), await replica(env)];
      await ask(one);
      await redis.signal('SIGKILL');
      await dropFjordarm(one);
      expect(await ask(one)).toMatchObject({ value: { status: 'FRESH', value: { number: 2 } } });
      await until(async () => {
        const question = questionAbout(granskog, { parameters: Math.random() });
        await ask(one, question, contextFor(granskog));
        return (await statusOf(ask(two, question, contextFor(granskog)))) === 'CACHED';
      });
      const seen = await ask(two);
      expect(seen.ok && seen.value.value.number).not.toBe(1);
    } finally {
      await sentinel.stop();
      await next.stop();
    }
  });

  it('F26: full', async () => {
    const [one, two] = [await replica(), await replica()];
    await ask(one);
    await untilStored();
    await redis.client.config('SET', 'maxmemory', '1');
    await expectAnswers(await replica(hurried));
    expect(await statusOf(ask(two))).toBe('CACHED'); // what it has it still gives
    await dropFjordarm(one); // and what it must not give it deletes
    expect(await ask(await replica())).not.toMatchObject({ value: { value: { number: 1 } } });
  });

  it('F26: read-only', async () => {
    const cache = await replica(hurried);
    await ask(cache);
    await redis.client.replicaof('127.0.0.1', String(redis.port + 1));
    await expectAnswers(cache);
  });

  it('F26: reached with a wrong password', async () => {
    const locked = await startTestRedis(['--requirepass', 'right']);
    await expectAnswers(await replica({ ...hurried, REDIS_URL: `redis://:wrong@127.0.0.1:${locked.port}` }));
    await locked.stop();
  });

  it('F26: emptied', async () => {
    const [one, two] = [await replica(), await replica()];
    await ask(one);
    await untilStored();
    await redis.client.flushall();
    expect(await ask(two)).toMatchObject({ value: { status: 'FRESH', value: { number: 2 } } });
    await untilStored();
  });

  it('F26: that has forgotten generations gives none of the answers that were theirs', async () => {
    await ask(await replica());
    await untilStored();
    await redis.client.del(await keysOf('subject'));
    expect(await ask(await replica())).toMatchObject({ value: { status: 'FRESH', value: { number: 2 } } });
  });
});
