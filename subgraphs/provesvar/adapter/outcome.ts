import type * as z from 'zod';
import type { AccessBasis } from '../../../schema/sources.ts';
import { elevatedBasis } from '../../_shared/elevation.ts';
import type { FhirOperationOutcome } from '../../_shared/fhir.ts';
import type { SourceError } from '../../_shared/source.ts';

type Outcome = z.infer<typeof FhirOperationOutcome>;

/** `http://nhn.no/fhir/nilar/CodeSystem/pvk-outcome-cs`: what the patient has decided (reference 4.4). */
const isPrivacySystem = (system: string | undefined) => system?.endsWith('/pvk-outcome-cs') ?? false;

/**
 * What an OperationOutcome means: an error, or `null` when it takes nothing away («no hits», hints). A personal block is
 * named before a reservation, and that before a restriction, since nothing opens the former two.
 *
 * @param basis the one that was asked with: it decides which basis would open a restriction
 */
export const readOutcome = (source: string, { issue }: Outcome, basis: AccessBasis): SourceError | null => {
  const privacy = issue
    .flatMap(({ details }) => details?.coding ?? [])
    .filter(({ system }) => isPrivacySystem(system))
    .map(({ code }) => code);
  if (privacy.includes('Specific')) return { kind: 'blocked', source };
  if (privacy.includes('Reservation')) return { kind: 'reserved', source };
  if (privacy.includes('General')) return { kind: 'restricted', source, requires: elevatedBasis(basis) };
  if (privacy.length > 0) return { kind: 'invalid', source, paths: ['issue.details'] }; // a decision that we do not know
  const harmless = issue.every(({ severity, code }) => code === 'not-found' || !['error', 'fatal'].includes(severity));
  return harmless ? null : { kind: 'invalid', source, paths: ['issue'] };
};
