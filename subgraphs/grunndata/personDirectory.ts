import { admits, parseNationalId } from '../../schema/nationalId.ts';
import { ownOnly } from '../_shared/group.ts';
import type { CallContext, Result, Source, SourceError } from '../_shared/source.ts';
import { getPersonByNin } from './adapter/persontjenesten/client.ts';
import { type Facts, mapPerson, type Person } from './adapter/persontjenesten/mapping.ts';
import { createRecentCache } from './personCache.ts';
import type { IndexedPerson, PersonIndex } from './personIndex.ts';

/**
 * A person as well as Kilde knows them at this moment.
 *
 * `FRESH`, or `CACHED` when another request asked the register less than half a minute ago; `STALE` when the register is
 * silent and the index remembers; `UNAVAILABLE` when there is nothing but a number and an id.
 */
export type KnownPerson = { id: string; nationalIds: string[] } & (
  | { status: 'FRESH' | 'CACHED'; facts: Facts; register: Person; asOf: string }
  | { status: 'STALE'; facts: Facts; asOf: string; failure: SourceError }
  | { status: 'UNAVAILABLE'; facts: null; asOf: null; failure: SourceError }
);
type Heard = Extract<KnownPerson, { status: 'FRESH' | 'CACHED' }>;

/** `null`: the register knows nobody by it. An error is our own database's, never the register's. */
export type PersonDirectory = {
  byNationalId(nationalId: string, context: CallContext): Promise<Result<KnownPerson | null>>;
  byId(id: string, context: CallContext): Promise<Result<KnownPerson | null>>;
};

/** Whether a number may be sent to the register from here: of the right environment, and not a hospital's own H-number. */
export const mayBeAskedAbout = (nationalId: string, environment: 'sandbox' | 'production'): boolean => {
  const parsed = parseNationalId(nationalId);
  return parsed !== null && parsed.kind !== 'hnr' && admits(environment, parsed);
};

const remembered = ({ id, nationalIds, facts, asOf }: IndexedPerson, failure: SourceError): KnownPerson =>
  facts && asOf
    ? { id, nationalIds, status: 'STALE', facts, asOf, failure }
    : { id, nationalIds, status: 'UNAVAILABLE', facts: null, asOf: null, failure };

/** The register, the index and half a minute's memory as one: who somebody is, at the cost of one call at most. */
export const createPersonDirectory = (
  source: Source,
  index: PersonIndex,
  now: () => Date = () => new Date(),
): PersonDirectory => {
  const recent = createRecentCache<{ person: Heard; traceId: string }>({
    ttlMs: 30_000,
    maxKeys: 30_000,
    now: () => now().getTime(),
  });

  const recall = (key: string, { assertion }: CallContext): Result<KnownPerson> | null => {
    const found = recent.get(key);
    if (!found) return null;
    const status = found.traceId === assertion.traceId ? 'FRESH' : 'CACHED';
    return { ok: true, value: { ...found.person, status } };
  };

  /** The register's answer about exactly this number's person. */
  const ask = async (nationalId: string, context: CallContext): Promise<Result<Person | null>> => {
    const answer = await getPersonByNin(source, nationalId, context);
    if (!answer.ok || !answer.value) return answer.ok ? { ok: true, value: null } : answer;
    const person = mapPerson(answer.value);
    const own = ownOnly(
      source.name,
      [person],
      ({ nationalIds }) => nationalIds.find((it) => it === nationalId) ?? null,
      [nationalId],
    );
    return own.ok ? { ok: true, value: person } : own;
  };

  const byNationalId: PersonDirectory['byNationalId'] = async (nationalId, context) => {
    const recalled = recall(index.hashOf(nationalId), context);
    if (recalled) return recalled;
    const [answer, indexed] = await Promise.all([
      ask(nationalId, context),
      index.byNationalId(nationalId, context.signal),
    ]);
    if (answer.ok && answer.value === null) return { ok: true, value: null };
    if (!indexed.ok) return indexed;
    if (answer.ok && answer.value) {
      const asOf = now().toISOString();
      const saved = await index.save(answer.value, asOf, context.signal);
      if (!saved.ok) return saved;
      const { nationalIds, facts } = answer.value;
      const person: Heard = { id: saved.value, nationalIds, status: 'FRESH', facts, register: answer.value, asOf };
      recent.put([person.id, ...nationalIds.map(index.hashOf)], { person, traceId: context.assertion.traceId });
      return { ok: true, value: person };
    }
    const failure = (answer as Extract<typeof answer, { ok: false }>).error;
    if (indexed.value) return { ok: true, value: remembered(indexed.value, failure) };
    // An emergency does not wait for the register: the number is valid, and the caller's attest names the patient. Other
    // sources can be asked by the number, and when the register answers again the id stays with the person.
    const reserved = await index.reserve(nationalId, context.signal);
    return reserved.ok ? { ok: true, value: remembered(reserved.value, failure) } : reserved;
  };

  return {
    byNationalId,
    async byId(id, context) {
      const recalled = recall(id, context);
      if (recalled) return recalled;
      const indexed = await index.byId(id, context.signal);
      if (!indexed.ok || !indexed.value) return indexed.ok ? { ok: true, value: null } : indexed;
      // The number leads to the register and back. It may lead to another id: to the one that this id is continued as, or,
      // when the register has split two who were one, to somebody else, who must not be taken for this person.
      for (const nationalId of indexed.value.nationalIds) {
        const found = await byNationalId(nationalId, context);
        if (!found.ok || found.value?.id === indexed.value.id) return found;
        const again = await index.byId(id, context.signal);
        if (!again.ok) return again;
        if (found.value && again.value?.id === found.value.id) return found;
      }
      return { ok: true, value: null };
    },
  };
};
