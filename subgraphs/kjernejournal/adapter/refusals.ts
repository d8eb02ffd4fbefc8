import type { AccessBasis, SourceName } from '../../../schema/sources.ts';
import { FhirOperationOutcome } from '../../_shared/fhir.ts';
import type { Result, SourceAnswer, SourceCall, SourceError } from '../../_shared/source.ts';
import { elevatedBasis, ordinaryBasis } from './accessBasis.ts';

type Meaning = 'restricted' | 'blocked' | 'reserved' | 'denied' | 'needlessElevation';

/**
 * What the services' error codes mean. Inferred, and only here: the tables of the KI series and of document sharing are not
 * public. `KI-0099` is the reference's own invention, the rest are numbered after the kindred series (PI-, CPLF-).
 */
const meanings: Record<string, Meaning> = {
  'KI-0002': 'denied', // a required header is missing: a professional without authorization has no role to state
  'KI-0018': 'denied',
  'KI-0096': 'needlessElevation',
  'KI-0097': 'reserved',
  'KI-0098': 'blocked',
  'KI-0099': 'restricted',
  'PHR-0096': 'needlessElevation',
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

/**
 * Asks on the caller's basis. An elevated one is refused where it opens nothing more (reference 1.2), and such a service holds
 * something to read all the same: it is asked again on the ordinary one.
 */
export const askOnBasis = async <T>(
  source: SourceName,
  basis: AccessBasis,
  ask: (basis: AccessBasis, refusal: NonNullable<SourceCall<T>['refusal']>) => Promise<Result<T>>,
): Promise<Result<T>> => {
  let needless = false;
  const refusalOn = (stated: AccessBasis) => (answer: SourceAnswer) => {
    const meaning = meaningOf(answer);
    needless = meaning === 'needlessElevation';
    return meaning && errorFor(meaning, source, stated);
  };
  const answer = await ask(basis, refusalOn(basis));
  const ordinary = ordinaryBasis(basis);
  return needless && ordinary !== basis ? ask(ordinary, refusalOn(ordinary)) : answer;
};
