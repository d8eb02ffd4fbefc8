/** Where a server of the sandbox listens, and the host name that others reach it by. */
export type Listen = {
  host: string;
  /** 0 takes a free port. */
  port: number;
  publicHost: string;
};

/** Out of reach of other machines, on a free port: what everything does unless told otherwise. */
export const onLoopback: Listen = { host: '127.0.0.1', port: 0, publicHost: '127.0.0.1' };
