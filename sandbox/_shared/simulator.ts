import { randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Fault, FaultSwitch } from './faults.ts';
import { type Listen, onLoopback } from './listen.ts';

/** One received call, as tests may look at it: what was asked, never the token or its proof. */
export type ReceivedCall = {
  method: string;
  url: string;
  headers: Record<string, string | undefined>;
  body: string;
};

/** A running simulator of one national service. */
export type Simulator = {
  /** The source's name in lower case, as in `PUT /sandbox/sources/{name}`. */
  name: string;
  url: string;
  fault: FaultSwitch;
  /** The last thousand calls, oldest first. */
  calls: ReceivedCall[];
  close(): Promise<void>;
};

export type SimulatorParts = {
  name: string;
  /** Loopback and a free port unless told otherwise. */
  listen?: Listen | undefined;
  /** An error with this status in the service's own format (reference 1.4). */
  errorBody(status: number): { contentType: string; body: string };
  routes(app: FastifyInstance, fault: FaultSwitch): void;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** National services add members that no documentation names, so that readers become tolerant (reference 2.2). */
export const withUnknownMembers = <T extends Record<string, unknown>>(answer: T): T => ({
  ...answer,
  [`q${randomBytes(2).toString('hex')}`]: 'unknown members occur on purpose',
});

const spoil = (text: string, garbage: Fault['garbage']): string => {
  if (garbage === 'html') return '<!DOCTYPE html><html><body><h1>Service unavailable</h1></body></html>';
  return garbage === 'truncated' ? text.slice(0, Math.floor(text.length / 2)) : text;
};

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * HTTP server of a simulator: faults, unknown members in JSON answers and the record of calls are here; what the service
 * checks and answers is in `routes`. Handlers read `fault.current.garbage === 'otherPatient'` themselves.
 */
export const startSimulator = async (parts: SimulatorParts): Promise<Simulator> => {
  const fault: FaultSwitch = { current: {} };
  const calls: ReceivedCall[] = [];
  const app = fastify({
    forceCloseConnections: true,
    bodyLimit: 1_000_000,
    exposeHeadRoutes: false,
  });

  // Bodies stay text: each service reads its own format, and the record of calls shows what came.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  app.addHook('preHandler', async (request: FastifyRequest, reply: FastifyReply) => {
    const { authorization: _token, dpop: _proof, ...headers } = request.headers as Record<string, string | undefined>;
    calls.push({
      method: request.method,
      url: request.url,
      headers,
      body: String(request.body ?? ''),
    });
    if (calls.length > 1_000) calls.shift();

    const { latencyMs, errorRate, status, hang, down } = fault.current;
    if (down) {
      reply.hijack();
      request.raw.socket.resetAndDestroy();
      return;
    }
    if (hang) {
      reply.hijack();
      return;
    }
    if (latencyMs) await wait(latencyMs);
    const failure = status ?? (errorRate && Math.random() < errorRate ? 503 : undefined);
    if (failure) {
      const { contentType, body } = parts.errorBody(failure);
      return reply
        .code(failure)
        .type(contentType)
        .send(failure === 429 ? '' : body); // overload: empty body (reference 1.4)
    }
  });

  app.addHook('preSerialization', async (_request, _reply, payload) =>
    isRecord(payload) ? withUnknownMembers(payload) : payload,
  );
  app.addHook('onSend', async (_request, reply, payload) => {
    const { garbage } = fault.current;
    if (!garbage || garbage === 'otherPatient' || typeof payload !== 'string') return payload;
    reply.removeHeader('content-length');
    return spoil(payload, garbage);
  });
  app.setErrorHandler((_error, _request, reply) => {
    const { contentType, body } = parts.errorBody(500);
    reply.code(500).type(contentType).send(body);
  });
  app.setNotFoundHandler((_request, reply) => {
    const { contentType, body } = parts.errorBody(404);
    reply.code(404).type(contentType).send(body);
  });

  parts.routes(app, fault);
  const { host, port, publicHost } = parts.listen ?? onLoopback;
  const url = new URL(await app.listen({ host, port }));
  url.hostname = publicHost;
  return { name: parts.name, url: url.origin, fault, calls, close: () => app.close() };
};
