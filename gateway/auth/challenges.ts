import { proofAlgorithms } from './proofKey.ts';
import { Forbidden, type Unauthenticated } from './refusal.ts';

/** Errors of the one scheme that mean nothing in the other. */
const ofProofsOnly = ['invalid_dpop_proof', 'use_dpop_nonce'];

/**
 * The headers that tell a client how to come back (RFC 6750 3, RFC 9449 7.1, 9). The description is ours and fixed: it
 * repeats nothing of what was sent.
 *
 * @param bearer whether tokens without a proof are accepted here too
 */
export const challengesFor = (refusal: Unauthenticated | Forbidden, bearer: boolean): Record<string, string> => {
  const isForbidden = refusal instanceof Forbidden;
  if (isForbidden && refusal.rule !== 'caller/scope') return {}; // another token of the same kind would not help
  const error = isForbidden ? 'insufficient_scope' : refusal.challenge;
  const details = error === 'none' ? [] : [`error="${error}"`];
  if (!isForbidden && error !== 'none') details.push(`error_description="${refusal.reason}"`);
  const dpop = ['realm="kilde"', ...details, `algs="${proofAlgorithms.join(' ')}"`];
  const challenges = [`DPoP ${dpop.join(', ')}`];
  if (bearer && !ofProofsOnly.includes(error)) challenges.push(`Bearer ${['realm="kilde"', ...details].join(', ')}`);
  const nonce = isForbidden ? null : refusal.nonce;
  return { 'www-authenticate': challenges.join(', '), ...(nonce ? { 'dpop-nonce': nonce } : {}) };
};
