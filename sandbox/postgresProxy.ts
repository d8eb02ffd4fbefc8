import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Fault, FaultSwitch } from './_shared/faults.ts';
import { type Listen, onLoopback } from './_shared/listen.ts';

export type PostgresProxy = {
  /** As in `PUT /sandbox/sources/{name}`. */
  name: string;
  /** The target's connection string, by way of the proxy. */
  url: string;
  /**
   * `down` resets every connection, open and new; `hang` freezes them, and they go on when it is healed; `latencyMs` delays
   * each answer; `errorRate` resets that share of new connections. `status` and `garbage` do nothing: PostgreSQL's protocol
   * has neither.
   */
  fault: FaultSwitch;
  close(): Promise<void>;
};

type Link = { client: Socket; server: Socket | null };

/** Sends what arrives on `from` to `to`, each piece `delayMs()` later, in order. */
const forward = (from: Socket, to: Socket, delayMs: () => number): void => {
  const pieces: Buffer[] = [];
  let due = 0;
  from.on('data', (piece: Buffer) => {
    due = Math.max(due, performance.now() + delayMs());
    const wait = due - performance.now();
    if (wait <= 0 && pieces.length === 0) {
      if (!to.write(piece)) from.pause(); // as fast as the slower side reads
      return;
    }
    pieces.push(piece);
    setTimeout(() => to.write(pieces.shift()!), wait);
  });
  to.on('drain', () => from.resume());
};

/**
 * TCP proxy in front of PostgreSQL, so that its failures can be tried while it runs.
 *
 * @param target connection string of the real server
 */
export const startPostgresProxy = async ({
  name,
  target,
  listen = onLoopback,
}: {
  name: string;
  target: string;
  listen?: Listen | undefined;
}): Promise<PostgresProxy> => {
  const to = new URL(target);
  const links = new Set<Link>();
  let current: Fault = {};

  const open = (link: Link) => {
    const { client } = link;
    const server = connect({ host: to.hostname, port: Number(to.port || 5432), noDelay: true });
    link.server = server;
    forward(client, server, () => 0);
    forward(server, client, () => current.latencyMs ?? 0);
    server.on('error', () => client.resetAndDestroy());
    server.on('close', () => client.end());
    client.on('close', () => server.destroy());
  };
  const apply = () => {
    for (const link of links) {
      const { client, server } = link;
      if (current.down) client.resetAndDestroy();
      else if (current.hang) {
        client.pause();
        server?.pause();
      } else if (server) {
        client.resume();
        server.resume();
      } else {
        open(link);
        client.resume();
      }
    }
  };

  const proxy = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    client.on('error', () => client.destroy());
    if (current.down || Math.random() < (current.errorRate ?? 0)) {
      client.resetAndDestroy(); // listening goes on, so that the port is still ours when the fault is healed
      return;
    }
    const link: Link = { client, server: null };
    links.add(link);
    client.on('close', () => links.delete(link));
    if (current.hang) return; // accepted, and nothing more until it is healed
    open(link);
    client.resume();
  });
  await new Promise<void>((resolve, reject) => {
    proxy.once('error', reject);
    proxy.listen(listen.port, listen.host, resolve);
  });
  const url = new URL(target);
  url.hostname = listen.publicHost;
  url.port = String((proxy.address() as AddressInfo).port);

  return {
    name,
    url: url.href,
    fault: {
      get current() {
        return current;
      },
      set current(fault) {
        current = fault;
        apply();
      },
    },
    close: () =>
      new Promise((resolve) => {
        for (const { client, server } of links) {
          client.destroy();
          server?.destroy();
        }
        proxy.close(() => resolve());
      }),
  };
};
