import type { Caller } from '../../schema/caller.ts';

/** What a 401 asks the client for (RFC 6750 3.1, RFC 9449 7.1 and 9). `none`: it has sent nothing to judge. */
export type Challenge = 'none' | 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce';

/** The caller is not known: 401. `reason` is one of our own words and says nothing of what the token holds. */
export class Unauthenticated extends Error {
  override readonly name = 'Unauthenticated';
  readonly reason: string;
  readonly challenge: Challenge;
  /** For `use_dpop_nonce`: what the next proof must carry. */
  readonly nonce: string | null;
  constructor(reason: string, challenge: Challenge = 'invalid_token', nonce: string | null = null) {
    const isOfToken = challenge === 'none' || challenge === 'invalid_token';
    super(isOfToken ? 'A valid access token is required' : 'A valid DPoP proof is required');
    this.reason = reason;
    this.challenge = challenge;
    this.nonce = nonce;
  }
}

/** The caller is known, and what the token says of them does not admit them: 403. */
export class Forbidden extends Error {
  override readonly name = 'Forbidden';
  /** Id of the rule, for the access log. */
  readonly rule: string;
  /** Who was refused, as far as the token tells; `null` for a token that was never meant for Kilde's data. */
  readonly caller: Caller | null;
  constructor(rule: string, text: string, caller: Caller | null) {
    super(text);
    this.rule = rule;
    this.caller = caller;
  }
}

/** It cannot be told whether a proof has been used before: 503, and nothing is released. */
export class Unverifiable extends Error {
  override readonly name = 'Unverifiable';
  readonly reason: string;
  constructor(reason: string) {
    super('Access tokens cannot be checked at the moment');
    this.reason = reason;
  }
}
