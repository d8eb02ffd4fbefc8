import { randomUUID } from 'node:crypto';
import { openRedis, type RedisClient, type RedisLink, type RedisSettings } from '../../../schema/redis.ts';
import { dropped } from './metrics.ts';
import { dropsChannel, redisKeys, signChannel } from './redisKeys.ts';
import { longestLifeMs } from './settings.ts';

/** What this process keeps itself. */
export type Own = { forget(subjects: readonly string[]): void; forgetPeople(): void };

/** How processes tell each other that what they keep about somebody is no longer so. */
export type Announcements = {
  /** Drops subjects' answers in Redis and in all other processes. When Redis cannot be told now it is told later, until they are too old anyway. */
  drop(subjects: readonly string[]): Promise<void>;
  /**
   * Whether this process would have heard of a drop, give or take {@link deafAfterMs}. When it would not, what it keeps about
   * people must not be given.
   */
  isListening(): boolean;
  close(): void;
};

/** So long after the last sign that announcements arrive, this process knows that they may not. */
export const deafAfterMs = 5_000;
const beatMs = 1_000;
/** Whoever records an event waits longer for Redis than whoever reads: it is better told now than in a second. */
const tellMs = 250;

/**
 * Announcements over publish and subscribe, on a connection of their own. Redis does not say when it has lost a subscriber,
 * so this process sends itself a sign every second: what was announced before a sign arrives before it.
 */
export const listenForDrops = async (settings: RedisSettings, sender: RedisLink, own: Own): Promise<Announcements> => {
  const signs = signChannel(randomUUID());
  const receiver = await openRedis(settings, { name: 'cache-drops', budgetMs: beatMs, pauseMs: 0 });
  let heardMs = Number.NEGATIVE_INFINITY;
  /** Subjects that Redis has not been told of, and until when that matters. */
  const untold = new Map<string, number>();

  receiver.client.on('message', (from: string, message: string) => {
    if (from !== signs) return own.forget([message]);
    const sentMs = Number(message);
    if (sentMs - heardMs > 2 * beatMs) own.forgetPeople(); // what was announced between two signs may be lost with those between
    heardMs = sentMs;
  });
  receiver.client.on('close', () => {
    heardMs = Number.NEGATIVE_INFINITY;
  });
  const subscribe = () => receiver.client.subscribe(dropsChannel, signs).catch(() => {});

  const tell = async (subjects: readonly string[]): Promise<boolean> => {
    const commands = (redis: RedisClient) =>
      Promise.all(
        subjects.flatMap((subject) => [
          redis.del(redisKeys.subject(subject)), // not a new generation: a Redis that is full takes nothing, and still deletes
          redis.publish(dropsChannel, subject),
        ]),
      );
    return (await sender.run(commands, tellMs)).ok;
  };

  const tellLater = async () => {
    const now = Date.now();
    for (const [subject, until] of untold) if (until < now) untold.delete(subject);
    const subjects = [...untold.keys()];
    if (subjects.length > 0 && (await tell(subjects))) for (const subject of subjects) untold.delete(subject);
  };
  const beat = async () => {
    const sentMs = performance.now();
    await Promise.all([
      sender.run((redis) => redis.publish(signs, String(sentMs)), beatMs),
      receiver.run((redis) => redis.ping()), // its connection is closed and made anew when this gets no answer
      tellLater(),
    ]);
  };

  receiver.client.on('ready', () => void subscribe());
  await subscribe();
  await beat();
  const beating = setInterval(() => void beat(), beatMs).unref();

  return {
    async drop(subjects) {
      const isTold = await tell(subjects);
      dropped.inc({ told: isTold ? 'now' : 'later' });
      if (isTold) return;
      for (const subject of subjects) untold.set(subject, Date.now() + longestLifeMs);
    },
    isListening: () => performance.now() - heardMs < deafAfterMs,
    close() {
      clearInterval(beating);
      receiver.close();
    },
  };
};
