import type { AccessBasis, SourceName } from '../../../schema/sources.ts';
import { elevatedBasis } from '../../_shared/elevation.ts';
import type { SourceError } from '../../_shared/source.ts';

export const errorCodeSystem = 'http://ehelse.no/fhir/CodeSystem/sfm-kj-rf-error-code';

/** The two codes that are public (reference 5.2). */
export const answeredCode = '0';
export const noRightToKjernejournal = '5';

/**
 * Codes for privacy refusals. Inferred, all three: the code system is known to have more than `0` and `5`, not which. They
 * come as `RFM96Feilkode`, or in an OperationOutcome when the whole call is refused; this table is the only place to change.
 */
export const refusalCodes = { restricted: '6', blocked: '7', reserved: '8' } as const;

/** A code of SFM -> the patient's own choice behind it, or `null` when the code says something else. */
export const privacyRefusal = (source: SourceName, code: string | null, basis: AccessBasis): SourceError | null => {
  if (code === refusalCodes.restricted) return { kind: 'restricted', source, requires: elevatedBasis(basis) };
  if (code === refusalCodes.blocked) return { kind: 'blocked', source };
  return code === refusalCodes.reserved ? { kind: 'reserved', source } : null;
};
