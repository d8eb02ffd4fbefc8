import * as z from 'zod';

/** What `PUT /sandbox/sources/{name}` takes. All off is health. */
export const Fault = z.strictObject({
  /** Added to every answer, milliseconds. */
  latencyMs: z.number().int().min(0).max(60_000).optional(),
  /** Share of calls, 0 to 1, that fail with 503. */
  errorRate: z.number().min(0).max(1).optional(),
  /** Every call is answered with this status and the service's own error format where it has one. */
  status: z.number().int().min(400).max(599).optional(),
  /** Never answers; the connection stays open. */
  hang: z.boolean().optional(),
  /** Resets every connection, as a service that is gone. */
  down: z.boolean().optional(),
  /** Answers 200 with something unusable: an HTML page, JSON cut in half, or another patient's data. */
  garbage: z.enum(['html', 'truncated', 'otherPatient']).optional(),
});
export type Fault = z.infer<typeof Fault>;

/** The switch of one simulator. `current` is read for every call. */
export type FaultSwitch = { current: Fault };
