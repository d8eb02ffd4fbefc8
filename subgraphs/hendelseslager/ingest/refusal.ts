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
};

export type Read<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

/** The body's shape or content is wrong at `paths`. */
export const refuse = (message: string, ...paths: string[]): { ok: false; refusal: Refusal } => ({
  ok: false,
  refusal: { status: 400, code: 'BAD_REQUEST', message, paths },
});

/** The same refusal, one level further in. */
export const within = (at: string, { paths, ...refusal }: Refusal): Refusal => ({
  ...refusal,
  paths: paths.map((path) => (path === '' ? at : `${at}.${path}`)),
});
