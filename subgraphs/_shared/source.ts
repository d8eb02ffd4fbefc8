import type * as z from 'zod';
import type { Assertion } from '../../schema/assertion.ts';
import type { AccessBasis, SourceName } from '../../schema/sources.ts';

/** Why a source gave no usable answer. Holds no patient data: safe to log and count as it stands. */
export type SourceError =
  | { kind: 'denied'; source: SourceName; status: 401 | 403 }
  | { kind: 'timeout'; source: SourceName; afterMs: number }
  | { kind: 'unavailable'; source: SourceName; status: number | null }
  /** `paths`: where the answer broke the expected shape, never what it held. */
  | { kind: 'invalid'; source: SourceName; paths: string[] }
  /** The patient has restricted it; `requires` opens it where something can. */
  | { kind: 'restricted'; source: SourceName; requires: AccessBasis | null }
  /** The patient has blocked this person. Nothing opens it. */
  | { kind: 'blocked'; source: SourceName }
  /** The patient has opted out of the source. */
  | { kind: 'reserved'; source: SourceName };

export type Result<T> = { ok: true; value: T } | { ok: false; error: SourceError };

/** On whose behalf, until when: what every call to a source needs beside its own content. */
export type CallContext = {
  assertion: Assertion;
  subjectToken: string | null;
  signal: AbortSignal;
};

/** How a source is authenticated to. `user`: the caller's token exchanged for this audience; `machine`: our own. */
export type Authentication =
  | { as: 'user' | 'machine'; audience: string; scope: string }
  | { as: 'basic'; username: string; password: string }
  | { as: 'nobody' };

export type SourceAnswer = {
  status: number;
  headers: Record<string, string>;
  text: string;
};

export type SourceCall<T> = {
  method: 'GET' | 'POST';
  /** Appended to the source's base URL. Never holds a national id: paths are logged on the way. */
  path: string;
  headers?: Record<string, string>;
  /** Sent as a form, or as it stands with the `content-type` of `headers`. */
  body?: URLSearchParams | string;
  authentication: Authentication;
  /** Text of a 2xx answer -> what `shape` reads. `JSON.parse` unless the source speaks something else. */
  read?: (text: string) => unknown;
  shape: z.ZodType<T>;
  /** How this service says no in its own error format; `null` leaves it to the status code. Asked for every answer. */
  refusal?: (answer: SourceAnswer) => SourceError | null;
};

/** A source as an adapter sees it: token, proof, deadline, retry, breaker and bulkhead are behind this, once, for all. */
export type Source = {
  name: SourceName;
  call<T>(call: SourceCall<T>, context: CallContext): Promise<Result<{ value: T; headers: Record<string, string> }>>;
  /** Whether anything answers at the address now; used by `/health/ready` only. */
  reachable(): Promise<boolean>;
  close(): Promise<void>;
};
