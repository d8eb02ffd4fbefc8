import { createHash } from 'node:crypto';
import {
  calculateJwkThumbprint,
  createRemoteJWKSet,
  decodeProtectedHeader,
  EmbeddedJWK,
  type JWTPayload,
  jwtVerify,
} from 'jose';

/** What a national service requires of a token (reference 10.4, 10.5, and each service's own section). */
export type TokenRequirements = {
  audience: string;
  /** Any one of these. */
  scopes: readonly string[];
  /** Bearer too, where the service still accepts it. */
  bearer?: boolean;
  /** `user`: a person at level 4 with pid; `machine`: none needed. */
  as: 'user' | 'machine' | 'either';
  /** `orgnr_parent`, and `orgnr_child` too when 'both'. Not asked of a citizen's own token. */
  organisation?: 'parent' | 'both';
  /** HPR number must be in the token. Not asked of a citizen's own token. */
  hprNumber?: boolean;
};

/** A verified token, reduced to what services decide on. */
export type Access = {
  /** `citizen`: a token without organisation claims, for one's own data or a represented person's. */
  kind: 'professional' | 'citizen' | 'machine';
  pid: string | null;
  hprNumber: string | null;
  orgnrParent: string | null;
  orgnrChild: string | null;
  scopes: string[];
  claims: JWTPayload;
};

/** Why a call is refused; the simulator dresses it in its own error format. */
export type Refusal = { status: 401 | 403; reason: string };

export type AccessCheck = (
  request: { method: string; url: string; headers: Record<string, unknown> },
  requirements: TokenRequirements,
) => Promise<{ ok: true; access: Access } | { ok: false; refusal: Refusal }>;

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/**
 * Checks tokens as the reference prescribes, in its order: type, signature, issuer, audience, times, scope, DPoP, person,
 * organisation. Replayed proofs are refused for as long as a proof could live.
 */
export const createAccessCheck = ({ issuer, jwksUri }: { issuer: string; jwksUri: string }): AccessCheck => {
  const keys = createRemoteJWKSet(new URL(jwksUri));
  const seen = new Map<string, number>();

  const checkProof = async (
    token: string,
    claims: JWTPayload,
    request: Parameters<AccessCheck>[0],
  ): Promise<string | null> => {
    const proof = request.headers['dpop'];
    if (typeof proof !== 'string' || proof.includes(',')) return 'exactly one DPoP header is required';
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms,
    });
    const { jkt } = (claims['cnf'] ?? {}) as { jkt?: string };
    if ((await calculateJwkThumbprint(protectedHeader.jwk!)) !== jkt)
      return 'the proof is made with another key than the token is bound to';
    if (payload['htm'] !== request.method) return 'htm does not match';
    if (new URL(String(payload['htu'])).pathname !== new URL(request.url).pathname) return 'htu does not match';
    if (payload['ath'] !== createHash('sha256').update(token).digest('base64url')) return 'ath does not match';
    const now = Date.now() / 1_000;
    if (typeof payload.iat !== 'number' || payload.iat > now + 10 || payload.iat < now - 60)
      return 'iat is outside the window';
    for (const [jti, until] of seen) if (until < now) seen.delete(jti);
    if (!payload.jti || seen.has(payload.jti)) return 'the proof has been used';
    seen.set(payload.jti, now + 80);
    return null;
  };

  return async (request, requirements) => {
    const refuse = (status: 401 | 403, reason: string) => ({
      ok: false as const,
      refusal: { status, reason },
    });
    const [scheme, token] = String(request.headers['authorization'] ?? '').split(' ');
    if (!token || (scheme !== 'DPoP' && !(scheme === 'Bearer' && requirements.bearer)))
      return refuse(401, 'no usable access token');
    try {
      const { typ } = decodeProtectedHeader(token);
      if (typ !== 'at+jwt' && typ !== 'JWT') return refuse(401, 'typ is wrong');
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: requirements.audience,
        algorithms,
        clockTolerance: 5,
      });
      if (Array.isArray(payload.aud)) return refuse(401, 'more than one audience');
      const bound = Boolean((payload['cnf'] as { jkt?: string } | undefined)?.jkt);
      if (bound !== (scheme === 'DPoP')) return refuse(401, 'token binding and scheme do not match');
      const wrong = bound ? await checkProof(token, payload, request) : null;
      if (wrong) return refuse(401, wrong);

      const scope = payload['scope'];
      const scopes = Array.isArray(scope) ? scope.map(String) : String(scope ?? '').split(' ');
      if (!requirements.scopes.some((it) => scopes.includes(it))) return refuse(403, 'scope is missing');

      const pid = text(payload['helseid://claims/identity/pid']);
      const orgnrParent = text(payload['helseid://claims/client/claims/orgnr_parent']);
      const orgnrChild = text(payload['helseid://claims/client/claims/orgnr_child']);
      const hprNumber = text(payload['helseid://claims/hpr/hpr_number']);
      const kind = pid === null ? 'machine' : orgnrParent === null ? 'citizen' : 'professional';
      if (requirements.as === 'user' && kind === 'machine') return refuse(403, 'a person is required');
      if (requirements.as === 'machine' && kind !== 'machine') return refuse(403, 'a machine token is required');
      if (pid !== null && payload['helseid://claims/identity/security_level'] !== '4')
        return refuse(403, 'security level 4 is required');
      if (kind !== 'citizen') {
        if (requirements.organisation && orgnrParent === null) return refuse(403, 'orgnr_parent is missing');
        if (requirements.organisation === 'both' && orgnrChild === null) return refuse(403, 'orgnr_child is missing');
        if (requirements.hprNumber && kind === 'professional' && hprNumber === null)
          return refuse(403, 'HPR number is missing');
      }
      return {
        ok: true,
        access: {
          kind,
          pid,
          hprNumber,
          orgnrParent,
          orgnrChild,
          scopes,
          claims: payload,
        },
      };
    } catch {
      return refuse(401, 'the token is not valid');
    }
  };
};
