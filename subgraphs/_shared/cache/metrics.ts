import { Counter, Gauge } from 'prom-client';

/** In the process's default registry. Labels hold no personal data. */
export const lookups = new Counter({
  name: 'kilde_cache_lookups_total',
  help: 'Look-ups in the cache of sources’ answers: hit, miss, stale (stood in for a source that did not answer), joined (another look-up of the same was under way), and at Redis skipped, late, failed, unreadable',
  labelNames: ['source', 'level', 'outcome'],
});
export const dropped = new Counter({
  name: 'kilde_cache_drops_total',
  help: 'Times that a person’s answers were dropped, by whether Redis could be told at once',
  labelNames: ['told'],
});
export const keptBytes = new Gauge({
  name: 'kilde_cache_bytes',
  help: 'What this process keeps of sources’ answers, counted as JSON',
});
