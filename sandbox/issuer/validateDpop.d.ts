// oidc-provider gives its own grants these two, and a registered grant nothing: the path is the library's inside, and
// its shape is held by the tests of the issuer.
declare module 'oidc-provider/lib/helpers/validate_dpop.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

  export type DpopProof = { thumbprint: string; jti: string; iat: number };
  /** Signature, `htm`, `htu`, `iat` and nonce; answers `use_dpop_nonce` itself. `undefined` when no proof was sent. */
  export default function validateDpop(provider: Provider, context: KoaContextWithOIDC): Promise<DpopProof | undefined>;
  /** Throws `invalid_grant` for a proof that the client has used before. */
  export function checkDpopReplay(
    provider: Provider,
    context: KoaContextWithOIDC,
    proof: DpopProof,
    clientId: string,
  ): Promise<void>;
}
