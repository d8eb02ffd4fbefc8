import DataLoader from 'dataloader';
import type { SourceCache } from '../_shared/cache/cache.ts';
import { answered, type Found, lackOf, ownOnly, type RequestContext } from '../_shared/group.ts';
import type { CallContext, Result, Source } from '../_shared/source.ts';
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
  cache: SourceCache;
  persontjenesten: Source;
  directory: PersonDirectory;
  fastlegeregisteret: SoapRegister;
  helsepersonellregisteret: SoapRegister;
  adresseregisteret: SoapRegister;
};

/** What was found and when; `value` is `null` when the register answered that there is nothing. */
export type Looked<T> = { value: T | null; retrieved: string };
/** A register's answer that is everybody's to see. */
type Public<T> = { name: string; parameters: string | number; ask(context: CallContext): Promise<Result<T | null>> };

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
  const { cache, directory } = registers;
  const patientOf = (id: string) => context.assertion.patients.find((patient) => patient.id === id);

  /** A register that others are enriched from: reported here, because the answer goes on without it. */
  const look = async <T>(source: string, { ask, ...asked }: Public<T>): Promise<Result<Looked<T>>> => {
    const answer = await cache.ask({ source, ...asked, patient: null }, context, ask);
    if (!answer.ok) {
      context.report({ source, status: 'UNAVAILABLE', asOf: null, count: null, absence: lackOf(answer.error).code });
      return answer;
    }
    const { value, status, asOf: retrieved } = answer.value;
    answered(context, source, { count: Number(value !== null), status, retrieved });
    return { ok: true, value: { value, retrieved } };
  };

  const ownDoctors = async (id: string): Promise<Result<Found<ListDoctor>>> => {
    const source = 'FASTLEGEREGISTERET';
    const patient = patientOf(id)!; // the rules let nobody past who is not in the assertion
    const { nins } = patient;
    const answer = await cache.ask({ source, name: 'doctors', patient }, context, (call) =>
      getPatientGPDetails(registers.fastlegeregisteret, nins[0], call),
    );
    if (!answer.ok) return answer;
    const { value, status, asOf: retrieved } = answer.value;
    const details = value ? [value] : [];
    const own = ownOnly(source, details, ({ PatientNIN }) => PatientNIN, nins);
    if (!own.ok) return own;
    const records = own.value.own.flatMap((it) => mapDoctors(it, retrieved));
    return { ok: true, value: { records, status, retrieved, dropped: 0 } };
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
          const found = await directory.byNationalId(patientOf(id)!.nins[0], context);
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
          look('HELSEPERSONELLREGISTERET', {
            name: 'professional',
            parameters: hprNumber,
            async ask(call) {
              const now = new Date().toISOString();
              const answer = await hentPerson(registers.helsepersonellregisteret, hprNumber, now, call);
              if (!answer.ok || !answer.value) return answer.ok ? { ok: true, value: null } : answer;
              const own = ownOnly('HELSEPERSONELLREGISTERET', [answer.value], ({ HPRNummer }) => HPRNummer, [
                hprNumber,
              ]);
              return own.ok ? { ok: true, value: mapProfessional(answer.value, now) } : own;
            },
          }),
        ),
      ),
    ),
    parties: new DataLoader<number, Result<Looked<Party>>>((herIds) =>
      Promise.all(
        herIds.map((herId) =>
          look('ADRESSEREGISTERET', {
            name: 'party',
            parameters: herId,
            async ask(call) {
              const answer = await getCommunicationPartyDetails(registers.adresseregisteret, herId, call);
              if (!answer.ok || !answer.value) return answer.ok ? { ok: true, value: null } : answer;
              const own = ownOnly('ADRESSEREGISTERET', [answer.value], ({ HerId }) => HerId, [String(herId)]);
              return own.ok ? { ok: true, value: mapParty(answer.value) } : own;
            },
          }),
        ),
      ),
    ),
  };
};
export type Loaders = ReturnType<typeof createLoaders>;
