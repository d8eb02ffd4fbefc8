import type { GraphQLResolverMap } from '@apollo/subgraph';
import { identifierSystem } from '../../schema/nationalId.ts';
import { badRequest, toGraphQLError } from '../_shared/errors.ts';
import {
  absenceOf,
  answered,
  type GroupHead,
  given,
  type Lack,
  lackOf,
  type RequestContext,
} from '../_shared/group.ts';
import { type Cursors, type PageArguments, pageOf } from '../_shared/paging.ts';
import type { SourceError } from '../_shared/source.ts';
import type { ListDoctor } from './adapter/fastlegeregisteret/mapping.ts';
import type { Address, Relation } from './adapter/persontjenesten/mapping.ts';
import type { Loaders } from './loaders.ts';
import { type KnownPerson, mayBeAskedAbout } from './personDirectory.ts';

export type Context = RequestContext & {
  loaders: Loaders;
  cursors: Cursors;
  environment: 'sandbox' | 'production';
};
type PatientKey = { id: string };

const source = 'PERSONTJENESTEN';
const hprNumberSystem = 'urn:oid:2.16.578.1.12.4.1.4.4';
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The person as known now; throws when our own database is down or the register no longer knows the number. */
const personOf = async ({ id }: PatientKey, { loaders }: Context): Promise<KnownPerson> => {
  const person = given(await loaders.persons.load(id));
  if (!person) throw toGraphQLError({ kind: 'invalid', source, paths: ['unknown'] });
  return person;
};

/** Facts of the register or the index, or the error that says why there are none. */
const factsOf = async (patient: PatientKey, context: Context) => {
  const person = await personOf(patient, context);
  if (person.status === 'UNAVAILABLE') throw toGraphQLError(person.failure);
  return person;
};

/** What only the register itself gives; the index does not keep it. */
const registerOf = async (patient: PatientKey, context: Context) => {
  const person = await personOf(patient, context);
  if ('failure' in person) throw toGraphQLError(person.failure);
  return person;
};

const lackOfPerson = (person: KnownPerson): Lack | null => {
  if (!('failure' in person)) return null;
  const lack = lackOf(person.failure);
  return person.status === 'STALE' ? { ...lack, code: 'STALE' } : lack;
};

/** The patient's own head as values, not errors: what other registers give beside it must not be lost with this one. */
const head = async (patient: PatientKey, { loaders }: Context): Promise<GroupHead> => {
  const found = await loaders.persons.load(patient.id);
  const person: KnownPerson | null = found.ok ? found.value : null;
  if (person) {
    const lack = lackOfPerson(person);
    const provenance = person.asOf === null ? null : { source, retrieved: person.asOf };
    return { status: person.status, absence: lack && absenceOf(source, lack), provenance };
  }
  const failure: SourceError = found.ok ? { kind: 'invalid', source, paths: ['unknown'] } : found.error;
  return { status: 'UNAVAILABLE', absence: absenceOf(source, lackOf(failure)), provenance: null };
};

/** Anything but the register's word for «open» hides where somebody lives, a word not known here included. */
const isProtected = (person: KnownPerson) => person.facts !== null && person.facts.addressProtection !== 'Unclassified';

const professionalOf = async (hprNumber: string | null, { loaders }: Context) => {
  if (hprNumber === null) return null;
  const found = await loaders.professionals.load(hprNumber);
  return found.ok ? found.value : null; // the loader has reported the failure
};
const partyOf = async (herId: number | null, { loaders }: Context) => {
  if (herId === null) return null;
  const found = await loaders.parties.load(herId);
  return found.ok ? found.value : null;
};

/** A doctor by number, with what the register of health personnel adds when it answers. */
const practitioner = async (hprNumber: string | null, nameOnList: string | null, context: Context) => {
  if (hprNumber === null) return null;
  const found = await professionalOf(hprNumber, context);
  const inForce = found?.value?.authorizations.find(({ active }) => active);
  return {
    identifier: { system: hprNumberSystem, value: hprNumber },
    name: found?.value?.name?.text ?? nameOnList,
    role: inForce?.category ?? null,
  };
};

type Doctor = ListDoctor & { provenance: GroupHead['provenance'] };

export const resolvers: GraphQLResolverMap<Context> = {
  Query: {
    async identify(_root, { nationalId, id }: { nationalId?: string | null; id?: string | null }, context: Context) {
      const { loaders, environment } = context;
      if ((typeof nationalId === 'string') === (typeof id === 'string'))
        throw badRequest('identify: exactly one of nationalId and id');
      if (typeof nationalId === 'string' && !mayBeAskedAbout(nationalId, environment))
        throw badRequest('nationalId: a national id that this installation deals with');
      if (typeof id === 'string' && !uuid.test(id)) return null;
      const { byNationalId, byId } = loaders.identities;
      const person = given(await (typeof nationalId === 'string' ? byNationalId(nationalId) : byId(id!)));
      return (
        person && {
          id: person.id,
          nationalIds: person.nationalIds,
          givenName: person.facts?.name?.given.join(' ') ?? null,
          familyName: person.facts?.name?.family ?? null,
          birthDate: person.facts?.birthDate ?? null,
          deceased: person.facts?.deceased.isDeceased ?? false,
          addressProtection: person.facts?.addressProtection ?? null,
          municipalityCode: person.facts?.municipality?.code ?? null,
          responsible: person.facts?.responsible ?? [],
          guardians: person.facts?.guardians ?? [],
          status: person.status,
          asOf: person.asOf,
        }
      );
    },
    async practitioner(_root, { hprNumber }: { hprNumber: string }, { loaders }: Context) {
      if (!/^[1-9]\d{0,8}$/.test(hprNumber)) throw badRequest('hprNumber: up to nine digits');
      const { value, retrieved } = given(await loaders.professionals.load(hprNumber));
      return (
        value && {
          provenance: { source: 'HELSEPERSONELLREGISTERET', retrieved },
          identifier: { system: hprNumberSystem, value: value.hprNumber },
          name: value.name,
          authorizations: value.authorizations,
        }
      );
    },
    async organization(_root, { herId }: { herId: number }, { loaders }: Context) {
      if (herId < 1) throw badRequest('herId: a positive number');
      const { value, retrieved } = given(await loaders.parties.load(herId));
      return value && { provenance: { source: 'ADRESSEREGISTERET', retrieved }, ...value };
    },
  },
  Patient: {
    __resolveReference: ({ id }: PatientKey) => ({ id }),
    status: async (patient: PatientKey, _args, context: Context) => (await head(patient, context)).status,
    absence: async (patient: PatientKey, _args, context: Context) => (await head(patient, context)).absence,
    provenance: async (patient: PatientKey, _args, context: Context) => (await head(patient, context)).provenance,
    identifiers: async (patient: PatientKey, _args, context: Context) =>
      (await factsOf(patient, context)).nationalIds.map((value) => ({ system: identifierSystem(value), value })),
    name: async (patient: PatientKey, _args, context: Context) => (await factsOf(patient, context)).facts.name,
    birthDate: async (patient: PatientKey, _args, context: Context) =>
      (await factsOf(patient, context)).facts.birthDate,
    sex: async (patient: PatientKey, _args, context: Context) => (await factsOf(patient, context)).facts.sex,
    deceased: async (patient: PatientKey, _args, context: Context) => (await factsOf(patient, context)).facts.deceased,
    async municipality(patient: PatientKey, _args, context: Context) {
      const person = await factsOf(patient, context);
      return isProtected(person) ? null : person.facts.municipality;
    },
    async addresses(patient: PatientKey, _args, context: Context) {
      if (isProtected(await personOf(patient, context)))
        throw toGraphQLError({ kind: 'restricted', source, requires: null });
      const { register, status, asOf } = await registerOf(patient, context);
      const { residential, postal } = register;
      const count = [residential, postal].filter((it) => it !== null).length;
      const group = answered(context, source, { count, status, retrieved: asOf });
      const withOrigin = (it: Address | null) => it && { ...it, provenance: group.provenance };
      return { ...group, residential: withOrigin(residential), postal: withOrigin(postal) };
    },
    async generalPractitioners({ id }: PatientKey, args: PageArguments, context: Context) {
      const { records, status, retrieved, dropped } = given(await context.loaders.doctors.load(id));
      const page = pageOf(records, args, {
        cursors: context.cursors,
        bound: `${id}/generalPractitioners`,
        keyOf: (it) => `${it.hprNumber}/${it.period?.start}/${it.substituteForHprNumber}`,
      });
      const group = answered(context, 'FASTLEGEREGISTERET', { count: records.length, status, retrieved, dropped });
      const nodes = page.nodes.map((it): Doctor => ({ ...it, provenance: group.provenance }));
      return { ...group, nodes, pageInfo: page.pageInfo };
    },
    async representatives(patient: PatientKey, args: PageArguments, context: Context) {
      const { register, status, asOf } = await registerOf(patient, context);
      const named = await Promise.all(
        register.relations.map(async (it): Promise<Relation> => {
          if (it.name || it.nationalId === null) return it;
          return { ...it, name: given(await context.loaders.names.load(it.nationalId)) };
        }),
      );
      const keys = new Map(named.map((it, i) => [it, String(i)])); // the register's order; nothing that names anybody
      const page = pageOf(named, args, {
        cursors: context.cursors,
        bound: `${patient.id}/representatives`,
        keyOf: (it) => keys.get(it)!,
      });
      const group = answered(context, source, { count: named.length, status, retrieved: asOf });
      const nodes = page.nodes.map(({ nationalId: _never, ...it }) => ({ ...it, provenance: group.provenance }));
      return { ...group, nodes, pageInfo: page.pageInfo };
    },
  },
  GeneralPractitioner: {
    practitioner: ({ hprNumber, name }: Doctor, _args, context: Context) => practitioner(hprNumber, name, context),
    substituteFor: ({ substituteForHprNumber }: Doctor, _args, context: Context) =>
      practitioner(substituteForHprNumber, null, context),
    async authorizations({ hprNumber }: Doctor, _args, context: Context) {
      const found = await professionalOf(hprNumber, context);
      return found && (found.value?.authorizations ?? []);
    },
    organization: async ({ herId }: Doctor, _args, context: Context) =>
      (await partyOf(herId, context))?.value?.organization ?? null,
    async electronicAddresses({ herId }: Doctor, _args, context: Context) {
      const found = await partyOf(herId, context);
      return found && (found.value?.electronicAddresses ?? []);
    },
  },
};
