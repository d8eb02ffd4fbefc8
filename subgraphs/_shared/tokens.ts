import { hash, KeyObject, randomUUID, sign, type webcrypto } from 'node:crypto';
import { exportJWK, importJWK } from 'jose';
import * as oidc from 'openid-client';
import * as z from 'zod';
import type { Caller } from '../../schema/caller.ts';
import { ClientKey } from '../../schema/keys.ts';
import type { SourceName } from '../../schema/sources.ts';
import { onAbort } from './abort.ts';
import { type Env, readEnv } from './environment.ts';
import { log } from './log.ts';
import type { Authentication, CallContext, Result } from './source.ts';

/**
 * Gives the headers that authenticate one call to a source: `Authorization`, and `DPoP` where the token is bound.
 * Tokens are kept per user, audience and attest until shortly before they expire; proofs are made for each call.
 */
export type Tokens = {
  headersFor(
    source: string,
    authentication: Extract<Authentication, { as: 'user' | 'machine' }>,
    call: { method: string; url: string; nonce?: string },
    context: CallContext,
  ): Promise<Result<Record<string, string>>>;
  close(): Promise<void>;
};

type Wanted = Parameters<Tokens['headersFor']>[1];
type Target = Parameters<Tokens['headersFor']>[2];
/** What a token is asked for with: the caller's own token, or the organisation that Kilde's own is for. */
type Ground = { subjectToken: string } | { organisation: string | null };
/** A token with its SHA-256, which each proof names (`ath`). */
type Kept = { token: string; digest: string; expiresAtMs: number };
/** A token, or why there is none: refused with a status, or (`null`) not answered. Not yet any one source's failure. */
type Granted = Kept | { refused: 401 | 403 | null };

const issuerTimeoutSeconds = 5;
const renewBeforeMs = 30_000;
const sweepEveryMs = 60_000;

const loopback = ['127.0.0.1', '[::1]', 'localhost'];
const Settings = z
  .object({
    HELSEID_ISSUER: z.url({ protocol: /^https?$/ }).transform((text) => new URL(text)),
    HELSEID_CLIENT_ID: z.string().min(1),
    HELSEID_CLIENT_KEY: ClientKey,
    KILDE_ENVIRONMENT: z.string().optional(),
  })
  .refine(
    ({ HELSEID_ISSUER: { protocol, hostname }, KILDE_ENVIRONMENT }) =>
      protocol === 'https:' || loopback.includes(hostname) || KILDE_ENVIRONMENT === 'sandbox',
    { path: ['HELSEID_ISSUER'], message: 'must be https' },
  );

/** Organisation numbers as HelseID takes them from a multi-tenant client (reference 10.3); without a unit, inferred. */
const organisationOf = (caller: Caller): string | null => {
  if (caller.kind === 'citizen') return null;
  const { legalEntity, pointOfCare } = caller.organisation;
  return `NO:ORGNR:${legalEntity}${pointOfCare ? `:${pointOfCare}` : ''}`;
};
const organisationDetails = (value: string): oidc.JsonValue => [
  {
    type: 'helseid_authorization',
    practitioner_role: { organization: { identifier: { system: 'urn:oid:1.0.6523', type: 'ENH', value } } },
  },
];

const digest = (text: string): string => hash('sha256', text, 'base64url');

/**
 * ECDSA signature in DER, as OpenSSL makes it -> the two numbers of 32 bytes each, as JWS wants it (RFC 7518 section 3.4).
 * Node does the same when it is asked to, at more than the cost of the signature itself: it looks for a key in the options
 * by way of two exceptions (Node 24).
 */
const toJoseSignature = (der: Buffer): Buffer => {
  const raw = Buffer.alloc(64);
  const write = (number: Buffer, end: number) => {
    const significant = number.length > 32 ? number.subarray(-32) : number; // a leading zero keeps it positive
    significant.copy(raw, end - significant.length);
  };
  const firstEnd = 4 + der[3]!;
  write(der.subarray(4, firstEnd), 32);
  write(der.subarray(firstEnd + 2), 64);
  return raw;
};

/** DPoP proofs for calls to sources (reference 10.4). Signed synchronously: it takes less time than a thread's answer. */
const createProver = async ({ privateKey, publicKey }: webcrypto.CryptoKeyPair) => {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const header = encode({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) });
  const key = KeyObject.from(privateKey);
  return ({ digest: ath }: Kept, { method, url, nonce }: Target): string => {
    const payload = {
      jti: randomUUID(),
      htm: method,
      htu: url.split(/[?#]/, 1)[0],
      iat: Math.floor(Date.now() / 1_000),
      ath,
      ...(nonce ? { nonce } : {}),
    };
    const text = `${header}.${encode(payload)}`;
    return `${text}.${toJoseSignature(sign('sha256', Buffer.from(text), key)).toString('base64url')}`;
  };
};

const digests = new WeakMap<CallContext['assertion'], { token: string; digest: string }>();
/** The caller's token as tokens are kept by it. Hashed once for all calls of a request. */
const digestOf = (assertion: CallContext['assertion'], token: string): string => {
  const known = digests.get(assertion);
  if (known?.token === token) return known.digest;
  const fresh = { token, digest: digest(token) };
  digests.set(assertion, fresh);
  return fresh.digest;
};

/** Waits for what others may be waiting for too: one caller's deadline ends that caller's waiting and not the work. */
const waitFor = <T>(work: Promise<T>, signal: AbortSignal, late: T): Promise<T> =>
  new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => resolve(late));
    work.then(resolve, reject).finally(forget);
  });

/** What the library threw -> why there is no token. Rethrows what is neither the issuer's answer nor the lack of one. */
const toRefusal = (error: unknown): Granted => {
  if (error instanceof oidc.ResponseBodyError || error instanceof oidc.WWWAuthenticateChallengeError) {
    if (error.status >= 500 || error.status === 429) return { refused: null };
    return { refused: error.status === 401 ? 401 : 403 };
  }
  const unanswered = error instanceof TypeError && error.cause !== undefined; // how `fetch` says so
  if (unanswered || error instanceof oidc.ClientError) return { refused: null };
  throw error;
};

/**
 * Tokens from HelseID: client credentials for `machine`, with the caller's organisation; exchange of the caller's own
 * token for `user`. All are bound to one key of this process. The issuer is found when the first token is asked for.
 *
 * @param capacity tokens kept at most; the one longest unused goes first
 * @throws when `HELSEID_ISSUER`, `HELSEID_CLIENT_ID` or `HELSEID_CLIENT_KEY` is missing or unusable
 */
export const createTokens = async (env: Env, { capacity = 10_000 } = {}): Promise<Tokens> => {
  const settings = readEnv(Settings, env);
  const { HELSEID_ISSUER: issuer, HELSEID_CLIENT_ID: clientId, HELSEID_CLIENT_KEY: jwk } = settings;
  const clientKey = await importJWK(jwk, jwk.alg).catch(() => null);
  if (!(clientKey instanceof CryptoKey)) throw new Error('HELSEID_CLIENT_KEY: is not a usable private key');
  const proofKeys = await oidc.randomDPoPKeyPair('ES256', { extractable: true });
  const prove = await createProver(proofKeys);

  /** One per request, because the assertion is: `modifyAssertion` is where organisation numbers go in. */
  const authenticationFor = (organisation: string | null) =>
    oidc.PrivateKeyJwt(
      { key: clientKey, kid: jwk.kid },
      {
        [oidc.modifyAssertion]: (header, payload) => {
          header['typ'] = 'client-authentication+jwt';
          if (organisation) payload['authorization_details'] = organisationDetails(organisation);
        },
      },
    );
  const transport = issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : [];

  type Found = { server: oidc.ServerMetadata; handle: oidc.DPoPHandle };
  let found: Promise<Found> | null = null;
  const findIssuer = (): Promise<Found> => {
    found ??= oidc
      .discovery(issuer, clientId, undefined, authenticationFor(null), {
        execute: transport,
        timeout: issuerTimeoutSeconds,
      })
      .then((configuration) => ({
        server: { ...configuration.serverMetadata() },
        handle: oidc.getDPoPHandle(configuration, proofKeys), // remembers the issuer's nonce for all that follow
      }))
      .catch((error: unknown) => {
        found = null;
        throw error;
      });
    return found;
  };

  const ask = async ({ audience, scope }: Wanted, ground: Ground): Promise<Granted> => {
    const request = async () => {
      const { server, handle } = await findIssuer();
      const authentication = authenticationFor('organisation' in ground ? ground.organisation : null);
      const configuration = new oidc.Configuration(server, clientId, undefined, authentication);
      configuration.timeout = issuerTimeoutSeconds;
      for (const allow of transport) allow(configuration);
      const parameters = { resource: audience, scope };
      const options = { DPoP: handle };
      if ('organisation' in ground) return oidc.clientCredentialsGrant(configuration, parameters, options);
      const exchanged = {
        subject_token: ground.subjectToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      };
      return oidc.genericGrantRequest(
        configuration,
        'urn:ietf:params:oauth:grant-type:token-exchange',
        { ...parameters, ...exchanged },
        options,
      );
    };
    try {
      const { access_token: token, expires_in: lifeSeconds = 0 } = await request();
      return { token, digest: digest(token), expiresAtMs: Date.now() + lifeSeconds * 1_000 };
    } catch (error) {
      const refusal = toRefusal(error);
      log.warn({ audience, ...refusal }, 'HelseID gave no token');
      return refusal;
    }
  };

  const kept = new Map<string, Kept>();
  const underWay = new Map<string, Promise<Granted>>();
  const isFresh = ({ expiresAtMs }: { expiresAtMs: number }) => expiresAtMs - renewBeforeMs > Date.now();
  const sweep = setInterval(() => {
    for (const [key, granted] of kept) if (!isFresh(granted)) kept.delete(key);
  }, sweepEveryMs).unref();

  /** The kept token for `key`, now the one used last. */
  const recall = (key: string): Kept | null => {
    const known = kept.get(key);
    if (!known) return null;
    kept.delete(key);
    if (!isFresh(known)) return null;
    kept.set(key, known); // last in the map's order
    return known;
  };

  const obtain = (key: string, wanted: Wanted, ground: Ground): Promise<Granted> => {
    const running = underWay.get(key);
    if (running) return running;
    const started = ask(wanted, ground)
      .then((granted) => {
        if ('token' in granted && isFresh(granted)) kept.set(key, granted);
        if (kept.size > capacity) kept.delete(kept.keys().next().value!);
        return granted;
      })
      .finally(() => underWay.delete(key));
    underWay.set(key, started);
    return started;
  };

  const failure = (source: SourceName, status: 401 | 403 | null): Result<never> => ({
    ok: false,
    error: status === null ? { kind: 'unavailable', source, status } : { kind: 'denied', source, status },
  });

  return {
    async headersFor(source, wanted, call, { assertion, subjectToken, signal }) {
      const exchanged = subjectToken === null ? null : { subjectToken };
      const ground = wanted.as === 'user' ? exchanged : { organisation: organisationOf(assertion.caller) };
      if (!ground) return failure(source, 401); // nobody's token: nothing to exchange
      const { as, audience, scope } = wanted;
      const whose = 'organisation' in ground ? ground.organisation : digestOf(assertion, ground.subjectToken);
      const key = [as, audience, scope, whose].join('\n');
      const granted = recall(key) ?? (await waitFor(obtain(key, wanted, ground), signal, { refused: null }));
      if ('refused' in granted) return failure(source, granted.refused);
      return { ok: true, value: { authorization: `DPoP ${granted.token}`, dpop: prove(granted, call) } };
    },
    async close() {
      clearInterval(sweep);
      kept.clear();
    },
  };
};
