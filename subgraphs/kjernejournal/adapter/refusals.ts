import type { AccessBasis, SourceName } from '../../../schema/sources.ts';
import { elevatedBasis } from '../../_shared/elevation.ts';
import { FhirOperationOutcome } from '../../_shared/fhir.ts';
import type { SourceAnswer, SourceError } from '../../_shared/source.ts';

type Meaning = 'restricted' | 'blocked' | 'reserved' | 'denied';

/**
 * What the services' error codes mean. Inferred, and only here: the tables of the KI series and of document sharing are not
 * public. `KI-0099` is the reference's own invention, the rest are numbered after the kindred series (PI-, CPLF-).
 */
const meanings: Record<string, Meaning> = {
  'KI-0002': 'denied', // a required header is missing: a professional without authorization has no role to state
  'KI-0018': 'denied',
  'KI-0096': 'denied', // an elevated basis that opens nothing: the restriction was lifted between two calls
  'KI-0097': 'reserved',
  'KI-0098': 'blocked',
  'KI-0099': 'restricted',
  'PHR-0096': 'denied',
  'PHR-0097': 'reserved',
  'PHR-0098': 'blocked',
};

const codesOf = ({ headers, text }: SourceAnswer): string[] => {
  const inHeader = headers['nhn-error-code'];
  if (inHeader) return [inHeader];
  try {
    const outcome = FhirOperationOutcome.safeParse(JSON.parse(text));
    return outcome.data?.issue.flatMap(({ details }) => details?.coding.map(({ code }) => code ?? '') ?? []) ?? [];
  } catch {
    return []; // not in the service's format: its status speaks
  }
};

const meaningOf = (answer: SourceAnswer): Meaning | null => {
  if (answer.status < 400) return null;
  return (
    codesOf(answer)
      .map((code) => meanings[code])
      .find((meaning) => meaning !== undefined) ?? null
  );
};

const errorFor = (meaning: Meaning, source: SourceName, basis: AccessBasis): SourceError => {
  if (meaning === 'restricted') return { kind: 'restricted', source, requires: elevatedBasis(basis) };
  if (meaning === 'blocked' || meaning === 'reserved') return { kind: meaning, source };
  return { kind: 'denied', source, status: 403 };
};

/** How the answers to a call are told apart, on the basis that it stated. */
export const refusalOn =
  (source: SourceName, basis: AccessBasis) =>
  (answer: SourceAnswer): SourceError | null => {
    const meaning = meaningOf(answer);
    return meaning && errorFor(meaning, source, basis);
  };
