import * as z from 'zod';
import { AttestDetail } from '../../schema/caller.ts';

const Stated = z.object({
  authorization_details: z.array(z.looseObject({ type: z.string() })).optional(),
  assertion_details: z.array(z.looseObject({ type: z.string() })).optional(),
});
const attestType = 'nhn:tillitsrammeverk:parameters';
const lifeSeconds = 60 * 60;

/**
 * The attest that a client states in its assertion (reference 11.1, flow 2), with the time of it, which is now unless the
 * client says otherwise.
 *
 * @returns `null` when none is stated; `expired` for one older than an hour
 */
export const statedAttest = (
  assertion: unknown,
  nowSeconds: number,
): Record<string, unknown> | null | 'malformed' | 'expired' => {
  const { data } = Stated.safeParse(assertion);
  if (!data) return 'malformed';
  const details = [...(data.authorization_details ?? []), ...(data.assertion_details ?? [])];
  const [attest, ...others] = details.filter(({ type }) => type === attestType);
  if (!attest) return null;
  const read = AttestDetail.safeParse(attest);
  if (!read.success || others.length > 0) return 'malformed';
  const toa = read.data.attestation?.toa ?? nowSeconds;
  return toa < nowSeconds - lifeSeconds ? 'expired' : { ...attest, attestation: { toa } };
};
