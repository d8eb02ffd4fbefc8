import { pino } from 'pino';

/**
 * Structured log of the process. Nothing that came from a person, a client or a source is ever passed to it: identifiers
 * of requests and systems, kinds of errors, counts and times only.
 */
export const log = pino({
  level: process.env['LOG_LEVEL'] ?? 'info',
  base: { service: 'kilde' },
});
