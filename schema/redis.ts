import { setTimeout as wait } from 'node:timers/promises';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import * as z from 'zod';

/** Where Redis is. Holds the password: never logged. */
export type RedisSettings = {
  url: URL;
  /** With Sentinels the host of `url` is the name of the master that they watch. */
  sentinels: readonly { host: string; port: number }[];
  isCluster: boolean;
};

const sentinelList = z
  .string()
  .default('')
  .transform((text) => text.split(',').filter((it) => it.trim() !== ''))
  .refine((list) => list.every((it) => URL.canParse(`redis://${it.trim()}`)), 'host:port,host:port')
  .transform((list) =>
    list.map((it) => {
      const { hostname, port } = new URL(`redis://${it.trim()}`);
      return { host: hostname, port: Number(port || 26_379) };
    }),
  );

/**
 * `REDIS_URL`: one server, and user, password, database and TLS (`rediss:`) of the others too.
 * `REDIS_SENTINELS`: `host:port,…`; the host in `REDIS_URL` is then the master's name.
 * `REDIS_CLUSTER=true`: the server in `REDIS_URL` is one of a cluster and knows the rest.
 */
const Variables = z
  .object({
    REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
    REDIS_SENTINELS: sentinelList,
    REDIS_CLUSTER: z.enum(['true', 'false']).default('false'),
  })
  .refine(
    ({ REDIS_URL, REDIS_SENTINELS, REDIS_CLUSTER }) =>
      REDIS_URL !== undefined || (REDIS_SENTINELS.length === 0 && REDIS_CLUSTER === 'false'),
    { path: ['REDIS_URL'], message: 'needed with REDIS_SENTINELS and REDIS_CLUSTER' },
  )
  .refine(({ REDIS_SENTINELS, REDIS_CLUSTER }) => REDIS_SENTINELS.length === 0 || REDIS_CLUSTER === 'false', {
    path: ['REDIS_CLUSTER'],
    message: 'not together with REDIS_SENTINELS',
  });

/** @returns `null` when there is no Redis: whatever is shared through it is then this process's own */
export const readRedisSettings = (env: Record<string, string | undefined>): RedisSettings | null => {
  const { data, error } = Variables.safeParse(env);
  if (error) throw new Error(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  const { REDIS_URL: url, REDIS_SENTINELS: sentinels, REDIS_CLUSTER } = data;
  return url === undefined ? null : { url: new URL(url), sentinels, isCluster: REDIS_CLUSTER === 'true' };
};

export type RedisClient = Redis | Cluster;

/** `skipped`: not even asked, because there is no connection, or because it has just failed to answer in time. */
export type RedisAnswer<T> = { ok: true; value: T } | { ok: false; reason: 'skipped' | 'late' | 'failed' };

export type RedisLink = {
  /**
   * Runs commands and waits for them `budgetMs` at most. Commands that come late may have been carried out all the same.
   * Nothing is ever sent twice, so the answer to `SET … NX` is this caller's own.
   */
  run<T>(commands: (redis: RedisClient) => Promise<T>, budgetMs?: number): Promise<RedisAnswer<T>>;
  /** For what `run` is not for: subscriptions. Has no budget. */
  client: RedisClient;
  close(): void;
};

export type RedisLinkOptions = {
  /** What the connection is for; Redis shows it in `CLIENT LIST`. */
  name: string;
  /** Longest wait for one `run`. */
  budgetMs: number;
  /** After an answer that came too late, nothing is asked for this long; then one call finds out for all. 0 asks always. */
  pauseMs: number;
};

/** ioredis waits for ever on a server that does not answer, unless it is told not to (security reference, finding 9). */
const silenceMs = 1_000;
const reconnectMs = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000);

/** Many commands fail at once with the same error, and one new connection is enough. */
const onceInAWhile = (isReason: (error: Error) => boolean) => {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (error: Error): boolean => {
    if (!isReason(error) || performance.now() - lastMs < silenceMs) return false;
    lastMs = performance.now();
    return true;
  };
};

const connect = ({ url, sentinels, isCluster }: RedisSettings, name: string): RedisClient => {
  const port = Number(url.port || 6_379);
  const tls = url.protocol === 'rediss:' ? { tls: {} } : {};
  const options = {
    ...(url.username ? { username: decodeURIComponent(url.username) } : {}),
    ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
    ...tls,
    connectionName: `kilde-${name}`,
    connectTimeout: silenceMs,
    commandTimeout: silenceMs,
    socketTimeout: silenceMs, // with a command under way: a host that vanished closes no connection
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    lazyConnect: true,
    reconnectOnError: onceInAWhile(({ message }) => message.startsWith('READONLY')), // the master has become a replica
  } satisfies RedisOptions;
  if (isCluster)
    return new Cluster([{ host: url.hostname, port }], {
      lazyConnect: true,
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      clusterRetryStrategy: reconnectMs,
      slotsRefreshTimeout: silenceMs,
      redisOptions: options,
    });
  return new Redis({
    ...options,
    ...(sentinels.length > 0
      ? { sentinels: [...sentinels], name: url.hostname, sentinelRetryStrategy: reconnectMs }
      : { host: url.hostname, port }),
    db: Number(url.pathname.slice(1) || 0),
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    retryStrategy: reconnectMs,
  });
};

/** The first connection is waited for, but not for long: without Redis everything starts as well, and finds it later. */
export const openRedis = async (
  settings: RedisSettings,
  { name, budgetMs: usualBudgetMs, pauseMs }: RedisLinkOptions,
): Promise<RedisLink> => {
  const client = connect(settings, name);
  client.on('error', () => {}); // every call is told so itself, and unheard it would end the process
  await Promise.race([client.connect().catch(() => {}), wait(silenceMs, undefined, { ref: false })]);

  /** When the next call may find out whether it answers again; `null` while it does. */
  let resumesAtMs: number | null = null;

  const isSkipped = (): boolean => {
    if (client.status !== 'ready') return true;
    if (resumesAtMs === null) return false;
    const now = performance.now();
    if (now < resumesAtMs) return true;
    resumesAtMs = now + pauseMs; // this call finds out; the others wait for what it finds
    return false;
  };

  return {
    client,
    async run(commands, budgetMs = usualBudgetMs) {
      if (isSkipped()) return { ok: false, reason: 'skipped' };
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<RedisAnswer<never>>((resolve) => {
        // Timers run before what has arrived is read. One turn more, lest our own busy loop passes for a slow server.
        timer = setTimeout(() => setImmediate(resolve, { ok: false, reason: 'late' }), budgetMs);
      });
      const answer = await Promise.race([
        commands(client).then(
          (value): RedisAnswer<never> | { ok: true; value: typeof value } => ({ ok: true, value }),
          (): RedisAnswer<never> => ({ ok: false, reason: 'failed' }),
        ),
        late,
      ]);
      clearTimeout(timer);
      if (answer.ok) resumesAtMs = null;
      else if (answer.reason === 'late' && pauseMs > 0) resumesAtMs = performance.now() + pauseMs;
      return answer;
    },
    close: () => client.disconnect(),
  };
};
