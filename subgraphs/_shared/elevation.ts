import type { AccessBasis, ElevatedBasis } from '../../schema/sources.ts';
import type { Result } from './source.ts';

/** The elevated basis that opens what the patient has restricted; `null` when an elevated one was stated already. */
const elevated: Record<AccessBasis, ElevatedBasis | null> = {
  UNNTAK: 'FORHOYET_SAMTYKKE',
  SAMTYKKE: 'FORHOYET_SAMTYKKE',
  AKUTT: 'FORHOYET_AKUTT',
  FORHOYET_SAMTYKKE: null,
  FORHOYET_AKUTT: null,
};
export const elevatedBasis = (basis: AccessBasis): ElevatedBasis | null => elevated[basis];

/** What is asked with before an elevated basis. Who has consent to open has consent to read. */
const ordinary: Record<ElevatedBasis, AccessBasis> = { FORHOYET_SAMTYKKE: 'SAMTYKKE', FORHOYET_AKUTT: 'AKUTT' };
export const isElevated = (basis: AccessBasis): basis is ElevatedBasis => basis in ordinary;

/** A source's answer. `isOpened`: it was restricted, and an elevated basis opened it. */
export type Opened<T> = { content: T; isOpened: boolean };

/**
 * Asks on the ordinary basis, and on the caller's elevated one only where the ordinary one meets a restriction: services refuse
 * an elevated basis that opens nothing (reference 1.2), and nobody's restriction is stepped over for nothing.
 *
 * @param isPartial whether an answer leaves out what the patient has restricted
 */
export const askOrdinaryFirst = async <T>(
  basis: AccessBasis,
  ask: (basis: AccessBasis) => Promise<Result<T>>,
  isPartial: (content: T) => boolean = () => false,
): Promise<Result<Opened<T>>> => {
  const answerOn = async (stated: AccessBasis, isOpened: boolean): Promise<Result<Opened<T>>> => {
    const answer = await ask(stated);
    return answer.ok ? { ok: true, value: { content: answer.value, isOpened } } : answer;
  };
  if (!isElevated(basis)) return answerOn(basis, false);
  const answer = await answerOn(ordinary[basis], false);
  const isRestricted = answer.ok ? isPartial(answer.value.content) : answer.error.kind === 'restricted';
  return isRestricted ? answerOn(basis, true) : answer;
};
