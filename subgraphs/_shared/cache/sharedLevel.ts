import { randomUUID } from 'node:crypto';
import { openRedis, type RedisClient, type RedisSettings } from '../../../schema/redis.ts';
import { log } from '../log.ts';
import { type Announcements, listenForDrops, type Own } from './announcements.ts';
import { redisKeys } from './redisKeys.ts';
import type { Seal } from './seal.ts';

/** An answer as Redis has it. */
export type Shared = { value: unknown; asOfMs: number; bytes: number };

export type LookedUp = {
  outcome: 'hit' | 'miss' | 'skipped' | 'late' | 'failed' | 'unreadable';
  found: Shared | null;
  /** Of the subjects, in their order; an answer counts while they are what they were before its source was asked. */
  generations: readonly (string | null)[];
};
export type Claim = {
  /** Whether this process is the one to ask the source. */
  isOurs: boolean;
  /** `null` when Redis did not say: what the source answers cannot then be stored. */
  generations: readonly string[] | null;
};

/** What all processes of an installation keep together. Every wait is bounded, and no failure is anything but a miss. */
export type SharedLevel = Announcements & {
  lookUp(name: string, subjects: readonly string[], budgetMs?: number): Promise<LookedUp>;
  /** Agrees with the other processes on who asks, for `holdMs` at most. */
  claim(name: string, subjects: readonly string[], looked: LookedUp, holdMs: number, budgetMs: number): Promise<Claim>;
  /** Whether somebody is asking still. */
  isClaimed(name: string): Promise<boolean>;
  /** Not waited for. */
  store(name: string, generations: readonly string[], answer: { asOfMs: number; json: string }, ttlMs: number): void;
  /** Not waited for. */
  release(name: string): void;
  close(): void;
};

/** So long Redis is left alone when it has not answered within the budget. */
const pauseMs = 2_000;
/** Generations may be forgotten at any time: the answers that name them are then worth nothing. */
const generationMs = 86_400_000;

/** Nobody waits for these. */
const backgroundMs = 500;

const readGenerations = (redis: RedisClient, subjects: readonly string[]): Promise<(string | null)[]> =>
  Promise.all(subjects.map((subject) => redis.get(redisKeys.subject(subject))));

/** What is sealed. */
type Envelope = { asOfMs: number; generations: string[]; value: unknown };

/** @param budgetMs longest wait where none is given */
export const openSharedLevel = async (
  settings: RedisSettings,
  { seal, own, budgetMs }: { seal: Seal; own: Own; budgetMs: number },
): Promise<SharedLevel> => {
  const link = await openRedis(settings, { name: 'cache', budgetMs, pauseMs });
  const announcements = await listenForDrops(settings, link, own);
  if (link.client.status !== 'ready') log.warn('Redis does not answer: sources’ answers are not shared until it does');
  const inBackground = async (commands: (redis: RedisClient) => Promise<unknown>) => {
    await link.run(commands, backgroundMs);
  };

  return {
    ...announcements,
    async lookUp(name, subjects, budgetMs) {
      const answer = await link.run(
        (redis) => Promise.all([redis.getBuffer(redisKeys.answer(name)), readGenerations(redis, subjects)]),
        budgetMs,
      );
      if (!answer.ok) return { outcome: answer.reason, found: null, generations: [] };
      const [sealed, generations] = answer.value;
      if (!sealed) return { outcome: 'miss', found: null, generations };
      const text = seal.open(name, sealed);
      if (text === null) return { outcome: 'unreadable', found: null, generations };
      const envelope = JSON.parse(text) as Envelope; // authenticated: this code wrote it
      const isValid = generations.every((generation, at) => generation === envelope.generations[at]);
      if (!isValid) return { outcome: 'miss', found: null, generations };
      return {
        outcome: 'hit',
        found: { value: envelope.value, asOfMs: envelope.asOfMs, bytes: text.length },
        generations,
      };
    },
    async claim(name, subjects, { generations, outcome }, holdMs, budgetMs) {
      if (outcome === 'skipped' || outcome === 'late' || outcome === 'failed')
        return { isOurs: true, generations: null };
      const answer = await link.run(
        (redis) =>
          Promise.all([
            redis.set(redisKeys.claim(name), '1', 'PX', holdMs, 'NX'),
            ...subjects.map(async (subject, at) => {
              const known = generations[at];
              if (known) return known;
              const fresh = randomUUID();
              // With GET: somebody else's, where somebody else was first.
              return (await redis.set(redisKeys.subject(subject), fresh, 'PX', generationMs, 'NX', 'GET')) ?? fresh;
            }),
          ]),
        budgetMs,
      );
      if (!answer.ok) return { isOurs: true, generations: null };
      const [claimed, ...agreed] = answer.value;
      return { isOurs: claimed !== null, generations: agreed as string[] };
    },
    async isClaimed(name) {
      const answer = await link.run((redis) => redis.exists(redisKeys.claim(name)));
      return answer.ok && answer.value === 1;
    },
    store(name, generations, { asOfMs, json }, ttlMs) {
      const text = `{"asOfMs":${asOfMs},"generations":${JSON.stringify(generations)},"value":${json}}`;
      const sealed = seal.close(name, text);
      void inBackground((redis) =>
        Promise.all([redis.set(redisKeys.answer(name), sealed, 'PX', ttlMs), redis.del(redisKeys.claim(name))]),
      );
    },
    release: (name) => void inBackground((redis) => redis.del(redisKeys.claim(name))),
    close() {
      announcements.close();
      link.close();
    },
  };
};
