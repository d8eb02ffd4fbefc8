import { register } from 'prom-client';
import type { AssertedPatient, Assertion } from '../../schema/assertion.ts';
import type { Question } from '../../subgraphs/_shared/cache/names.ts';
import { type CacheSettings, readCacheSettings } from '../../subgraphs/_shared/cache/settings.ts';
import type { CallContext, Result } from '../../subgraphs/_shared/source.ts';
import { assertionFor, patientOf } from './ask.ts';

const key = Buffer.alloc(32, 7).toString('base64');

export const cacheSettings = (change: Record<string, string | undefined> = {}): CacheSettings =>
  readCacheSettings({ KILDE_ENVIRONMENT: 'production', KILDE_KEY: key, CACHE_SECONDS: '60', ...change });

export const fjordarm = patientOf('14834841291', '11111111-1111-4111-8111-111111111111');
export const granskog = patientOf('02915631153', '22222222-2222-4222-8222-222222222222');

export const contextFor = (
  patient: AssertedPatient = fjordarm,
  change: Partial<Assertion> = {},
  signal: AbortSignal = AbortSignal.timeout(10_000),
): CallContext => ({ assertion: assertionFor(patient, change), subjectToken: null, signal });

export const questionAbout = (
  patient: AssertedPatient | null = fjordarm,
  change: Partial<Question> = {},
): Question => ({
  source: 'PROVESVAR',
  name: 'reports',
  patient,
  ...change,
});

/** A source that counts how often it is asked, and answers each time with another number unless told otherwise. */
export const countingSource = () => {
  const source = {
    calls: 0,
    answer: (calls: number): Result<{ number: number; text?: string }> | Promise<Result<{ number: number }>> => ({
      ok: true,
      value: { number: calls },
    }),
    call: async (_context: CallContext) => {
      source.calls += 1;
      return source.answer(source.calls);
    },
  };
  return source;
};

/** How often the cache has counted an outcome, of all sources. */
export const countedLookups = async (outcome: string, level?: 'process' | 'redis'): Promise<number> => {
  const metric = await register.getSingleMetric('kilde_cache_lookups_total')!.get();
  return metric.values
    .filter(({ labels }) => labels['outcome'] === outcome && (level ?? labels['level']) === labels['level'])
    .reduce((sum, { value }) => sum + value, 0);
};

/** Something that is answered when the test says so. */
export const later = <T>() => Promise.withResolvers<T>();
