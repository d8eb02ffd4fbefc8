import DataLoader from 'dataloader';
import { type Found, lackOf, ownOnly, type RequestContext } from '../_shared/group.ts';
import type { Result, Source } from '../_shared/source.ts';
import { getCommunicationPartyDetails } from './adapter/adresseregisteret/client.ts';
import { mapParty, type Party } from './adapter/adresseregisteret/mapping.ts';
import { getPatientGPDetails } from './adapter/fastlegeregisteret/client.ts';
import { type ListDoctor, mapDoctors } from './adapter/fastlegeregisteret/mapping.ts';
import { hentPerson } from './adapter/helsepersonellregisteret/client.ts';
import { mapProfessional, type Professional } from './adapter/helsepersonellregisteret/mapping.ts';
import { getNamesByNin } from './adapter/persontjenesten/client.ts';
import { type HumanName, nameOf, nationalIdsOf } from './adapter/persontjenesten/mapping.ts';
import type { SoapRegister } from './adapter/soap.ts';
import type { KnownPerson, PersonDirectory } from './personDirectory.ts';

export type Registers = {
  persontjenesten: Source;
  directory: PersonDirectory;
  fastlegeregisteret: SoapRegister;
  helsepersonellregisteret: SoapRegister;
  adresseregisteret: SoapRegister;
};

/** What was found and when; `value` is `null` when the register answered that there is nothing. */
export type Looked<T> = { value: T | null; retrieved: string };

/** Says once per request what the register knew of the person, also when only the index did. */
const reportPerson = (context: RequestContext, person: KnownPerson | null) =>
  context.report({
    source: 'PERSONTJENESTEN',
    status: person?.status ?? 'FRESH',
    asOf: person ? person.asOf : new Date().toISOString(),
    count: person?.status === 'UNAVAILABLE' ? null : Number(person !== null),
    absence:
      person === null
        ? 'NONE_REGISTERED'
        : person.status === 'STALE'
          ? 'STALE'
          : person.status === 'UNAVAILABLE'
            ? lackOf(person.failure).code
            : null,
  });

/** One set per request: what a loader remembers is what this caller may see. */
export const createLoaders = (registers: Registers, context: RequestContext) => {
  const { directory } = registers;
  const ninsOf = (id: string) => context.assertion.patients.find((patient) => patient.id === id)?.nins;

  /** A register that others are enriched from: reported here, because the answer goes on without it. */
  const look = async <T>(source: string, ask: () => Promise<Result<T | null>>): Promise<Result<Looked<T>>> => {
    const answer = await ask();
    const retrieved = new Date().toISOString();
    const count = answer.ok ? Number(answer.value !== null) : null;
    context.report({
      source,
      status: answer.ok ? 'FRESH' : 'UNAVAILABLE',
      asOf: answer.ok ? retrieved : null,
      count,
      absence: answer.ok ? (count === 0 ? 'NONE_REGISTERED' : null) : lackOf(answer.error).code,
    });
    return answer.ok ? { ok: true, value: { value: answer.value, retrieved } } : answer;
  };

  const ownDoctors = async (id: string): Promise<Result<Found<ListDoctor>>> => {
    const source = 'FASTLEGEREGISTERET';
    const nins = ninsOf(id)!; // the rules let nobody past who is not in the assertion
    const answer = await getPatientGPDetails(registers.fastlegeregisteret, nins[0], context);
    if (!answer.ok) return answer;
    const details = answer.value ? [answer.value] : [];
    const own = ownOnly(source, details, ({ PatientNIN }) => PatientNIN, nins);
    if (!own.ok) return own;
    const retrieved = new Date().toISOString();
    return {
      ok: true,
      value: { records: own.value.own.flatMap((it) => mapDoctors(it, retrieved)), retrieved, dropped: 0 },
    };
  };

  const names = async (nins: readonly string[]): Promise<Result<HumanName | null>[]> => {
    const answer = await getNamesByNin(registers.persontjenesten, nins, context);
    if (!answer.ok) return nins.map(() => answer);
    return nins.map((nin) => {
      const person = answer.value.find((it) => nationalIdsOf(it).includes(nin));
      return { ok: true, value: person ? nameOf(person) : null };
    });
  };

  return {
    /** By Kilde's own id; the numbers come from the assertion. */
    persons: new DataLoader<string, Result<KnownPerson | null>>((ids) =>
      Promise.all(
        ids.map(async (id) => {
          const found = await directory.byNationalId(ninsOf(id)![0], context);
          if (found.ok) reportPerson(context, found.value);
          return found;
        }),
      ),
    ),
    identities: {
      async byNationalId(nationalId: string) {
        const found = await directory.byNationalId(nationalId, context);
        if (found.ok) reportPerson(context, found.value);
        return found;
      },
      async byId(id: string) {
        const found = await directory.byId(id, context);
        if (found.ok && found.value) reportPerson(context, found.value); // an id nobody has says nothing of the register
        return found;
      },
    },
    doctors: new DataLoader<string, Result<Found<ListDoctor>>>((ids) => Promise.all(ids.map(ownDoctors))),
    /** Names of representatives, by national id. */
    names: new DataLoader<string, Result<HumanName | null>>(names, { maxBatchSize: 100 }),
    professionals: new DataLoader<string, Result<Looked<Professional>>>((hprNumbers) =>
      Promise.all(
        hprNumbers.map((hprNumber) =>
          look('HELSEPERSONELLREGISTERET', async () => {
            const now = new Date().toISOString();
            const answer = await hentPerson(registers.helsepersonellregisteret, hprNumber, now, context);
            if (!answer.ok || !answer.value) return answer.ok ? { ok: true, value: null } : answer;
            const own = ownOnly('HELSEPERSONELLREGISTERET', [answer.value], ({ HPRNummer }) => HPRNummer, [hprNumber]);
            return own.ok ? { ok: true, value: mapProfessional(answer.value, now) } : own;
          }),
        ),
      ),
    ),
    parties: new DataLoader<number, Result<Looked<Party>>>((herIds) =>
      Promise.all(
        herIds.map((herId) =>
          look('ADRESSEREGISTERET', async () => {
            const answer = await getCommunicationPartyDetails(registers.adresseregisteret, herId, context);
            if (!answer.ok || !answer.value) return answer.ok ? { ok: true, value: null } : answer;
            const own = ownOnly('ADRESSEREGISTERET', [answer.value], ({ HerId }) => HerId, [String(herId)]);
            return own.ok ? { ok: true, value: mapParty(answer.value) } : own;
          }),
        ),
      ),
    ),
  };
};
export type Loaders = ReturnType<typeof createLoaders>;
