import * as z from 'zod';
import type { Caller, Purpose } from '../../schema/caller.ts';
import { holdsNationalId } from '../../schema/nationalIdText.ts';
import { elevatedBases } from '../../schema/sources.ts';
import { requestError } from './errors.ts';

/** What a caller asks for beyond the ordinary, `extensions.kilde` of a request. */
export type Elevation = z.infer<typeof Elevation>;
const Elevation = z.strictObject({
  /** Opens what the patient has restricted, never a block. Left out in an emergency (BTG) where nothing need be opened. */
  accessBasis: z.enum(elevatedBases).optional(),
  /** The caller's own words: for the access log and those who review it, for nobody else. */
  reason: z
    .string()
    .max(2_000) // before anything works on it
    .transform((text) => text.replace(/\s+/g, ' ').trim())
    .refine((text) => text.length >= 3 && text.length <= 500)
    .refine((text) => !/\p{C}/u.test(text)) // PostgreSQL takes no NUL and no half character: neither may reach the log
    .refine((text) => !holdsNationalId(text)),
});

/**
 * @param extensions of the request; all of them but `kilde` are others' to read
 * @returns `null` when nothing out of the ordinary is asked for
 * @throws GraphQLError BAD_REQUEST
 */
export const readElevation = (extensions: unknown): Elevation | null => {
  const asked = (extensions as { kilde?: unknown } | null | undefined)?.kilde ?? null;
  if (asked === null) return null;
  const read = Elevation.safeParse(asked);
  if (read.success) return read.data;
  throw requestError(
    'BAD_REQUEST',
    `extensions.kilde: accessBasis (${elevatedBases.join(' or ')}) and reason, 3 to 500 characters without a national id`,
  );
};

const purposesFor: Record<(typeof elevatedBases)[number] | 'ordinary', readonly Purpose[]> = {
  FORHOYET_SAMTYKKE: ['TREAT', 'COC', 'ETREAT'],
  FORHOYET_AKUTT: ['ETREAT', 'BTG'],
  ordinary: ['BTG'],
};

export type ElevationRefusal = { rule: string; text: string };

/**
 * Whether the caller may have what they ask for, by who they are and what their attest says they are doing; `null` when they
 * may. Breaking the glass takes a reason, whatever it is to open. What it then opens, the policies decide.
 */
export const refuseElevation = (caller: Caller, elevation: Elevation | null): ElevationRefusal | null => {
  const purpose = caller.kind === 'professional' ? (caller.attest?.purpose ?? null) : null;
  if (!elevation) {
    if (purpose !== 'BTG') return null;
    return { rule: 'elevation/reason', text: 'Emergency access (BTG) takes a reason: extensions.kilde.reason' };
  }
  if (caller.kind !== 'professional')
    return { rule: 'elevation/professional', text: 'Elevated access is for health personnel' };
  const { accessBasis = 'ordinary' } = elevation;
  if (purpose !== null && purposesFor[accessBasis].includes(purpose)) return null;
  return { rule: 'elevation/purpose', text: 'The purpose of use does not give this access basis' };
};
