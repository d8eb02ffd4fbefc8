import { randomBytes } from 'node:crypto';
import { registerCredentials } from '../../sandbox/_shared/soap.ts';
import type { Population, SyntheticPerson } from '../../sandbox/population/model.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { startAdresseregisteret } from '../../sandbox/sources/adresseregisteret.ts';
import { startFastlegeregisteret } from '../../sandbox/sources/fastlegeregisteret.ts';
import { startHelsepersonellregisteret } from '../../sandbox/sources/helsepersonellregisteret.ts';
import { startPersontjenesten } from '../../sandbox/sources/persontjenesten.ts';
import type { Assertion } from '../../schema/assertion.ts';
import type { Subgraph, SubgraphAnswer } from '../../schema/subgraph.ts';
import { createGrunndata, type GrunndataParts } from '../../subgraphs/grunndata/subgraph.ts';
import { askSubgraph, assertionFor } from '../support/ask.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { createTestTokens } from '../support/tokens.ts';

/** A population in which people may change between two questions: new numbers, mergers, splits. */
export const createChangingPopulation = (base: Population = createPopulation()) => {
  let people = [...base.people];
  const practitioners = base.practitioners.map((it) => ({ ...it }));
  const population: Population = {
    ...base,
    get people() {
      return people;
    },
    practitioners,
    byNationalId: (id) => people.find((it) => it.nationalId === id || it.formerNationalIds.includes(id)),
    byKey: (key) => people.find((it) => it.key === key),
    byRegisterId: (id) => people.find((it) => it.registerId === id),
    somebodyElse: (person) => people.find((it) => it.key === base.somebodyElse(person).key)!,
  };
  return {
    population,
    practitioners,
    person: (key: string): SyntheticPerson => population.byKey(key)!,
    change(key: string, change: Partial<SyntheticPerson>) {
      people = people.map((it) => (it.key === key ? { ...it, ...change } : it));
    },
    add(person: SyntheticPerson) {
      people = [...people, person];
    },
    remove(key: string) {
      people = people.filter((it) => it.key !== key);
    },
  };
};

/** For tests in which a register hangs, so that nobody waits for the usual two seconds. */
export const impatient = { timeoutMs: 300 };

/** All four registers, a real PostgreSQL and as many subgraphs on them as a test opens. */
export const startRig = async () => {
  const world = createChangingPopulation();
  const { population } = world;
  const [postgres, { tokens, checkAccess, close }] = await Promise.all([startTestPostgres(), createTestTokens()]);
  const [persontjenesten, fastlegeregisteret, helsepersonellregisteret, adresseregisteret] = await Promise.all([
    startPersontjenesten({ population, checkAccess }),
    startFastlegeregisteret({ population }),
    startHelsepersonellregisteret({ population }),
    startAdresseregisteret({ population }),
  ]);
  const simulators = { persontjenesten, fastlegeregisteret, helsepersonellregisteret, adresseregisteret };
  const { username, password } = registerCredentials;
  const env = {
    KILDE_ENVIRONMENT: 'sandbox',
    KILDE_KEY: randomBytes(32).toString('base64'),
    PERSONTJENESTEN_URL: persontjenesten.url,
    FLR_URL: fastlegeregisteret.url,
    FLR_USERNAME: username,
    FLR_PASSWORD: password,
    HPR_URL: helsepersonellregisteret.url,
    HPR_USERNAME: username,
    HPR_PASSWORD: password,
    AR_URL: adresseregisteret.url,
    AR_USERNAME: username,
    AR_PASSWORD: password,
    DATABASE_URL: postgres.url,
  };
  const opened: Subgraph[] = [];
  return {
    ...world,
    simulators,
    postgres,
    env,
    /** A subgraph with a cache and breakers of its own, as another replica or after a restart. */
    async open(change: Partial<typeof env> = {}, parts: Partial<GrunndataParts> = {}): Promise<Subgraph> {
      const subgraph = await createGrunndata({ ...env, ...change }, { tokens, ...parts });
      opened.push(subgraph);
      return subgraph;
    },
    heal() {
      for (const simulator of Object.values(simulators)) {
        simulator.fault.current = {};
        simulator.calls.length = 0;
      }
    },
    async close() {
      await Promise.all(opened.map((it) => it.close()));
      await Promise.all(Object.values(simulators).map((it) => it.close()));
      await Promise.all([close(), postgres.stop()]);
    },
  };
};
export type Rig = Awaited<ReturnType<typeof startRig>>;

export type Identity = {
  id: string;
  nationalIds: string[];
  givenName: string | null;
  familyName: string | null;
  birthDate: string | null;
  deceased: boolean;
  addressProtection: string | null;
  municipalityCode: string | null;
  responsible: string[];
  guardians: string[];
  status: string;
  asOf: string | null;
};

const identityQuery = `query ($nationalId: String, $id: ID) {
  identify(nationalId: $nationalId, id: $id) {
    id nationalIds givenName familyName birthDate deceased addressProtection municipalityCode responsible guardians status asOf
  }
}`;

/** Asks as the gateway does before it plans: an assertion without patients. */
export const identify = async (
  subgraph: Subgraph,
  variables: { nationalId?: string; id?: string },
  change: Partial<Assertion> = {},
): Promise<{ identity: Identity | null; answer: SubgraphAnswer }> => {
  const answer = await askSubgraph(subgraph, identityQuery, variables, assertionFor(null, change));
  return { identity: (answer.data?.['identify'] ?? null) as Identity | null, answer };
};

const categories = ['person', 'address', 'representatives'];

/** Asks for fields of a patient as the gateway does after it has identified them. */
export const askPatient = async (
  subgraph: Subgraph,
  { id, nationalIds }: Pick<Identity, 'id' | 'nationalIds'>,
  fields: string,
  change: Partial<Assertion> = {},
) => {
  const patient = { id, nins: nationalIds as [string, ...string[]], name: null, birthDate: null };
  const answer = await askSubgraph(
    subgraph,
    `query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Patient { ${fields} } } }`,
    { representations: [{ __typename: 'Patient', id }] },
    assertionFor(patient, { categories, ...change }),
  );
  const entities = answer.data?.['_entities'] as [Record<string, never> | null] | undefined;
  return { patient: entities?.[0] ?? null, answer };
};
