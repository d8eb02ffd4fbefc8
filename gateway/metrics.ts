import { Counter, Histogram } from 'prom-client';

/** GraphQL requests by HTTP status, in the process's default registry. */
export const requests = new Histogram({
  name: 'kilde_request_duration_seconds',
  help: 'Time from a GraphQL request until its answer is ready, by HTTP status',
  labelNames: ['status'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10],
});

/** Plans that had to be made: those for known operations are made before a schema takes traffic. */
export const planning = new Histogram({
  name: 'kilde_planning_duration_seconds',
  help: 'Time to plan an operation, waiting for the planner included, by outcome: made or failed',
  labelNames: ['outcome'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5],
});

export const schemaLoads = new Counter({
  name: 'kilde_schema_loads_total',
  help: 'Supergraphs that were offered, by outcome: taken, unchanged or refused',
  labelNames: ['outcome'],
});

export const sharedCalls = new Counter({
  name: 'kilde_subgraph_calls_shared_total',
  help: 'Calls to subgraphs that were saved: the same caller was already waiting for the same answer',
  labelNames: ['subgraph'],
});
