import { pino } from 'pino';

/** Structured log. Identifiers of requests and systems, kinds of errors, counts and times; never anything about a person. */
export const log = pino({ level: process.env['LOG_LEVEL'] ?? 'info', base: { service: 'kilde-gateway' } });
