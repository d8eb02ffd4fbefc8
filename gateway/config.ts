import type { JWK } from 'jose';
import * as z from 'zod';
import { RootKey } from '../schema/keys.ts';

const Env = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(4000),
  HOST: z.string().default('0.0.0.0'),
  KILDE_ENVIRONMENT: z.enum(['sandbox', 'production']),
  KILDE_KEY: RootKey,
  HELSEID_ISSUER: z.url(),
  /** Audience that access tokens for Kilde carry. */
  KILDE_AUDIENCE: z.string().default('kilde:api'),
  /** Where clients reach Kilde: what their DPoP proofs are for. In the sandbox this machine, unless told otherwise. */
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .refine((text) => !/[?#]/.test(text), 'must have no query and no fragment')
    .transform((text) => text.replace(/\/$/, ''))
    .optional(),
  /** How old a DPoP proof may be, and how far ahead of our clock. */
  DPOP_PAST_SECONDS: z.coerce.number().int().min(1).max(300).default(60),
  DPOP_FUTURE_SECONDS: z.coerce.number().int().min(0).max(60).default(10),
  /**
   * Whether DPoP proofs must carry a nonce of ours: always, never, or while Redis does not answer. With `never`, requests
   * with proofs are refused for as long as it does not.
   */
  DPOP_NONCE: z.enum(['always', 'never', 'withoutRedis']).default('never'),
  /** Access log (schema `personvern`). Nothing is released when it cannot be written. */
  DATABASE_URL: z.string().startsWith('postgres'),
  /** The whole request, all sources. */
  REQUEST_TIMEOUT_MS: z.coerce.number().int().min(100).max(30_000).default(5_000),
  /** Subgraphs that run elsewhere: `kjernejournal=https://…,eresept=https://…`. The others run in this process. */
  SUBGRAPHS: z.string().default(''),
  /** Path of a persisted query manifest: the operations known beforehand. In production no others are answered. */
  TRUSTED_DOCUMENTS: z.string().min(1).optional(),
  /** Path of the annotated supergraph; the committed one without it. A new file there takes over while the gateway runs. */
  SUPERGRAPH_FILE: z.string().min(1).optional(),
  /** How long planning may take for a document that is not a known operation. */
  PLANNING_BUDGET_MS: z.coerce.number().int().min(10).max(10_000).default(200),
  /** EC P-256 private key as JWK, to sign assertions to subgraphs that run elsewhere. */
  GATEWAY_SIGNING_KEY: z.string().optional(),
  /** Folder that signed checkpoints of the access log are added to each minute; on another disk than the database's. */
  AUDIT_CHECKPOINTS: z.string().min(1).optional(),
  /** Folder of the built explorer (`gateway/explorer/build.ts`), to be served at `/`. */
  EXPLORER_DIR: z.string().min(1).optional(),
});

export type Config = {
  port: number;
  host: string;
  environment: 'sandbox' | 'production';
  rootKey: Buffer;
  helseId: { issuer: string; audience: string };
  /** Without a slash at its end; `null` in a sandbox on this machine. */
  publicUrl: string | null;
  dpop: { pastSeconds: number; futureSeconds: number; nonce: 'always' | 'never' | 'withoutRedis' };
  databaseUrl: string;
  requestTimeoutMs: number;
  /** Name of a subgraph -> base URL. */
  remoteSubgraphs: ReadonlyMap<string, string>;
  /** Path of the manifest; `null` when there is none. */
  trustedDocuments: string | null;
  /** Path of the supergraph; `null` for the committed one. */
  supergraphFile: string | null;
  planningMs: number;
  signingKey: JWK | null;
  /** Folder of the access log's checkpoints; `null` when none are signed. */
  checkpoints: string | null;
  explorerDir: string | null;
};

const parseRemotes = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split(',')
      .filter((part) => part.trim() !== '')
      .map((part) => {
        const [name, url] = part.split(/=(.*)/s, 2).map((it) => it.trim());
        if (!name || !url || !URL.canParse(url)) throw new Error('SUBGRAPHS: expected name=url,name=url');
        return [name, url.replace(/\/$/, '')];
      }),
  );

const parseKey = (text: string | undefined): JWK | null => {
  if (!text) return null;
  try {
    return JSON.parse(text) as JWK;
  } catch {
    throw new Error('GATEWAY_SIGNING_KEY: not JSON'); // the parser's own message would quote the key
  }
};

/** Environment -> configuration, whole or not at all: the error names every bad variable and shows no value. */
export const loadConfig = (env: Record<string, string | undefined>): Config => {
  const { data, error } = Env.safeParse(env);
  if (error) throw new Error(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  const remoteSubgraphs = parseRemotes(data.SUBGRAPHS);
  const signingKey = parseKey(data.GATEWAY_SIGNING_KEY);
  if (remoteSubgraphs.size > 0 && !signingKey) throw new Error('GATEWAY_SIGNING_KEY: needed when SUBGRAPHS names any');
  if (data.KILDE_ENVIRONMENT === 'production' && !data.HELSEID_ISSUER.startsWith('https:')) {
    throw new Error('HELSEID_ISSUER: must be https in production');
  }
  if (data.KILDE_ENVIRONMENT === 'production' && !data.PUBLIC_URL?.startsWith('https:')) {
    throw new Error('PUBLIC_URL: needed in production, and must be https');
  }
  if (data.KILDE_ENVIRONMENT === 'production' && !data.TRUSTED_DOCUMENTS) {
    throw new Error('TRUSTED_DOCUMENTS: needed in production, which answers known operations only');
  }
  if (data.KILDE_ENVIRONMENT === 'production' && !data.AUDIT_CHECKPOINTS) {
    throw new Error('AUDIT_CHECKPOINTS: needed in production, where the access log is signed for outside the database');
  }
  return {
    port: data.PORT,
    host: data.HOST,
    environment: data.KILDE_ENVIRONMENT,
    rootKey: data.KILDE_KEY,
    helseId: { issuer: data.HELSEID_ISSUER, audience: data.KILDE_AUDIENCE },
    publicUrl: data.PUBLIC_URL ?? null,
    dpop: { pastSeconds: data.DPOP_PAST_SECONDS, futureSeconds: data.DPOP_FUTURE_SECONDS, nonce: data.DPOP_NONCE },
    databaseUrl: data.DATABASE_URL,
    requestTimeoutMs: data.REQUEST_TIMEOUT_MS,
    remoteSubgraphs,
    trustedDocuments: data.TRUSTED_DOCUMENTS ?? null,
    supergraphFile: data.SUPERGRAPH_FILE ?? null,
    planningMs: data.PLANNING_BUDGET_MS,
    signingKey,
    checkpoints: data.AUDIT_CHECKPOINTS ?? null,
    explorerDir: data.EXPLORER_DIR ?? null,
  };
};
