import type { Caller } from '../../schema/caller.ts';

/** One request from a client, from the moment it is known who asks until the answer is released. */
export type Scope = {
  caller: Caller;
  /** The caller's access token, for subgraphs to exchange. */
  token: string;
  traceId: string;
  eventId: string;
  /** Aborts when the client has gone or the deadline has passed. */
  signal: AbortSignal;
  /** Epoch milliseconds. */
  deadline: number;
};
