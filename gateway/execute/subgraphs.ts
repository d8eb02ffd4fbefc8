import { randomUUID } from 'node:crypto';
import { type DocumentNode, Kind } from 'graphql';
import { importJWK, type JWK, SignJWT } from 'jose';
import { Pool } from 'undici';
import * as z from 'zod';
import type { Assertion } from '../../schema/assertion.ts';
import { remoteAnswer } from '../../schema/remote.ts';
import type {
  Route,
  RouteAnswer,
  RouteRequest,
  SourceHealth,
  Subgraph,
  SubgraphAnswer,
  SubgraphRequest,
} from '../../schema/subgraph.ts';
import { log } from '../log.ts';

export type Sign = (assertion: Assertion, subgraph: string) => Promise<string>;

/** Signs what the gateway vouches for: ES256, the subgraph as audience, 60 s. */
export const createSigner = async (jwk: JWK): Promise<Sign> => {
  const key = await importJWK(jwk, 'ES256');
  return (assertion, subgraph) =>
    new SignJWT({ assertion })
      .setProtectedHeader({ alg: 'ES256', typ: 'kilde-assertion+jwt' })
      .setIssuer('kilde-gateway')
      .setAudience(subgraph)
      .setIssuedAt()
      .setExpirationTime('60s')
      .setJti(randomUUID())
      .sign(key);
};

const Health = z.array(z.object({ source: z.string(), up: z.boolean(), detail: z.string().optional() }));
const maxAnswerBytes = 16_000_000;

/** Why there is no answer, in the words that a source's failure has. */
type Failure = 'SOURCE_UNAVAILABLE' | 'SOURCE_INVALID';

const texts: Record<Failure, string> = {
  SOURCE_UNAVAILABLE: 'The source is not available',
  SOURCE_INVALID: 'The source gave an answer that cannot be used',
};

const errorOf = (code: Failure) => ({
  message: texts[code],
  extensions: { code, absence: code, retryable: code === 'SOURCE_UNAVAILABLE', canElevate: false },
});

const asksForEntities = ({ definitions }: DocumentNode): boolean =>
  definitions.some(
    (it) =>
      it.kind === Kind.OPERATION_DEFINITION &&
      it.selectionSet.selections.some((field) => field.kind === Kind.FIELD && field.name.value === '_entities'),
  );

const isQuery = ({ definitions }: DocumentNode): boolean =>
  definitions.every((it) => it.kind !== Kind.OPERATION_DEFINITION || it.operation === 'query');

/** `null` for what is no answer to the question. */
const readAnswer = (
  text: string,
  { document, variables }: Pick<SubgraphRequest, 'document' | 'variables'>,
): SubgraphAnswer | null => {
  try {
    const answer = remoteAnswer.parse(JSON.parse(text)) as SubgraphAnswer;
    if (!answer.data || !asksForEntities(document)) return answer;
    // Answers about entities are told apart by their place alone: one too few would give somebody another's.
    const { _entities: entities } = answer.data;
    const { representations: asked } = variables;
    return Array.isArray(entities) && Array.isArray(asked) && entities.length === asked.length ? answer : null;
  } catch {
    return null;
  }
};

/** Headers about the connection, and those that prove who the client is; all others reach a subgraph as they came. */
const notPassedOn = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'dpop',
  'expect',
  'host',
  'keep-alive',
  'kilde-subject-token',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'traceparent',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const passedBack = ['content-disposition', 'content-type', 'location', 'retry-after', 'x-content-type-options'];

const only = (headers: Record<string, string | string[] | undefined>, isWanted: (name: string) => boolean) =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value !== undefined && isWanted(name) ? [[name, String(value)]] : [],
    ),
  );

type Init = { method: Route['method']; headers: Record<string, string>; body?: string | Buffer; signal: AbortSignal };
type Sent =
  | { status: number; headers: Record<string, string | string[] | undefined>; bytes: Buffer }
  | { failure: Failure; error: string };
const lostConnection = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

const traceparent = (traceId: string): string => `00-${traceId}-${randomUUID().replaceAll('-', '').slice(0, 16)}-01`;

/**
 * A subgraph that runs as its own server (`subgraphs/_shared/serve.ts`), seen from the gateway as one in process. Its
 * failures are answers: `execute` and `handle` throw for bugs only.
 */
export const createRemoteSubgraph = (name: string, baseUrl: string, sign: Sign): Subgraph => {
  const base = new URL(baseUrl);
  const pool = new Pool(base.origin, { connections: 64, connect: { timeout: 1_000 }, maxResponseSize: maxAnswerBytes });

  const sendOnce = async (path: string, init: Init): Promise<Sent> => {
    try {
      const { statusCode, headers, body } = await pool.request({
        ...init,
        path: `${base.pathname.replace(/\/$/, '')}${path}`,
      });
      return { status: statusCode, headers, bytes: Buffer.from(await body.arrayBuffer()) };
    } catch (error) {
      const { code, name: kind } = error as { code?: unknown; name: string };
      const failure: Failure = code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'SOURCE_INVALID' : 'SOURCE_UNAVAILABLE';
      return { failure, error: typeof code === 'string' ? code : kind };
    }
  };
  /** What changes nothing is asked once more when the connection was lost: a server may close an idle one as it is taken. */
  const send = async (path: string, init: Init, changesNothing: boolean): Promise<Sent> => {
    const answer = await sendOnce(path, init);
    const isLost = 'failure' in answer && lostConnection.has(answer.error) && !init.signal.aborted;
    return isLost && changesNothing ? sendOnce(path, init) : answer;
  };
  const failed = (what: Failure, traceId: string, because: Record<string, unknown>): Failure => {
    const nobodyWaits = because['error'] === 'AbortError';
    log[nobodyWaits ? 'info' : 'error']({ subgraph: name, traceId, failure: what, ...because }, 'subgraph failed');
    return what;
  };

  return {
    name,
    async execute(request): Promise<SubgraphAnswer> {
      const { text, variables, assertion, subjectToken, signal } = request;
      const { traceId } = assertion;
      const without = (failure: Failure, because: Record<string, unknown>): SubgraphAnswer => ({
        data: null,
        errors: [errorOf(failed(failure, traceId, because))],
        sources: [],
      });
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${await sign(assertion, name)}`,
        traceparent: traceparent(traceId),
        ...(subjectToken ? { 'kilde-subject-token': subjectToken } : {}),
      };
      const body = JSON.stringify({ query: text, variables });
      const answer = await send('/graphql', { method: 'POST', headers, body, signal }, isQuery(request.document));
      if ('failure' in answer) return without(answer.failure, { error: answer.error });
      const { status } = answer;
      if (status !== 200) return without('SOURCE_UNAVAILABLE', { status });
      return readAnswer(answer.bytes.toString(), request) ?? without('SOURCE_INVALID', { status });
    },
    async handle({ route, params, query, headers, body, caller, traceId, signal }: RouteRequest): Promise<RouteAnswer> {
      const assertion: Assertion = {
        traceId,
        eventId: randomUUID(),
        caller,
        patients: [],
        categories: [],
        purpose: null,
        accessBasis: 'UNNTAK',
        deadline: Date.now() + 10_000,
      };
      const without = (failure: Failure, because: Record<string, unknown>): RouteAnswer => ({
        status: 503,
        headers: { 'retry-after': '1' },
        body: { errors: [errorOf(failed(failure, traceId, because))] },
      });
      const path = route.path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
      const search = new URLSearchParams(query).toString();
      const init: Init = {
        method: route.method,
        headers: {
          ...only(headers, (it) => !notPassedOn.has(it)),
          authorization: `Bearer ${await sign(assertion, name)}`,
          traceparent: traceparent(traceId),
        },
        ...(body.length > 0 ? { body } : {}),
        signal,
      };
      const answer = await send(`/routes${path}${search ? `?${search}` : ''}`, init, route.method === 'GET');
      if ('failure' in answer) return without(answer.failure, { error: answer.error });
      const { status } = answer;
      // The caller is known here; who is not known there is this gateway.
      if (status === 401) return without('SOURCE_UNAVAILABLE', { status });
      return { status, headers: only(answer.headers, (it) => passedBack.includes(it)), body: answer.bytes };
    },
    async health(): Promise<SourceHealth[]> {
      const answer = await send('/health', { method: 'GET', headers: {}, signal: AbortSignal.timeout(2_000) }, true);
      if ('failure' in answer || answer.status !== 200) return [{ source: name, up: false }];
      try {
        return Health.parse(JSON.parse(answer.bytes.toString()));
      } catch {
        return [{ source: name, up: false }];
      }
    },
    close: () => pool.destroy(),
  };
};
