import { Counter, Histogram } from 'prom-client';

/** Calls to sources, in the process's default registry. Labels hold no personal data. */
export const sourceCalls = new Histogram({
  name: 'kilde_source_call_duration_seconds',
  help: 'Time of one call to a source, retry included, by outcome',
  labelNames: ['source', 'outcome'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
});
export const droppedRecords = new Counter({
  name: 'kilde_source_dropped_records_total',
  help: 'Records thrown away because they belonged to another person than the one asked about',
  labelNames: ['source'],
});
