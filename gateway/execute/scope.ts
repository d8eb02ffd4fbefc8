import type { Caller } from '../../schema/caller.ts';
import type { Elevation } from '../operation/elevation.ts';
import type { Deliveries, Delivery } from '../stream/deliver.ts';

/** An answer in parts: the first, which goes the way of an answer in one piece, and the rest. */
export type Stream = { first: Delivery; rest: Deliveries };

/** One request from a client, from the moment it is known who asks until the answer is released. */
export type Scope = {
  caller: Caller;
  /** The caller's access token, for subgraphs to exchange. */
  token: string;
  traceId: string;
  eventId: string;
  /** What the caller asks for beyond the ordinary. */
  elevation?: Elevation;
  /** Aborts when the client has gone or the deadline has passed. */
  signal: AbortSignal;
  /** Epoch milliseconds. */
  deadline: number;
  /** Given when the client can take an answer in parts: takes what follows the first, before that one is sent. */
  takeRest?: (stream: Stream) => void;
};
