import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgresProxy } from '../../sandbox/postgresProxy.ts';
import { openRedis, type RedisLink, type RedisLinkOptions, readRedisSettings } from '../../schema/redis.ts';
import { startTestRedis, startTestSentinel, type TestRedis, until } from '../support/redis.ts';

const budgetMs = 50;
/** What a scheduler on a busy machine may add to a budget. */
const slackMs = 600;

const timed = async <T>(work: () => Promise<T>): Promise<{ value: T; tookMs: number }> => {
  const started = performance.now();
  const value = await work();
  return { value, tookMs: performance.now() - started };
};

describe('readRedisSettings', () => {
  it('is null without REDIS_URL, and needs it for Sentinels and a cluster', () => {
    expect(readRedisSettings({})).toBeNull();
    expect(() => readRedisSettings({ REDIS_SENTINELS: 'a:1' })).toThrow('REDIS_URL');
    expect(() => readRedisSettings({ REDIS_CLUSTER: 'true' })).toThrow('REDIS_URL');
  });
  it('names a bad variable and shows nothing of it', () => {
    expect(() => readRedisSettings({ REDIS_URL: 'http://:hunter2@localhost' })).toThrow(/^REDIS_URL: (?!.*hunter2)/);
  });
  it('reads Sentinels with and without a port', () => {
    const settings = readRedisSettings({ REDIS_URL: 'redis://kilde', REDIS_SENTINELS: 'one:1000, two' });
    expect(settings?.sentinels).toEqual([
      { host: 'one', port: 1_000 },
      { host: 'two', port: 26_379 },
    ]);
  });
});

describe('openRedis', () => {
  let redis: TestRedis;
  const links: RedisLink[] = [];
  const open = async (env: Record<string, string>, options: Partial<RedisLinkOptions> = {}) => {
    const link = await openRedis(readRedisSettings(env)!, { name: 'test', budgetMs, pauseMs: 300, ...options });
    links.push(link);
    return link;
  };
  const ask = (link: RedisLink) => timed(() => link.run((client) => client.get('key')));

  beforeEach(async () => {
    redis = await startTestRedis();
  });
  afterEach(async () => {
    for (const link of links.splice(0)) link.close();
    await redis.stop();
  });

  it('runs commands, also several at a time', async () => {
    const link = await open({ REDIS_URL: redis.url });
    expect(await link.run((client) => client.set('key', 'one', 'PX', 10_000, 'NX'))).toEqual({ ok: true, value: 'OK' });
    expect(await link.run((client) => Promise.all([client.set('key', 'two', 'NX'), client.get('key')]))).toEqual({
      ok: true,
      value: [null, 'one'],
    });
  });

  it('F22: with Redis killed a call fails at once, and works again when it is back', async () => {
    const link = await open({ REDIS_URL: redis.url });
    await redis.signal('SIGKILL');
    await until(() => link.client.status !== 'ready');
    const { value, tookMs } = await ask(link);
    expect(value).toEqual({ ok: false, reason: 'skipped' });
    expect(tookMs).toBeLessThan(budgetMs);
    await redis.restart();
    await until(async () => (await ask(link)).value.ok);
  });

  it('F22: without Redis at the start it opens all the same, and finds it later', async () => {
    await redis.signal('SIGKILL');
    const link = await open({ REDIS_URL: redis.url });
    expect((await ask(link)).value).toEqual({ ok: false, reason: 'skipped' });
    await redis.restart();
    await until(async () => (await ask(link)).value.ok);
  });

  it('F23: with Redis frozen calls wait for their budget once, then not at all; one of them finds it thawed', async () => {
    const link = await open({ REDIS_URL: redis.url }, { pauseMs: 60_000 });
    const patient = await open({ REDIS_URL: redis.url }, { pauseMs: 1 });
    await redis.signal('SIGSTOP');
    const together = await timed(() => Promise.all(Array.from({ length: 50 }, () => ask(link))));
    expect(together.value.map(({ value }) => value)).toEqual(
      Array.from({ length: 50 }, () => ({ ok: false, reason: 'late' })),
    );
    expect(together.tookMs).toBeLessThan(budgetMs + slackMs);
    const after = await ask(link);
    expect(after.value).toEqual({ ok: false, reason: 'skipped' });
    expect(after.tookMs).toBeLessThan(budgetMs);
    expect((await ask(patient)).value.ok).toBe(false);
    await redis.signal('SIGCONT');
    await until(async () => (await ask(patient)).value.ok);
  });

  it('F24: with Redis slower than the budget the answer is «late»', async () => {
    const proxy = await startPostgresProxy({ name: 'redis', target: redis.url });
    const link = await open({ REDIS_URL: proxy.url });
    expect((await ask(link)).value.ok).toBe(true);
    proxy.fault.current = { latencyMs: 400 };
    const { value, tookMs } = await ask(link);
    expect(value).toEqual({ ok: false, reason: 'late' });
    expect(tookMs).toBeLessThan(budgetMs + slackMs);
    await proxy.close();
  });

  it('a busy loop of our own does not pass for a slow server', async () => {
    const link = await open({ REDIS_URL: redis.url });
    const asked = ask(link);
    await new Promise(setImmediate); // the command is on its way
    const busyUntil = performance.now() + 3 * budgetMs;
    while (performance.now() < busyUntil);
    expect((await asked).value.ok).toBe(true);
  });

  it('F25: follows Sentinel to the new master', async () => {
    const replica = await startTestRedis(['--replicaof', '127.0.0.1', String(redis.port)]);
    await until(async () => (await replica.client.info('replication')).includes('master_link_status:up'));
    const sentinel = await startTestSentinel(redis);
    try {
      await sentinel.knowsReplica();
      const link = await open({ REDIS_URL: 'redis://kilde', REDIS_SENTINELS: `127.0.0.1:${sentinel.port}` });
      expect((await link.run((client) => client.set('key', 'one'))).ok).toBe(true);
      await redis.signal('SIGKILL');
      await until(async () => (await link.run((client) => client.set('key', 'two'))).ok);
      expect(await replica.client.get('key')).toBe('two');
    } finally {
      await sentinel.stop();
      await replica.stop();
    }
  });

  it('F26: with a wrong password it is as with no Redis', async () => {
    const locked = await startTestRedis(['--requirepass', 'right']);
    const link = await open({ REDIS_URL: `redis://:wrong@127.0.0.1:${locked.port}` });
    const { value, tookMs } = await ask(link);
    expect(value.ok).toBe(false);
    expect(tookMs).toBeLessThan(budgetMs);
    const right = await open({ REDIS_URL: `redis://:right@127.0.0.1:${locked.port}` });
    expect((await ask(right)).value.ok).toBe(true);
    await locked.stop();
  });

  it('F26: what Redis refuses when it is full fails, and what it still does works', async () => {
    const link = await open({ REDIS_URL: redis.url });
    await link.run((client) => client.set('key', 'one'));
    await redis.client.config('SET', 'maxmemory', '1');
    expect(await link.run((client) => client.set('more', 'two'))).toEqual({ ok: false, reason: 'failed' });
    expect((await ask(link)).value).toEqual({ ok: true, value: 'one' });
  });

  it('a cluster that has no servers to name does not keep the process from starting', async () => {
    const node = await startTestRedis(['--cluster-enabled', 'yes']);
    const link = await open({ REDIS_URL: node.url, REDIS_CLUSTER: 'true' });
    expect((await ask(link)).value).toEqual({ ok: false, reason: 'skipped' });
    await node.stop();
  });

  it('a cluster is reached through one of its servers', async () => {
    const node = await startTestRedis(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']);
    await node.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until(async () => String(await node.client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    const link = await open({ REDIS_URL: node.url, REDIS_CLUSTER: 'true' });
    const both = await link.run((client) => Promise.all([client.set('one', '1'), client.set('two', '2')]));
    expect(both).toEqual({ ok: true, value: ['OK', 'OK'] });
    await node.stop();
  });
});
