import * as z from 'zod';

/** What a person has set, as far as it holds now: asked of `personvern` by the gateway before it decides. */
export const PrivacySetting = z.object({
  type: z.enum(['reservation', 'restriction', 'block', 'delay']),
  /** Name of the source, or `*` for all. */
  source: z.string(),
  /** A category of the source, the HPR number of the blocked professional, or finer; `null` is the whole source. */
  scope: z.string().nullable(),
});
export type PrivacySetting = z.infer<typeof PrivacySetting>;
