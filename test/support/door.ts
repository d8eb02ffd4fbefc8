import type { AccessLog, Lookup } from '../../gateway/audit/accessLog.ts';
import { type Authenticated, createAuthenticate } from '../../gateway/auth/authenticate.ts';
import { Forbidden, Unauthenticated, Unverifiable } from '../../gateway/auth/refusal.ts';
import { loadConfig } from '../../gateway/config.ts';
import type { RedisLink } from '../../schema/redis.ts';
import type { TestIssuer } from './testIssuer.ts';

export const publicUrl = 'https://kilde.example';
export const graphqlUrl = `${publicUrl}/graphql`;

type Answer =
  | ({ status: 200 } & Authenticated)
  | { status: 401; reason: string; challenge: string; nonce: string | null }
  | { status: 403; rule: string; text: string }
  | { status: 503; reason: string };

export type Door = {
  /** As a request with these headers is judged at the door. */
  knock(rawHeaders: readonly string[], request?: { method?: string; path?: string }): Promise<Answer>;
  bearer(token: string): Promise<Answer>;
  dpop(token: string, proof: string, request?: { method?: string; path?: string }): Promise<Answer>;
  /** What went to the access log. */
  entries: Lookup[];
};

/** The gateway's door without the house: authentication as it is configured, and an access log in memory. */
export const openDoor = (
  issuer: Pick<TestIssuer, 'url'>,
  env: Record<string, string | undefined> = {},
  {
    redis = null,
    write,
  }: { redis?: Pick<RedisLink, 'run'> | null /** Instead of keeping. */; write?: AccessLog['write'] } = {},
): Door => {
  const config = loadConfig({
    KILDE_ENVIRONMENT: 'sandbox',
    KILDE_KEY: Buffer.alloc(32, 7).toString('base64'),
    HELSEID_ISSUER: issuer.url,
    DATABASE_URL: 'postgres://localhost/kilde',
    PUBLIC_URL: publicUrl,
    ...env,
  });
  const entries: Lookup[] = [];
  const keep: AccessLog['write'] = async (lookup) => {
    entries.push(lookup);
  };
  const authenticate = createAuthenticate({ config, redis, accessLog: { write: write ?? keep } });
  const knock: Door['knock'] = async (rawHeaders, { method = 'POST', path = '/graphql' } = {}) => {
    try {
      return { status: 200, ...(await authenticate({ method, path, rawHeaders, localPort: 4000, traceId: 'trace' })) };
    } catch (error) {
      if (error instanceof Unauthenticated)
        return { status: 401, reason: error.reason, challenge: error.challenge, nonce: error.nonce };
      if (error instanceof Forbidden) return { status: 403, rule: error.rule, text: error.message };
      if (error instanceof Unverifiable) return { status: 503, reason: error.reason };
      throw error;
    }
  };
  return {
    knock,
    entries,
    bearer: (token) => knock(['Authorization', `Bearer ${token}`]),
    dpop: (token, proof, request) => knock(['Authorization', `DPoP ${token}`, 'DPoP', proof], request),
  };
};
