import type { DocumentNode } from 'graphql';
import type { Assertion } from './assertion.ts';
import type { Caller } from './caller.ts';
import type { AbsenceCode, AccessBasis, SourceName, SourceReport } from './sources.ts';

/** One call from the gateway: an operation on the subgraph's own schema, and what the gateway vouches for. */
export type SubgraphRequest = {
  document: DocumentNode;
  /** The same as text, for a subgraph that is reached over HTTP. */
  text: string;
  variables: Record<string, unknown>;
  assertion: Assertion;
  /** The caller's own token, to be exchanged for one per source. Never sent to a source, never logged. */
  subjectToken: string | null;
  signal: AbortSignal;
};

/** The closed list of error codes that leave the gateway (design, section 4). */
export const errorCodes = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_REQUEST',
  'LIMIT_EXCEEDED',
  'SOURCE_UNAVAILABLE',
  'SOURCE_INVALID',
  'RESTRICTED',
  'BLOCKED',
  'RESERVED',
  'AUDIT_UNAVAILABLE',
  'OVERLOADED',
  'INTERNAL',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** What of an error may travel from a subgraph to the gateway: ours to the last member, no source's words. */
export type ErrorExtensions = {
  code: ErrorCode;
  source?: SourceName;
  retryable?: boolean;
  canElevate?: boolean;
  /** Why the group at this path is missing, when that is the case. */
  absence?: AbsenceCode;
  /** The access basis that would open it. */
  requires?: AccessBasis;
};

export type SubgraphError = {
  message: string;
  path?: readonly (string | number)[];
  extensions: ErrorExtensions;
};

export type SubgraphAnswer = {
  /**
   * Plain objects and lists made for this answer, as `JSON.parse` would make them: nobody else holds a reference to any of
   * them, and whoever asked may change them and keep them. Any word may be a key, also of `Object.prototype`.
   */
  data?: Record<string, unknown> | null;
  errors?: readonly SubgraphError[];
  /** What each source did for this answer. */
  sources: readonly SourceReport[];
};

/** A subgraph's own HTTP address beside GraphQL, e.g. `POST /events`. The gateway authenticates and forwards. */
export type Route = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:name` parts, e.g. `/events/:id/status`. */
  path: string;
  /** Largest body in bytes; above it the answer is 413 before anything is read. */
  bodyLimit: number;
};
export type RouteRequest = {
  route: Route;
  params: Record<string, string>;
  query: Record<string, string>;
  headers: Record<string, string | undefined>;
  body: Buffer;
  caller: Caller;
  traceId: string;
  signal: AbortSignal;
};
export type RouteAnswer = {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
};

export type SourceHealth = { source: SourceName; up: boolean; detail?: string | undefined };

/** A running subgraph, in this process or behind HTTP: the gateway cannot tell which. */
export type Subgraph = {
  name: string;
  execute(request: SubgraphRequest): Promise<SubgraphAnswer>;
  handle(request: RouteRequest): Promise<RouteAnswer>;
  health(): Promise<SourceHealth[]>;
  close(): Promise<void>;
};

/** What `subgraphs/<name>/subgraph.ts` exports as default. The folder's name is the subgraph's name. */
export type SubgraphModule = {
  name: string;
  routes: readonly Route[];
  /** Reads its own variables from `env` and connects. Throws with the names of bad variables, never their values. */
  create(env: Record<string, string | undefined>): Promise<Subgraph>;
};
