import * as z from 'zod';
import { type RedisSettings, readRedisSettings } from '../../../schema/redis.ts';
import type { SourceName } from '../../../schema/sources.ts';
import { type Env, readCommon, readEnv } from '../environment.ts';

/** Whatever is configured: what is about a person is given as new for at most so long, and as old for as long again. */
const longestAboutPersonSeconds = 600;
const longestSeconds = 86_400;
/** After so long nothing that was kept about a person is left anywhere. */
export const longestLifeMs = 2 * longestAboutPersonSeconds * 1_000;

/** `60,HELSEPERSONELLREGISTERET=600`: for every source, and for those that are named. */
const SecondsBySource = z.string().transform((text, context): Seconds => {
  const read = (seconds = '') => (/^\d+$/.test(seconds) ? Number(seconds) : Number.NaN);
  const parts = text.split(',').map((part) => part.trim().split('='));
  const usual = parts.filter(({ length }) => length === 1).map(([seconds]) => read(seconds));
  const named = parts.filter(({ length }) => length > 1).map(([name = '', seconds]) => [name, read(seconds)] as const);
  const isRight = (seconds: number) => seconds <= longestSeconds; // nor is NaN
  const all = [...usual, ...named.map(([, seconds]) => seconds)];
  if (usual.length === 1 && all.every(isRight)) return { usual: usual[0]!, named: new Map(named) };
  context.addIssue({ code: 'custom', message: 'must be seconds, and after a comma NAME=seconds for single sources' });
  return z.NEVER;
});
type Seconds = { usual: number; named: ReadonlyMap<SourceName, number> };

const Variables = z.object({
  /** How long an answer is given again as it is. 0: not kept at all. */
  CACHE_SECONDS: SecondsBySource.optional(),
  /** How much longer it stands in, marked as old, for a source that does not answer. 0: never. */
  CACHE_STALE_SECONDS: SecondsBySource.default({ usual: 600, named: new Map() }),
  /** Longest wait of one request for Redis, all its look-ups together. */
  CACHE_REDIS_MS: z.coerce.number().int().min(1).max(1_000).default(20),
  /** What this process keeps, counted as JSON; as objects it takes a few times the room. */
  CACHE_MEGABYTES: z.coerce.number().int().min(1).max(4_096).default(64),
});

/** For one source and kind of question, milliseconds. */
export type Lifetime = { freshMs: number; staleMs: number };

export type CacheSettings = {
  /** Whether anything is kept. */
  isOn: boolean;
  /** @param isAboutPerson such answers live minutes at most */
  lifetimeOf(source: SourceName, isAboutPerson: boolean): Lifetime;
  maxBytes: number;
  redis: RedisSettings | null;
  redisBudgetMs: number;
  /** A key of 32 bytes for one purpose. */
  key(purpose: string): Buffer;
};

/** Registers of health personnel and organisations change over days, and a suspension must still be seen soon. */
const usualSeconds = {
  production: '60,HELSEPERSONELLREGISTERET=600,ADRESSEREGISTERET=600',
  // Whoever breaks a source in the sandbox wants to see it broken.
  sandbox: '0',
};

/** @throws with the names of bad variables */
export const readCacheSettings = (env: Env): CacheSettings => {
  const { environment, key } = readCommon(env);
  const variables = readEnv(Variables, env);
  const fresh = variables.CACHE_SECONDS ?? SecondsBySource.parse(usualSeconds[environment]);
  const stale = variables.CACHE_STALE_SECONDS;
  return {
    isOn: fresh.usual > 0 || [...fresh.named.values()].some((seconds) => seconds > 0),
    lifetimeOf(source, isAboutPerson) {
      const longest = isAboutPerson ? longestAboutPersonSeconds : longestSeconds;
      const msOf = ({ usual, named }: Seconds) => Math.min(named.get(source) ?? usual, longest) * 1_000;
      return { freshMs: msOf(fresh), staleMs: msOf(stale) };
    },
    maxBytes: variables.CACHE_MEGABYTES * 1_000_000,
    redis: readRedisSettings(env),
    redisBudgetMs: variables.CACHE_REDIS_MS,
    key: (purpose) => key(`cache/${purpose}`),
  };
};
