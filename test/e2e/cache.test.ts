import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../gateway/config.ts';
import { parseExample } from '../../gateway/explorer/exampleOperation.ts';
import { type Running, startGateway } from '../../gateway/main.ts';
import { kildeAudience } from '../../sandbox/issuer/resources.ts';
import { claimsFor } from '../../sandbox/personas.ts';
import { recordRestrictions } from '../../subgraphs/personvern/restrictions.ts';
import { type GraphQLAnswer, type Kilde, startKilde } from '../support/kilde.ts';
import { listOf, makeGatewayKeys, type SubgraphServers, serveSubgraphs } from '../support/overHttp.ts';
import { startTestRedis, type TestRedis, until } from '../support/redis.ts';

const patient = '14834841291';
const { query } = parseExample(
  'emergency-summary',
  readFileSync(new URL('../../examples/operations/emergency-summary.graphql', import.meta.url), 'utf8'),
);
/** Sources whose answers are kept, and the groups that they feed. */
const national = {
  KJERNEJOURNAL: 'criticalInformation',
  JOURNALDOKUMENTER: 'documents',
  PROVESVAR: 'labReports',
  ERESEPT: 'medication',
  FASTLEGEREGISTERET: 'generalPractitioners',
} as const;
type Source = keyof typeof national;

const reportOf = (answer: GraphQLAnswer, source: Source) =>
  answer.extensions!.kilde.sources.find((report) => report.source === source)!;
const statusesOf = (answer: GraphQLAnswer) =>
  Object.fromEntries(Object.keys(national).map((source) => [source, reportOf(answer, source as Source).status]));
const all = (status: string) => Object.fromEntries(Object.keys(national).map((source) => [source, status]));
const groupsOf = ({ data }: GraphQLAnswer) => {
  const found = data!['patient'] as Record<string, { status: string }>;
  return Object.values(national).map((name) => found[name]!);
};
/** An answer is the same whether it was kept or not, but for what it says of that; cursors are sealed anew each time. */
const contentOf = (answer: GraphQLAnswer): unknown =>
  JSON.parse(
    JSON.stringify(groupsOf(answer), (key, value) => (key === 'status' || key === 'endCursor' ? undefined : value)),
  );

describe('answers of national sources', () => {
  let redis: TestRedis;
  let kilde: Kilde;
  let servers: SubgraphServers;
  let overHttp: Running;
  let token: string;

  const askAt = async (url: string): Promise<GraphQLAnswer> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables: { patient } }),
    });
    return { status: response.status, ...((await response.json()) as Omit<GraphQLAnswer, 'status'>) };
  };
  const set = (source: string, fault: object) =>
    fetch(`${kilde.url}/sandbox/sources/${source}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
  const heal = () => fetch(`${kilde.url}/sandbox/sources`, { method: 'DELETE' });

  // One gateway with its subgraphs in process, and one with each as a server: two processes' worth of caches, one Redis.
  beforeAll(async () => {
    redis = await startTestRedis();
    const cached = { REDIS_URL: redis.url, CACHE_SECONDS: '60,ERESEPT=10,PROVESVAR=10', CACHE_REDIS_MS: '1000' };
    kilde = await startKilde(cached);
    const { privateJwk, publicJwk } = await makeGatewayKeys();
    const env = { ...kilde.sandbox.env, ...cached, CACHE_MEGABYTES: '65', LOG_LEVEL: 'silent' };
    servers = await serveSubgraphs(env, publicJwk);
    const gatewayEnv = {
      ...env,
      PORT: '0',
      HOST: '127.0.0.1',
      SUBGRAPHS: listOf(servers.urls),
      GATEWAY_SIGNING_KEY: JSON.stringify(privateJwk),
    };
    overHttp = await startGateway(loadConfig(gatewayEnv), gatewayEnv);
    token = await kilde.token({ persona: 'legevakt-doctor', patient });
  });
  afterAll(async () => {
    await overHttp?.stop();
    await servers?.close();
    await kilde?.stop();
    await redis?.stop();
  });

  /** What everybody keeps of the patient is dropped, and one gateway has asked again. */
  const askAnew = async (): Promise<GraphQLAnswer> => {
    const system = await kilde.sandbox.issuer.sign(claimsFor('system-ingest', {}, kilde.sandbox.population)!, {
      audience: kildeAudience,
    });
    const id = crypto.randomUUID();
    const sent = await fetch(`${kilde.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json', authorization: `Bearer ${system}` },
      body: JSON.stringify({
        specversion: '1.0',
        id,
        source: 'urn:test',
        type: 'no.test.hendelse',
        time: new Date().toISOString(),
        datacontenttype: 'application/fhir+json',
        data: {
          resourceType: 'Observation',
          status: 'final',
          code: { text: 'Test' },
          subject: { identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.1', value: patient } },
        },
      }),
    });
    expect([sent.status, await sent.text()]).toEqual([202, expect.any(String)]);
    return askAt(kilde.url);
  };

  it('are given again, the same to the last member and with their time, by the gateway that asked and by the other', async () => {
    const first = await askAnew();
    const again = await askAt(kilde.url);
    const other = await askAt(overHttp.url);
    expect(statusesOf(first)).toEqual(all('FRESH'));
    expect(statusesOf(again)).toEqual(all('CACHED'));
    expect(statusesOf(other)).toEqual(all('CACHED'));
    expect(contentOf(again)).toEqual(contentOf(first));
    expect(contentOf(other)).toEqual(contentOf(first));
    for (const source of Object.keys(national) as Source[])
      expect(reportOf(other, source).asOf).toBe(reportOf(first, source).asOf);
    expect(groupsOf(again).map(({ status }) => status)).toEqual(groupsOf(first).map(() => 'CACHED'));
  });

  it('are dropped everywhere when the municipality records something about the patient', async () => {
    await askAnew();
    expect(statusesOf(await askAt(overHttp.url))).toEqual(all('CACHED')); // and in the memory of its subgraphs now
    const after = await askAnew();
    expect(statusesOf(after)).toEqual(all('FRESH'));
    const seen = await askAt(overHttp.url);
    for (const source of Object.keys(national) as Source[])
      expect(reportOf(seen, source).asOf! >= reportOf(after, source).asOf!).toBe(true);
  });

  it('are dropped when the patient restricts something', async () => {
    await askAnew();
    const setting = {
      id: crypto.randomUUID(),
      nationalId: patient,
      source: 'PROVESVAR',
      type: 'delay' as const,
      scope: null,
      since: null,
      until: null,
    };
    const env = { ...kilde.sandbox.env, REDIS_URL: redis.url, CACHE_SECONDS: '60' };
    const signal = AbortSignal.timeout(5_000);
    expect(await recordRestrictions(kilde.postgres.url, env, [setting], signal)).toEqual({ ok: true, value: 1 });
    await until(async () => reportOf(await askAt(kilde.url), 'PROVESVAR').status === 'FRESH');
  });

  it('stand in for a source that is down, and say so, but not for one that has said no', async () => {
    const before = await askAnew();
    await set('eresept', { down: true });
    await set('provesvar', { status: 403 });
    try {
      await until(async () => {
        const seen = await askAt(kilde.url);
        return (['ERESEPT', 'PROVESVAR'] as const).every((source) => reportOf(seen, source).status !== 'CACHED');
      });
      const stale = await askAt(kilde.url);
      const { asOf, count } = reportOf(before, 'ERESEPT');
      expect(reportOf(stale, 'ERESEPT')).toMatchObject({ status: 'STALE', absence: 'STALE', asOf, count });
      expect(stale.data!['patient']).toMatchObject({
        medication: {
          status: 'STALE',
          absence: { code: 'STALE', retryable: true, text: expect.stringContaining('nyere') },
        },
        labReports: { absence: { code: 'NO_ACCESS' } },
      });
      expect(stale.errors?.map(({ path }) => path)).toEqual([['patient', 'labReports']]);
      expect(reportOf(await askAt(overHttp.url), 'ERESEPT').status).toBe('STALE');

      await set('provesvar', { down: true });
      expect(reportOf(await askAt(kilde.url), 'PROVESVAR').status).toBe('UNAVAILABLE');
      expect(reportOf(await askAt(overHttp.url), 'PROVESVAR').status).toBe('UNAVAILABLE');
    } finally {
      await heal();
    }
  }, 60_000);

  it('lie in Redis, and nobody can read there whom they are about', async () => {
    await askAnew();
    const keys = await redis.client.keys('*');
    expect(keys.length).toBeGreaterThan(10);
    const values = await Promise.all(keys.map((key) => redis.client.getBuffer(key)));
    const text = [...keys, ...values.map((value) => value?.toString('latin1'))].join('\n');
    const { id } = (await askAt(kilde.url)).data!['patient'] as { id: string };
    for (const secret of [patient, id, '08707925079', 'FJORDARM', 'resourceType', 'retrieved'])
      expect(text).not.toContain(secret);
  });
});

it('in the sandbox, as it is, nothing is kept: whoever breaks a source sees it broken at once', async () => {
  const kilde = await startKilde();
  try {
    const token = await kilde.token({ persona: 'legevakt-doctor', patient });
    expect(statusesOf(await kilde.ask(token, query, { patient }))).toEqual(all('FRESH'));
    await fetch(`${kilde.url}/sandbox/sources/eresept`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ down: true }),
    });
    const broken = await kilde.ask(token, query, { patient });
    expect(reportOf(broken, 'ERESEPT')).toMatchObject({ status: 'UNAVAILABLE', absence: 'SOURCE_UNAVAILABLE' });
    expect(statusesOf(broken)).toEqual({ ...all('FRESH'), ERESEPT: 'UNAVAILABLE' });
  } finally {
    await kilde.stop();
  }
}, 60_000);
