import type { RouteAnswer } from '../../../schema/subgraph.ts';
import type { Refusal } from './refusal.ts';

/** A refusal as HTTP. */
export const answer = ({ status, code, message, paths, appRecError }: Refusal): RouteAnswer => ({
  status,
  ...(status === 503 ? { headers: { 'retry-after': '1' } } : {}),
  body: { error: { code, message, paths, ...(appRecError ? { appRecError } : {}) } },
});
const refusals = {
  caller: { status: 403, code: 'FORBIDDEN', message: 'events come from systems', paths: [] },
  municipality: {
    status: 403,
    code: 'FORBIDDEN',
    message: 'this store does not serve your legal entity',
    paths: [],
  },
  contentType: {
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
    message:
      'application/fhir+json, application/cloudevents+json, application/cloudevents-batch+json, or application/xml in UTF-8',
    paths: [],
  },
  unknown: { status: 404, code: 'NOT_FOUND', message: 'no such event', paths: [] },
  unavailable: {
    status: 503,
    code: 'SOURCE_UNAVAILABLE',
    message: 'not acknowledged; send it again',
    paths: [],
  },
} as const satisfies Record<string, Refusal | { paths: readonly [] }>;
/** What is refused before the body is looked at, or whatever it holds. */
export const no = (name: keyof typeof refusals): RouteAnswer => answer({ ...refusals[name], paths: [] });
