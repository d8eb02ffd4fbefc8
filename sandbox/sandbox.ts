import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import { createAccessCheck } from './_shared/access.ts';
import type { FaultSwitch } from './_shared/faults.ts';
import type { Listen } from './_shared/listen.ts';
import type { Simulator } from './_shared/simulator.ts';
import { type Issuer, startIssuer } from './issuer/issuer.ts';
import type { Population } from './population/model.ts';
import { createPopulation } from './population/population.ts';
import { startPostgresProxy } from './postgresProxy.ts';
import { startAdresseregisteret } from './sources/adresseregisteret.ts';
import { startEresept } from './sources/eresept.ts';
import { startFastlegeregisteret } from './sources/fastlegeregisteret.ts';
import { startHelsepersonellregisteret } from './sources/helsepersonellregisteret.ts';
import { startJournaldokumenter } from './sources/journaldokumenter.ts';
import { startKjernejournal } from './sources/kjernejournal.ts';
import { startPersontjenesten } from './sources/persontjenesten.ts';
import { startProvesvar } from './sources/provesvar.ts';

export type Sandbox = {
  population: Population;
  issuer: Issuer;
  /** National services by name. */
  simulators: ReadonlyMap<string, Simulator>;
  /** Everything that `PUT /sandbox/sources/{name}` can break: the simulators, and the way to the event store. */
  switches: readonly { name: string; fault: FaultSwitch }[];
  /** Variables that point a gateway and its subgraphs here. */
  env: Record<string, string>;
  close(): Promise<void>;
};

/** The sandbox's municipality, and the GP's office that may read its events. */
const municipality = '310000019';
const gpOffice = '310005010';

const starters = [
  startPersontjenesten,
  startFastlegeregisteret,
  startHelsepersonellregisteret,
  startAdresseregisteret,
  startKjernejournal,
  startJournaldokumenter,
  startProvesvar,
  startEresept,
];

export type SandboxOptions = {
  /** People beyond those with a story. */
  generated?: number;
  /** The installation's key (`KILDE_KEY`). */
  key?: Buffer;
  /** Private key of Kilde's client at the issuer. A new one unless given. */
  clientKey?: JWK;
  /** Ports in a row from this address on: the issuer, the services, the way to the event store. Else free ones on loopback. */
  from?: Listen;
};

/**
 * All national services, the issuer and a population, each over HTTP on a port of its own.
 *
 * @param databaseUrl PostgreSQL; the event store reaches it through a proxy that faults can be put on
 */
export const startSandbox = async (
  databaseUrl: string,
  { generated = 0, key = randomBytes(32), clientKey, from }: SandboxOptions = {},
): Promise<Sandbox> => {
  const at = (place: number): Listen | undefined => from && { ...from, port: from.port + place };
  const population = createPopulation({ generated });
  const issuer = await startIssuer({ population, clientKey, listen: at(0) });
  const checkAccess = createAccessCheck({ issuer: issuer.url, jwksUri: issuer.jwksUri });
  const started = await Promise.all(
    starters.map((start, index) => start({ population, checkAccess, listen: at(index + 1) })),
  );
  const simulators = new Map(started.map((simulator) => [simulator.name, simulator]));
  const url = (name: string) => simulators.get(name)!.url;
  const eventStore = await startPostgresProxy({
    name: 'hendelseslager',
    target: databaseUrl,
    listen: at(starters.length + 1),
  });
  const registers = { username: 'kilde', password: 'sandbox' };
  return {
    population,
    issuer,
    simulators,
    switches: [...started, eventStore],
    env: {
      KILDE_ENVIRONMENT: 'sandbox',
      KILDE_KEY: key.toString('base64'),
      HELSEID_ISSUER: issuer.url,
      HELSEID_CLIENT_ID: issuer.client.id,
      HELSEID_CLIENT_KEY: JSON.stringify(issuer.client.key),
      DATABASE_URL: databaseUrl,
      HENDELSESLAGER_DATABASE_URL: eventStore.url,
      HENDELSESLAGER_MUNICIPALITIES: municipality,
      HENDELSESLAGER_AGREEMENTS: `${gpOffice}:${municipality}`,
      PERSONTJENESTEN_URL: url('persontjenesten'),
      FLR_URL: url('fastlegeregisteret'),
      FLR_USERNAME: registers.username,
      FLR_PASSWORD: registers.password,
      HPR_URL: url('helsepersonellregisteret'),
      HPR_USERNAME: registers.username,
      HPR_PASSWORD: registers.password,
      AR_URL: url('adresseregisteret'),
      AR_USERNAME: registers.username,
      AR_PASSWORD: registers.password,
      KRITISK_INFORMASJON_URL: url('kjernejournal'),
      PJD_URL: url('journaldokumenter'),
      PPS_URL: url('provesvar'),
      SFM_URL: url('eresept'),
    },
    async close() {
      await Promise.all([...started, eventStore].map((it) => it.close()));
      await issuer.close();
    },
  };
};
