import type { AppRecErrorCode } from './kith/codes.ts';

/**
 * Why an incoming event is not stored. Says where and what was expected; never repeats what was sent, because that may be
 * anybody's data.
 */
export type Refusal = {
  status: 400 | 403 | 404 | 409 | 415 | 503;
  code: 'BAD_REQUEST' | 'FORBIDDEN' | 'NOT_FOUND' | 'CONFLICT' | 'UNSUPPORTED_MEDIA_TYPE' | 'SOURCE_UNAVAILABLE';
  message: string;
  /** Where in the body, e.g. `entry.1.resource.period.start`. */
  paths: string[];
  /** For a KITH message: what the application receipt would say, had it a message to answer to. */
  appRecError?: AppRecErrorCode;
};

export type Read<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

/** The body's shape or content is wrong at `paths`. */
export const refuse = (message: string, ...paths: string[]): { ok: false; refusal: Refusal } => ({
  ok: false,
  refusal: { status: 400, code: 'BAD_REQUEST', message, paths },
});

/** {@link refuse} for a KITH message. */
export const refuseMessage = (appRecError: AppRecErrorCode, message: string, ...paths: string[]) => ({
  ok: false as const,
  refusal: { ...refuse(message, ...paths).refusal, appRecError },
});

/** The same refusal, one level further in. */
export const within = (at: string, { paths, ...refusal }: Refusal): Refusal => ({
  ...refusal,
  paths: paths.map((path) => (path === '' ? at : `${at}.${path}`)),
});
