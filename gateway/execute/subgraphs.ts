import { randomUUID } from 'node:crypto';
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
} from '../../schema/subgraph.ts';

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

/** A subgraph that runs as its own server (`subgraphs/_shared/serve.ts`), seen from the gateway as one in process. */
export const createRemoteSubgraph = (name: string, baseUrl: string, sign: Sign): Subgraph => {
  const base = new URL(`${baseUrl}/`);
  const pool = new Pool(base.origin, { connections: 64, connect: { timeout: 1_000 }, maxResponseSize: maxAnswerBytes });

  const send = async (
    path: string,
    init: { method: Route['method']; headers: Record<string, string>; body?: string | Buffer; signal: AbortSignal },
  ) => {
    const { statusCode, headers, body } = await pool.request({
      ...init,
      path: `${base.pathname.replace(/\/$/, '')}${path}`,
    });
    return { status: statusCode, headers, text: await body.text() };
  };

  return {
    name,
    async execute({ text, variables, assertion, subjectToken, signal }): Promise<SubgraphAnswer> {
      const { status, text: answer } = await send('/graphql', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${await sign(assertion, name)}`,
          traceparent: `00-${assertion.traceId}-${randomUUID().replaceAll('-', '').slice(0, 16)}-01`,
          ...(subjectToken ? { 'kilde-subject-token': subjectToken } : {}),
        },
        body: JSON.stringify({ query: text, variables }),
        signal,
      });
      if (status !== 200) throw new Error(`subgraph ${name} answered ${status}`);
      return remoteAnswer.parse(JSON.parse(answer)) as SubgraphAnswer;
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
      const path = route.path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
      const search = new URLSearchParams(query).toString();
      const {
        status,
        headers: answered,
        text,
      } = await send(`/routes${path}${search ? `?${search}` : ''}`, {
        method: route.method,
        headers: {
          'content-type': headers['content-type'] ?? 'application/octet-stream',
          authorization: `Bearer ${await sign(assertion, name)}`,
        },
        ...(body.length > 0 ? { body } : {}),
        signal,
      });
      const { location } = answered;
      return {
        status,
        headers: {
          'content-type': String(answered['content-type'] ?? 'application/json'),
          ...(location ? { location: String(location) } : {}),
        },
        body: text,
      };
    },
    async health(): Promise<SourceHealth[]> {
      try {
        const { status, text } = await send('/health', {
          method: 'GET',
          headers: {},
          signal: AbortSignal.timeout(2_000),
        });
        return status === 200 ? Health.parse(JSON.parse(text)) : [{ source: name, up: false }];
      } catch {
        return [{ source: name, up: false }];
      }
    },
    close: () => pool.destroy(),
  };
};
