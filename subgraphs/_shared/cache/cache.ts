import { setTimeout as wait } from 'node:timers/promises';
import type { CallContext, Result, SourceError } from '../source.ts';
import { createBudget } from './budget.ts';
import { createFlights, type Flight } from './flights.ts';
import type { Freshness } from './freshness.ts';
import { lookups } from './metrics.ts';
import { createCacheNames, type Person, type Question } from './names.ts';
import { createProcessLevel, type Kept } from './processLevel.ts';
import { createSeal, versionOfCode } from './seal.ts';
import type { CacheSettings, Lifetime } from './settings.ts';
import { type Claim, openSharedLevel, type Shared } from './sharedLevel.ts';

/** What a source says, and when it said so. */
export type Recalled<T> = Freshness & { value: T };

export type AskOptions<T> = {
  /** Whether an answer may be given again. One with a part that failed or was withheld must be asked for anew. */
  isWhole?(value: T): boolean;
};

/**
 * Keeps what sources answer, for the same caller with the same question. Only answers: a failure, and above all a refusal,
 * is asked for anew each time, and a refusal drops what was kept of the patient at that source.
 */
export type SourceCache = {
  /** @param call asks the source, in the context that it is given: its signal may end before the request's own does */
  ask<T>(
    question: Question,
    context: CallContext,
    call: (context: CallContext) => Promise<Result<T>>,
    options?: AskOptions<T>,
  ): Promise<Result<Recalled<T>>>;
  /** Something about these people has changed: nothing from before is given any more, in any process. */
  dropPeople(people: readonly Person[]): Promise<void>;
  close(): Promise<void>;
};

const isFault = ({ kind }: SourceError): boolean => kind === 'unavailable' || kind === 'timeout';
/** An answer that cannot be used is neither: it may be a refusal in words that we do not know, so nothing stands in for it. */
const isRefusal = (error: SourceError): boolean => error.kind !== 'invalid' && !isFault(error);

/** So long before the request's deadline a source is given up, when there is an older answer to give instead. */
const reserveMs = 300;
/** Longest time for which one process lets the others wait for what it asks a source. */
const claimMs = 2_000;
const pollMs = 20;

const recalled = (
  { value, asOfMs }: { value: unknown; asOfMs: number },
  status: Freshness['status'],
): Result<Recalled<unknown>> => ({ ok: true, value: { value, status, asOf: new Date(asOfMs).toISOString() } });

/** Keeps nothing: every question is asked. */
export const noCache: SourceCache = {
  async ask(_question, context, call) {
    const answer = await call(context);
    return answer.ok
      ? { ok: true, value: { value: answer.value, status: 'FRESH', asOf: new Date().toISOString() } }
      : answer;
  },
  dropPeople: async () => {},
  close: async () => {},
};

/** The same context with an earlier end. */
const leavingReserve = (context: CallContext): CallContext => {
  const leftMs = Math.max(1, context.assertion.deadline - Date.now() - reserveMs);
  return { ...context, signal: AbortSignal.any([context.signal, AbortSignal.timeout(leftMs)]) };
};

/** A question on its way through the levels. `held` is what this process has, too old to be given as it is. */
type Inquiry = {
  question: Question;
  context: CallContext;
  call(context: CallContext): Promise<Result<unknown>>;
  isWhole(value: never): boolean;
  name: string;
  subjects: readonly string[];
  lifetime: Lifetime;
  held: Kept | undefined;
};
type Answer = Result<Recalled<unknown>>;

/**
 * In this process, and in Redis when there is one. `openCache` gives the one that the subgraphs of a process have in common.
 *
 * @param now epoch milliseconds
 */
export const createCache = async (settings: CacheSettings, now: () => number = Date.now): Promise<SourceCache> => {
  if (!settings.isOn) return noCache;
  const names = createCacheNames(settings.key('names'));
  const own = createProcessLevel(settings.maxBytes);
  const flights = createFlights();
  const budget = createBudget(settings.redisBudgetMs);
  const seal = createSeal(settings.key('values'), versionOfCode());
  const forget = (subjects: readonly string[]) => {
    for (const subject of subjects) {
      flights.dropSubject(subject);
      own.dropSubject(subject);
    }
  };
  const forgetPeople = () => {
    flights.dropPeople();
    own.dropPeople();
  };
  const shared = settings.redis
    ? await openSharedLevel(settings.redis, { seal, own: { forget, forgetPeople }, budgetMs: settings.redisBudgetMs })
    : null;
  const drop = async (subjects: readonly string[]) => {
    forget(subjects);
    await shared?.drop(subjects);
  };

  /** A process that would not hear of a drop must not give what it holds about people. */
  const mayGiveOwn = ({ patient }: Question) => patient === null || shared === null || shared.isListening();
  const isYoung = ({ asOfMs }: { asOfMs: number }, ms: number) => now() - asOfMs < ms;
  const lifeMs = ({ freshMs, staleMs }: Lifetime) => freshMs + staleMs;
  const count = ({ source }: Question, level: 'process' | 'redis', outcome: string) =>
    lookups.inc({ source, level, outcome });

  const lookAtRedis = async ({ question, context, name, subjects, lifetime }: Inquiry) => {
    if (!shared) return null;
    const looked = await budget.spend(context.signal, (leftMs) => shared.lookUp(name, subjects, leftMs));
    const isTooOld = looked?.found && !isYoung(looked.found, lifetime.freshMs);
    count(question, 'redis', isTooOld ? 'miss' : (looked?.outcome ?? 'skipped'));
    return looked;
  };

  /** What another process gets that is asking just now; `null` when that comes to nothing. */
  const waitForOthers = async ({ context, name, subjects, lifetime }: Inquiry): Promise<Shared | null> => {
    if (!shared) return null;
    const until = Math.min(now() + claimMs, context.assertion.deadline - reserveMs);
    while (now() < until && !context.signal.aborted) {
      await wait(pollMs);
      const isClaimed = await shared.isClaimed(name); // before the answer is looked for: it is stored before the claim ends
      const { found } = await shared.lookUp(name, subjects);
      if (found && isYoung(found, lifetime.freshMs)) return found;
      if (!isClaimed) return null;
    }
    return null;
  };

  const keep = ({ name, subjects, lifetime }: Inquiry, flight: Flight, { value, asOfMs, bytes }: Shared) => {
    if (!flight.isDropped) own.put(name, { value, asOfMs, bytes, subjects }, lifeMs(lifetime) - (now() - asOfMs));
  };

  /** Asks the source, whatever is kept, and keeps what it says. */
  const askSource = async (inquiry: Inquiry, flight: Flight, claim: Claim | null, found: Shared | null) => {
    const { question, context, call, isWhole, name, lifetime, held } = inquiry;
    const isOldAnswer = (it: Shared | undefined | null): it is Shared => !!it && isYoung(it, lifeMs(lifetime));
    const answer = await call([held, found].some(isOldAnswer) ? leavingReserve(context) : context);
    const asOfMs = now();
    if (answer.ok) {
      const json = isWhole(answer.value as never) ? JSON.stringify(answer.value) : null;
      if (json !== null) keep(inquiry, flight, { value: answer.value, asOfMs, bytes: json.length });
      if (json !== null && claim?.generations)
        shared?.store(name, claim.generations, { asOfMs, json }, lifeMs(lifetime));
      else if (claim?.isOurs) shared?.release(name);
      return recalled({ value: answer.value, asOfMs }, 'FRESH');
    }
    if (claim?.isOurs) shared?.release(name);
    const { source, patient } = question;
    if (patient && isRefusal(answer.error)) void drop([names.ofPatientAt(source, patient)]);
    if (!isFault(answer.error) || flight.isDropped) return answer;
    const ownOld = mayGiveOwn(question) ? held : null;
    const old = [ownOld, found].find(isOldAnswer);
    if (!old) return answer;
    count(question, old === ownOld ? 'process' : 'redis', 'stale');
    return recalled(old, 'STALE');
  };

  const find = async (inquiry: Inquiry, flight: Flight): Promise<Answer> => {
    const { context, name, subjects, lifetime } = inquiry;
    const looked = await lookAtRedis(inquiry);
    const found = looked?.found ?? null;
    if (found && isYoung(found, lifetime.freshMs)) {
      keep(inquiry, flight, found);
      return recalled(found, 'CACHED');
    }
    const claim =
      shared &&
      looked &&
      (await budget.spend(context.signal, (leftMs) => shared.claim(name, subjects, looked, claimMs, leftMs)));
    const others = claim && !claim.isOurs ? await waitForOthers(inquiry) : null;
    return others ? recalled(others, 'CACHED') : askSource(inquiry, flight, claim, found);
  };

  const ask = async (asked: Omit<Inquiry, 'name' | 'subjects' | 'held'>): Promise<Answer> => {
    const { question, context, lifetime } = asked;
    const name = names.ofAnswer(question, context, new Date(now()));
    const held = mayGiveOwn(question) ? own.get(name) : undefined;
    if (held && isYoung(held, lifetime.freshMs)) {
      count(question, 'process', 'hit');
      return recalled(held, 'CACHED');
    }
    const subjects = names.ofSubjects(question);
    const started = performance.now();
    const landed = await flights.share(name, subjects, context.signal, (flight) =>
      find({ ...asked, name, subjects, held }, flight),
    );
    count(question, 'process', landed?.isJoined === false ? 'miss' : 'joined');
    if (landed) return landed.result;
    const afterMs = Math.round(performance.now() - started);
    return { ok: false, error: { kind: 'timeout', source: question.source, afterMs } };
  };

  return {
    async ask<T>(
      question: Question,
      context: CallContext,
      call: (context: CallContext) => Promise<Result<T>>,
      { isWhole = () => true }: AskOptions<T> = {},
    ) {
      const lifetime = settings.lifetimeOf(question.source, question.patient !== null);
      if (lifetime.freshMs === 0) return noCache.ask(question, context, call);
      const answer = await ask({ question, context, lifetime, call, isWhole });
      return answer as Result<Recalled<T>>; // under this question's name nothing else is kept
    },
    dropPeople: (people) => drop([...new Set(people.flatMap(names.ofPerson))]),
    close: async () => shared?.close(),
  };
};
