import { register } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Assertion } from '../../../schema/assertion.ts';
import { createCache, type SourceCache } from '../../../subgraphs/_shared/cache/cache.ts';
import { oldestOf } from '../../../subgraphs/_shared/cache/freshness.ts';
import type { Question } from '../../../subgraphs/_shared/cache/names.ts';
import { openCache } from '../../../subgraphs/_shared/cache/open.ts';
import { createProcessLevel } from '../../../subgraphs/_shared/cache/processLevel.ts';
import { readCacheSettings } from '../../../subgraphs/_shared/cache/settings.ts';
import { answered } from '../../../subgraphs/_shared/group.ts';
import type { Result, SourceError } from '../../../subgraphs/_shared/source.ts';
import { citizen, doctor } from '../../support/ask.ts';
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

const start = Date.parse('2026-11-25T12:00:00Z');
let clock: number;
let source: ReturnType<typeof countingSource>;
const make = (change: Record<string, string> = {}) => createCache(cacheSettings(change), () => clock);
const passMinutes = (minutes: number) => {
  clock += minutes * 60_000;
};
const down: Result<never> = { ok: false, error: { kind: 'unavailable', source: 'PROVESVAR', status: 503 } };

beforeEach(() => {
  clock = start;
  source = countingSource();
});

describe('the cache of sources’ answers', () => {
  let cache: SourceCache;
  beforeEach(async () => {
    cache = await make();
  });
  const ask = (question: Question = questionAbout(), context = contextFor()) =>
    cache.ask(question, context, source.call);

  it('gives the same caller the same answer again, as CACHED and with the time that the source said it', async () => {
    const asOf = new Date(start).toISOString();
    expect(await ask()).toEqual({ ok: true, value: { value: { number: 1 }, status: 'FRESH', asOf } });
    clock += 30_000;
    expect(await ask()).toEqual({ ok: true, value: { value: { number: 1 }, status: 'CACHED', asOf } });
    clock += 30_000;
    expect(await ask()).toMatchObject({ value: { value: { number: 2 }, status: 'FRESH' } });
  });

  const asker = doctor(fjordarm.nins[0]);
  const changed: [string, Partial<Assertion>][] = [
    ['person', { caller: { ...asker, nin: '02915631153' } as typeof asker }],
    ['role', { caller: { ...asker, role: 'nurse' } as typeof asker }],
    ['authorization', { caller: { ...asker, authorization: 'SP' } as typeof asker }],
    [
      'organisation',
      { caller: { ...asker, organisation: { legalEntity: '310000019', pointOfCare: null } } as typeof asker },
    ],
    ['client', { caller: { ...asker, clientId: 'another' } as typeof asker }],
    ['kind', { caller: citizen(fjordarm.nins[0]) }],
    ['attest', { caller: { ...asker, attest: null } as typeof asker }],
    ['purpose', { purpose: 'COC' }],
    ['access basis', { accessBasis: 'AKUTT' }],
    ['categories', { categories: ['laboratory'] }],
  ];
  it.each(changed)(
    'rows 25–29: what one caller has asked is never given to one with another %s',
    async (_what, change) => {
      await ask();
      expect(await ask(questionAbout(), contextFor(fjordarm, change))).toMatchObject({ value: { status: 'FRESH' } });
      expect(source.calls).toBe(2);
    },
  );

  it.each<[string, Question]>([
    ['about another patient', questionAbout(granskog)],
    ['about the same patient by another number', questionAbout({ ...fjordarm, nins: ['02915631153'] })],
    ['with other parameters', questionAbout(fjordarm, { parameters: { from: '2026' } })],
    ['of another kind', questionAbout(fjordarm, { name: 'other' })],
    ['to another source', questionAbout(fjordarm, { source: 'ERESEPT' })],
  ])('rows 25–29: a question %s is another question', async (_what, question) => {
    await ask();
    await ask(question);
    expect(source.calls).toBe(2);
  });

  it('ids of the request make no difference', async () => {
    await ask(questionAbout(), contextFor(fjordarm, { traceId: '1', eventId: '1', deadline: Date.now() + 1_000 }));
    await ask(questionAbout(), contextFor(fjordarm, { traceId: '2', eventId: '2', deadline: Date.now() + 2_000 }));
    expect(source.calls).toBe(1);
  });

  it('no answer outlives its day: a birthday changes what may be seen', async () => {
    clock = Date.parse('2026-11-25T22:59:50Z'); // 23:59:50 in Oslo
    await ask();
    clock += 20_000;
    expect(await ask()).toMatchObject({ value: { status: 'FRESH' } });
  });

  it('asks the source once for all who ask at the same time', async () => {
    const answer = later<Result<{ number: number }>>();
    source.answer = () => answer.promise;
    const asked = Promise.all(Array.from({ length: 50 }, () => ask()));
    answer.resolve({ ok: true, value: { number: 1 } });
    expect(new Set((await asked).map((it) => it.ok && it.value.status))).toEqual(new Set(['FRESH']));
    expect(source.calls).toBe(1);
  });

  it('one of those who wait asks again when the one who asked has left', async () => {
    const leaving = new AbortController();
    const left = later<Result<{ number: number }>>();
    source.answer = (calls) => (calls === 1 ? left.promise : { ok: true, value: { number: calls } });
    const first = ask(questionAbout(), contextFor(fjordarm, {}, leaving.signal));
    const others = Promise.all([ask(), ask(), ask()]);
    leaving.abort();
    left.resolve({ ok: false, error: { kind: 'timeout', source: 'PROVESVAR', afterMs: 1 } });
    expect((await first).ok).toBe(false);
    for (const other of await others) expect(other).toMatchObject({ ok: true, value: { value: { number: 2 } } });
    expect(source.calls).toBe(2);
  });

  it('nobody waits beyond their own deadline for what another asks', async () => {
    source.answer = () => later<Result<{ number: number }>>().promise;
    void ask();
    const waited = await ask(questionAbout(), contextFor(fjordarm, {}, AbortSignal.timeout(20)));
    expect(waited).toMatchObject({ ok: false, error: { kind: 'timeout', source: 'PROVESVAR' } });
  });

  it.each<SourceError>([
    { kind: 'denied', source: 'PROVESVAR', status: 403 },
    { kind: 'blocked', source: 'PROVESVAR' },
    { kind: 'reserved', source: 'PROVESVAR' },
    { kind: 'restricted', source: 'PROVESVAR', requires: 'AKUTT' },
    { kind: 'invalid', source: 'PROVESVAR', paths: [] },
    { kind: 'timeout', source: 'PROVESVAR', afterMs: 1 },
    { kind: 'unavailable', source: 'PROVESVAR', status: null },
  ])('an error of kind $kind is asked for anew', async (error) => {
    source.answer = () => ({ ok: false, error });
    expect(await ask()).toEqual({ ok: false, error });
    expect(await ask()).toEqual({ ok: false, error });
    expect(source.calls).toBe(2);
  });

  it('an answer that is not whole is asked for anew', async () => {
    const partial = () => cache.ask(questionAbout(), contextFor(), source.call, { isWhole: () => false });
    await partial();
    expect(await partial()).toMatchObject({ value: { status: 'FRESH', value: { number: 2 } } });
  });

  describe('when the source does not answer', () => {
    it('gives what it said before, as STALE and with its time, for ten minutes more', async () => {
      await ask();
      source.answer = () => down;
      passMinutes(5);
      const staleBefore = await countedLookups('stale');
      expect(await ask()).toEqual({
        ok: true,
        value: { value: { number: 1 }, status: 'STALE', asOf: new Date(start).toISOString() },
      });
      expect(await countedLookups('stale')).toBe(staleBefore + 1);
      passMinutes(6.1);
      expect(await ask()).toEqual(down);
    });

    it('gives an older answer in time when the source hangs until the deadline', async () => {
      await ask();
      passMinutes(2);
      source.call = ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () =>
            resolve({ ok: false, error: { kind: 'timeout', source: 'PROVESVAR', afterMs: 1 } }),
          );
        });
      const deadline = Date.now() + 600;
      expect(await ask(questionAbout(), contextFor(fjordarm, { deadline }))).toMatchObject({
        value: { status: 'STALE' },
      });
      expect(Date.now()).toBeLessThan(deadline);
    });

    it('is an error at once where CACHE_STALE_SECONDS says so for that source', async () => {
      cache = await make({ CACHE_STALE_SECONDS: '600,PROVESVAR=0' });
      await ask();
      source.answer = () => down;
      passMinutes(2);
      expect(await ask()).toEqual(down);
    });

    it.each<SourceError>([
      { kind: 'blocked', source: 'PROVESVAR' },
      { kind: 'denied', source: 'PROVESVAR', status: 403 },
      { kind: 'reserved', source: 'PROVESVAR' },
      { kind: 'restricted', source: 'PROVESVAR', requires: null },
    ])('gives nothing from before it said $kind, to no question about that patient', async (error) => {
      const other = questionAbout(fjordarm, { parameters: 'other' });
      await ask();
      await ask(other);
      await ask(questionAbout(fjordarm, { source: 'ERESEPT' }));
      passMinutes(2);
      source.answer = () => ({ ok: false, error });
      await ask();
      source.answer = () => down;
      expect(await ask()).toEqual(down);
      expect(await ask(other)).toEqual(down);
      expect(await ask(questionAbout(fjordarm, { source: 'ERESEPT' }))).toMatchObject({ value: { status: 'STALE' } });
    });

    it('gives nothing in place of what it answered unusably: that may be a refusal', async () => {
      await ask();
      passMinutes(2);
      const invalid: Result<never> = { ok: false, error: { kind: 'invalid', source: 'PROVESVAR', paths: [] } };
      source.answer = () => invalid;
      expect(await ask()).toEqual(invalid);
    });
  });

  describe('dropPeople', () => {
    const former = '02915631153';
    const renamed = { ...fjordarm, nins: [fjordarm.nins[0], former] as [string, ...string[]] };

    it.each([
      ['their number', { nationalId: fjordarm.nins[0], id: null }],
      ['a former number', { nationalId: former, id: null }],
      ['Kilde’s id', { nationalId: null, id: fjordarm.id }],
    ])('drops what is kept of a person, by %s, also as a stand-in', async (_by, person) => {
      const asked = () => ask(questionAbout(renamed), contextFor(renamed));
      await asked();
      await cache.dropPeople([person]);
      expect(await asked()).toMatchObject({ value: { status: 'FRESH', value: { number: 2 } } });
      await cache.dropPeople([person]);
      source.answer = () => down;
      expect(await asked()).toEqual(down);
    });

    it('leaves what is kept of others', async () => {
      await ask();
      await cache.dropPeople([{ nationalId: granskog.nins[0], id: granskog.id }]);
      expect(await ask()).toMatchObject({ value: { status: 'CACHED' } });
    });

    it('lets nobody have, after the event, what was asked for before it', async () => {
      const answer = later<Result<{ number: number }>>();
      source.answer = (calls) => (calls === 1 ? answer.promise : { ok: true, value: { number: calls } });
      const before = ask();
      await cache.dropPeople([{ nationalId: fjordarm.nins[0], id: null }]);
      const after = await ask();
      answer.resolve({ ok: true, value: { number: 1 } });
      await before;
      expect(after).toMatchObject({ value: { value: { number: 2 } } });
      expect(await ask()).toMatchObject({ value: { value: { number: 2 }, status: 'CACHED' } });
    });
  });

  describe('a public register', () => {
    const party: Question = { source: 'ADRESSEREGISTERET', name: 'party', parameters: 1, patient: null };

    it('gives all callers the same, and lives as long as configured', async () => {
      cache = await make({ CACHE_SECONDS: '60,ADRESSEREGISTERET=3600' });
      await ask(party, contextFor(fjordarm));
      passMinutes(30);
      await cache.dropPeople([{ nationalId: fjordarm.nins[0], id: fjordarm.id }]);
      const other = contextFor(granskog, { caller: citizen(granskog.nins[0]) });
      expect(await ask(party, other)).toMatchObject({ value: { status: 'CACHED' } });
    });

    it('is the only one that can be kept for hours: what is about a person lives ten minutes at most', async () => {
      cache = await make({ CACHE_SECONDS: '3600', CACHE_STALE_SECONDS: '0' });
      await ask();
      passMinutes(10);
      expect(await ask()).toMatchObject({ value: { status: 'FRESH' } });
    });
  });

  it('keeps no more in memory than it is told to', async () => {
    const level = createProcessLevel(10_000);
    for (let at = 0; at < 100; at += 1)
      level.put(String(at), { value: at, asOfMs: start, bytes: 1_000, subjects: [`${at}`] }, 60_000);
    const kept = Array.from({ length: 100 }, (_, at) => level.get(String(at))).filter((it) => it !== undefined);
    expect(kept.map(({ value }) => value)).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
    level.put('huge', { value: 0, asOfMs: start, bytes: 5_000, subjects: [] }, 60_000);
    expect(level.get('huge')).toBeUndefined();
  });

  it('row 39: no metric says whom or what anything was about', async () => {
    await ask();
    const text = await register.metrics();
    expect(text).toContain('kilde_cache_lookups_total');
    for (const secret of [...fjordarm.nins, fjordarm.id, 'reports', '08707925079']) expect(text).not.toContain(secret);
  });
});

describe('readCacheSettings', () => {
  const read = (environment: string, change: Record<string, string> = {}) =>
    readCacheSettings({ KILDE_ENVIRONMENT: environment, KILDE_KEY: Buffer.alloc(32).toString('base64'), ...change });

  it('keeps answers in production, and none in the sandbox unless told to', () => {
    expect(read('production').lifetimeOf('PROVESVAR', true)).toEqual({ freshMs: 60_000, staleMs: 600_000 });
    expect(read('production').lifetimeOf('ADRESSEREGISTERET', false).freshMs).toBe(600_000);
    expect(read('sandbox').isOn).toBe(false);
    expect(read('sandbox', { CACHE_SECONDS: '5' }).lifetimeOf('ERESEPT', true).freshMs).toBe(5_000);
  });
  it.each(['', 'x', '-1', '60,60', 'PROVESVAR=60', '60,PROVESVAR=', '60,PROVESVAR=x', '1.5', '86401'])(
    'refuses CACHE_SECONDS=%j, and says what it should be',
    (text) => {
      expect(() => read('production', { CACHE_SECONDS: text })).toThrow(/^CACHE_SECONDS: must be seconds/);
    },
  );
});

it('openCache gives the subgraphs of a process one cache, until the last has closed it', async () => {
  const env = { KILDE_ENVIRONMENT: 'sandbox', KILDE_KEY: Buffer.alloc(32, 9).toString('base64'), CACHE_SECONDS: '60' };
  source = countingSource();
  const [one, two] = await Promise.all([openCache(env), openCache(env)]);
  const ask = (cache: SourceCache) => cache.ask(questionAbout(), contextFor(), source.call);
  await ask(one);
  expect(await ask(two)).toMatchObject({ value: { status: 'CACHED' } });
  await two.dropPeople([{ nationalId: fjordarm.nins[0], id: null }]);
  expect(await ask(one)).toMatchObject({ value: { status: 'FRESH' } });
  await one.close();
  await one.close();
  expect(await ask(await openCache(env))).toMatchObject({ value: { status: 'CACHED' } });
});

describe('a group', () => {
  it('of several answers is as old as the oldest', () => {
    const at = (status: 'FRESH' | 'CACHED' | 'STALE', asOf: string) => ({ status, asOf });
    expect(oldestOf([at('FRESH', '2026-03'), at('STALE', '2026-01'), at('CACHED', '2026-02')])).toEqual(
      at('STALE', '2026-01'),
    );
    expect(oldestOf([])).toBeNull();
  });

  it.each([
    [{ count: 1 }, 'STALE'],
    [{ count: 0 }, 'STALE'],
    [{ count: 0, lack: null }, 'STALE'],
    [{ count: 1, lack: { code: 'RESTRICTED' as const } }, 'RESTRICTED'],
  ])('that is stale says so, whatever it holds: %j', (found, code) => {
    const reports: unknown[] = [];
    const context = { ...contextFor(), report: (report: unknown) => void reports.push(report) };
    const head = answered(context, 'PROVESVAR', { ...found, status: 'STALE', retrieved: '2026' });
    expect(head).toMatchObject({ status: 'STALE', absence: { code }, provenance: { retrieved: '2026' } });
    expect(reports).toMatchObject([{ status: 'STALE', asOf: '2026', absence: code }]);
  });
});
