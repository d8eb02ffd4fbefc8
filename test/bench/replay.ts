import { createServer, type IncomingMessage } from 'node:http';
import { Pool } from 'undici';

/** A call as it can be compared: what differs from one call to the next is evened out, secrets are left out. */
export type Replay = {
  url: string;
  takeCalls(): string[];
  close(): Promise<void>;
};

/** Shared by all replays of a benchmark: from recording to replaying, and how long an answer takes. */
export type ReplaySettings = { isLive: boolean; delayMs: number };

type Recorded = { status: number; headers: Record<string, string>; body: Buffer };

/** Ids of messages and times of asking are new in each call. */
const even = (text: string): string =>
  text
    .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '<uuid>')
    .replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g, '<time>');

const ofTheConnection = ['host', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'date'];
const flat = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      ofTheConnection.includes(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  );

const readBody = async (request: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
};

/**
 * In front of one simulator: passes calls on and records the answers while `settings.isLive`, and afterwards answers by
 * method, path and body by itself, so that the simulator's own work does not take the processor from the subjects.
 */
export const startReplay = async (target: string, settings: ReplaySettings): Promise<Replay> => {
  const base = new URL(target);
  const pool = new Pool(base.origin);
  const recorded = new Map<string, Recorded>();
  let calls: string[] = [];

  const record = async (key: string, request: IncomingMessage, body: string): Promise<Recorded> => {
    const { method = 'GET', url: path = '/', headers } = request;
    const answer = await pool.request({ method, path, headers: flat(headers), ...(body ? { body } : {}) });
    const fresh = {
      status: answer.statusCode,
      headers: flat(answer.headers),
      body: Buffer.from(await answer.body.arrayBuffer()),
    };
    recorded.set(key, fresh);
    return fresh;
  };
  const unknown: Recorded = { status: 599, headers: {}, body: Buffer.from('nothing recorded for this call') };

  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const key = `${request.method} ${request.url} ${even(body)}`;
    const { authorization, dpop, ...headers } = flat(request.headers);
    const signed = { ...headers, authorization: authorization?.split(' ')[0], proof: dpop !== undefined };
    const sorted = Object.entries(signed).sort(([one], [other]) => (one < other ? -1 : 1));
    calls.push(`${key} ${even(JSON.stringify(sorted))}`);
    const answer = settings.isLive ? await record(key, request, body) : (recorded.get(key) ?? unknown);
    const send = () =>
      response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length }).end(answer.body);
    if (settings.delayMs > 0) setTimeout(send, settings.delayMs);
    else send();
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = new URL(target);
  url.port = String(typeof address === 'object' ? address?.port : '');
  return {
    url: url.href,
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await pool.destroy();
    },
  };
};
