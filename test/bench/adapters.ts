import { randomUUID } from 'node:crypto';
import type { AssertedPatient, Assertion } from '../../schema/assertion.ts';
import { noCache } from '../../subgraphs/_shared/cache/cache.ts';
import { type DatabaseSource, openDatabaseSource } from '../../subgraphs/_shared/databaseSource.ts';
import { readCommon } from '../../subgraphs/_shared/environment.ts';
import { given, type RequestContext } from '../../subgraphs/_shared/group.ts';
import { createHttpSource } from '../../subgraphs/_shared/httpSource.ts';
import type { Source } from '../../subgraphs/_shared/source.ts';
import { createTokens } from '../../subgraphs/_shared/tokens.ts';
import { createLoaders as ofEresept } from '../../subgraphs/eresept/loaders.ts';
import { type SoapRegister, splitEndpoint } from '../../subgraphs/grunndata/adapter/soap.ts';
import { createLoaders as ofGrunndata, type Registers } from '../../subgraphs/grunndata/loaders.ts';
import { createPersonDirectory } from '../../subgraphs/grunndata/personDirectory.ts';
import { createPersonIndex, migrations as indexSteps } from '../../subgraphs/grunndata/personIndex.ts';
import { createLoaders as ofHendelseslager, type Stores } from '../../subgraphs/hendelseslager/loaders.ts';
import { createMunicipalities } from '../../subgraphs/hendelseslager/municipalities.ts';
import { migrations as eventSteps } from '../../subgraphs/hendelseslager/store/migrations.ts';
import { createPersonKeys } from '../../subgraphs/hendelseslager/store/personKey.ts';
import { createLoaders as ofKjernejournal, type Sources } from '../../subgraphs/kjernejournal/loaders.ts';
import { createLoaders as ofProvesvar } from '../../subgraphs/provesvar/loaders.ts';
import { callerOf } from './callers.ts';
import { answerParent } from './processes.ts';
import { createProfiler } from './profile.ts';
import { serveAnswers } from './serveAnswers.ts';
import { usage } from './usage.ts';

/**
 * What the subgraphs' adapters cost by themselves: the same clients, checks and mappings, asked for all that an emergency
 * summary needs through the subgraphs' own loaders. No query is read, nothing is planned, merged, selected or sent. What
 * Kilde costs beyond this is the engine; what this costs beyond the program written by hand is that sources are not believed.
 */
const env = (name: string): string => process.env[name] ?? '';
const { environment, key, sourceSystem } = readCommon(process.env);
const tokens = await createTokens(process.env);
const sources: Source[] = [];
const sourceAt = (name: Source['name'], baseUrl: string, timeoutMs = 2_000): Source => {
  const source = createHttpSource({ name, baseUrl, tokens, timeoutMs });
  sources.push(source);
  return source;
};
const registerAt = (name: Source['name'], variable: string): SoapRegister => {
  const endpoint = env(`${variable}_URL`);
  const { baseUrl, path } = splitEndpoint(endpoint);
  const [username, password] = [env(`${variable}_USERNAME`), env(`${variable}_PASSWORD`)];
  return { source: sourceAt(name, baseUrl), endpoint, path, authentication: { as: 'basic', username, password } };
};
const databases: DatabaseSource[] = [];
const databaseAt = async (options: Parameters<typeof openDatabaseSource>[0]): Promise<DatabaseSource> => {
  const database = await openDatabaseSource(options);
  databases.push(database);
  return database;
};

const persontjenesten = sourceAt('PERSONTJENESTEN', env('PERSONTJENESTEN_URL'));
const index = createPersonIndex(
  await databaseAt({ name: 'KILDE', url: env('DATABASE_URL'), schema: 'grunndata', steps: indexSteps }),
  { hmacKey: key('person-index-hmac'), sealKey: key('person-index') },
);
const registers: Registers = {
  cache: noCache,
  persontjenesten,
  directory: createPersonDirectory(persontjenesten, index),
  fastlegeregisteret: registerAt('FASTLEGEREGISTERET', 'FLR'),
  helsepersonellregisteret: registerAt('HELSEPERSONELLREGISTERET', 'HPR'),
  adresseregisteret: registerAt('ADRESSEREGISTERET', 'AR'),
};
const kjernejournal: Sources = {
  cache: noCache,
  environment,
  kritiskInformasjon: sourceAt('KJERNEJOURNAL', env('KRITISK_INFORMASJON_URL')),
  journaldokumenter: sourceAt('JOURNALDOKUMENTER', env('PJD_URL')),
  settings: { headers: 'nhn', sourceSystem },
};
const eresept = { source: sourceAt('ERESEPT', env('SFM_URL'), 5_000), cache: noCache };
const provesvar = { source: sourceAt('PROVESVAR', env('PPS_URL'), 6_000), cache: noCache, environment };
const agreements = env('HENDELSESLAGER_AGREEMENTS').split(',').filter(Boolean);
const stores: Stores = {
  database: await databaseAt({
    name: 'HENDELSESLAGER',
    url: env('HENDELSESLAGER_DATABASE_URL'),
    schema: 'hendelseslager',
    steps: eventSteps,
  }),
  keys: createPersonKeys(key('event-person')),
  municipalities: createMunicipalities(
    env('HENDELSESLAGER_MUNICIPALITIES').split(','),
    agreements.map((it) => ({ reader: it.slice(0, 9), municipality: it.slice(10) })),
  ),
};

const contextFor = (token: string, patients: readonly AssertedPatient[]): RequestContext => {
  const assertion: Assertion = {
    traceId: randomUUID(),
    eventId: randomUUID(),
    caller: callerOf(token),
    patients,
    categories: [],
    purpose: 'ETREAT',
    accessBasis: 'AKUTT',
    deadline: Date.now() + 10_000,
  };
  return { assertion, subjectToken: token, signal: new AbortController().signal, report() {} };
};

const collect = async (nationalId: string, token: string): Promise<void> => {
  const known = given(await ofGrunndata(registers, contextFor(token, [])).identities.byNationalId(nationalId));
  const [nin, ...others] = known?.nationalIds ?? [];
  if (!known || nin === undefined) throw new Error('nobody by that number');
  const { id, facts } = known;
  const family = facts?.name?.family;
  const name = family ? { given: facts.name?.given.join(' ') ?? '', family } : null;
  const patient: AssertedPatient = { id, nins: [nin, ...others], name, birthDate: facts?.birthDate ?? null };
  const context = contextFor(token, [patient]);
  const { persons, doctors, professionals, parties } = ofGrunndata(registers, context);
  const { criticalInformation, documentPage } = ofKjernejournal(kjernejournal, context);
  const { services, panels } = ofHendelseslager(stores, context);
  const collectDoctors = async () => {
    const { records } = given(await doctors.load(id));
    await Promise.all(
      records.flatMap(({ hprNumber, herId }) => [
        hprNumber !== null && professionals.load(hprNumber),
        herId !== null && parties.load(herId),
      ]),
    );
  };
  await Promise.all([
    persons.load(id),
    criticalInformation.load(id),
    documentPage.load({ id, page: 1 }),
    ofEresept(eresept, context).medication.load(id),
    ofProvesvar(provesvar, context).reports.load({
      patient,
      filter: { from: null, to: null, codes: null },
    }),
    services.load({ patientId: id, statuses: null }).then(given),
    panels.load({ patientId: id, after: null, first: 5, from: null }).then(given),
    collectDoctors(),
  ]);
};

const server = await serveAnswers(async (body, token) => {
  const { variables } = JSON.parse(body) as { variables: { patient: string } };
  await collect(variables.patient, token);
  return '{"data":null}';
});

answerParent({ url: () => server.url, usage, ...createProfiler() }, async () => {
  server.close();
  await Promise.all([tokens, ...sources, ...databases].map((it) => it.close()));
});
