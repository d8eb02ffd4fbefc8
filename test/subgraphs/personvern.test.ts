import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type PostgresProxy, startPostgresProxy } from '../../sandbox/postgresProxy.ts';
import { type AccessEntry, insertAccessEntries } from '../../schema/accessEntry.ts';
import type { Assertion } from '../../schema/assertion.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import { createDatabase } from '../../subgraphs/_shared/database.ts';
import { recordRestrictions } from '../../subgraphs/personvern/restrictions.ts';
import personvern from '../../subgraphs/personvern/subgraph.ts';
import { accessEntry } from '../support/accessEntry.ts';
import { askSubgraph, assertionFor, citizen, patientOf } from '../support/ask.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';

const fjordarm = '14834841291';
let postgres: TestPostgres;
let proxy: PostgresProxy;
let pool: pg.Pool;
let subgraph: Subgraph;
let env: Record<string, string>;

beforeAll(async () => {
  postgres = await startTestPostgres();
  proxy = await startPostgresProxy({ name: 'personvern', target: postgres.url });
  env = { KILDE_ENVIRONMENT: 'sandbox', KILDE_KEY: Buffer.alloc(32, 3).toString('base64'), DATABASE_URL: proxy.url };
  pool = createDatabase(postgres.url);
  // Gateway and subgraph may start at the same time, and either may be first.
  const [started, replica] = await Promise.all([personvern.create(env), personvern.create(env)]);
  await replica.close();
  subgraph = started;
});
afterAll(async () => {
  if (proxy) proxy.fault.current = {};
  await Promise.all([subgraph?.close(), pool?.end()]);
  await proxy?.close();
  await postgres?.stop();
});
beforeEach(async () => {
  proxy.fault.current = {};
  await expect.poll(subgraph.health).toEqual([{ source: 'PERSONVERN', up: true }]);
});

const entry = (patient: string, change: Partial<AccessEntry> = {}) => accessEntry({ patient, ...change });
const write = (...entries: AccessEntry[]) => pool.query(insertAccessEntries(entries));

const read = (patient: ReturnType<typeof patientOf>, fields: string, variables = {}, change: Partial<Assertion> = {}) =>
  askSubgraph(
    subgraph,
    `query ($it: [_Any!]!, $after: String) { _entities(representations: $it) { ... on Patient { ${fields} } } }`,
    { it: [{ __typename: 'Patient', id: patient.id }], ...variables },
    assertionFor(patient, { caller: citizen(patient.nins[0]), categories: ['accessLog', 'restrictions'], ...change }),
  );
// biome-ignore lint/suspicious/noExplicitAny: an answer of the query just written, read by path
const shownIn = (answer: { data?: Record<string, unknown> | null }): any => (answer.data as any)?._entities?.[0];
const log =
  'accessLog(after: $after) { status absence { code } nodes { id time name role organisation { identifier { value } } unit { identifier { value } } system what refused why outcome emergency } pageInfo { hasNextPage endCursor } }';

it('accessLog shows who looked at what, when and why, in Norwegian', async () => {
  const patient = patientOf(fjordarm);
  const written = entry(patient.id, { categoriesDenied: ['documents'], outcome: 'partial' });
  await write(written, entry(randomUUID()));
  const { accessLog } = shownIn(await read(patient, log));
  expect(accessLog).toMatchObject({ status: 'FRESH', absence: null });
  expect(accessLog.nodes).toEqual([
    {
      id: written.id,
      time: '2026-03-05T07:00:02.000Z',
      name: 'Stille Elg',
      role: 'Lege',
      organisation: { identifier: { value: '310000019' } },
      unit: { identifier: { value: '310003018' } },
      system: 'Test EPJ',
      what: ['Legemidler'],
      refused: ['Journaldokumenter'],
      why: 'Behandling',
      outcome: 'PARTIAL',
      emergency: false,
    },
  ]);
});

it('accessLog includes refused and emergency look-ups, and never a national id, key or the professional’s own words', async () => {
  const patient = patientOf(fjordarm);
  await write(
    entry(patient.id, { outcome: 'refused', categoriesDenied: ['medication'], callerName: `Ukjent ${fjordarm}` }),
    entry(patient.id, { purpose: 'BTG', reason: 'bevisstløs', override: true, accessBasis: 'FORHOYET_AKUTT' }),
    entry(patient.id, { callerKind: 'citizen', role: 'citizen', purpose: null, organisation: null, unit: null }),
    entry(patient.id, { callerKind: 'system', role: 'system', callerKey: null, purpose: null, outcome: 'failed' }),
  );
  const { nodes } = shownIn(await read(patient, log)).accessLog;
  expect(nodes.map(({ outcome, emergency, what }: Record<string, unknown>) => [outcome, emergency, what])).toEqual([
    ['FAILED', false, []],
    ['GRANTED', false, ['Legemidler']],
    ['GRANTED', true, ['Legemidler']],
    ['REFUSED', false, []],
  ]);
  expect(nodes[2].why).toMatch(/Nødtilgang.*sperrede opplysninger ble åpnet fordi det var akutt/);
  expect(nodes[1]).toMatchObject({ role: 'Innbygger', organisation: null, why: expect.stringContaining('Innsyn') });
  expect(JSON.stringify(nodes)).not.toMatch(new RegExp(`${fjordarm}|bevisstløs|abab`));
});

it('accessLog says that restricted data were asked for where none were opened', async () => {
  const patient = patientOf(fjordarm);
  await write(
    entry(patient.id, { accessBasis: 'FORHOYET_SAMTYKKE', reason: 'samtykke gitt muntlig' }),
    entry(patient.id, { accessBasis: 'FORHOYET_SAMTYKKE', reason: 'samtykke gitt muntlig', override: true }),
  );
  const { nodes } = shownIn(await read(patient, log)).accessLog;
  expect(nodes.map(({ why }: { why: string }) => why)).toEqual([
    'Behandling; sperrede opplysninger ble åpnet med ditt samtykke',
    'Behandling; ba om å åpne sperrede opplysninger med ditt samtykke, men ingen ble åpnet',
  ]);
});

it('accessLog pages newest first without gap, and its cursor fits this patient only', async () => {
  const patient = patientOf(fjordarm);
  const written = Array.from({ length: 45 }, () => entry(patient.id));
  await write(...written.slice(0, 20));
  await write(...written.slice(20));
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } = shownIn(
      await read(patient, log, { after }),
    ).accessLog;
    seen.push(...page.nodes.map(({ id }) => id));
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    if (after) {
      const other = await read(patientOf('02915631153'), log, { after });
      expect(other.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
    }
  } while (after);
  expect(seen).toEqual(written.map(({ id }) => id).reverse());
});

it('an empty log is «none registered», and a log or settings that may not be read are denied', async () => {
  const patient = patientOf(fjordarm);
  const empty = shownIn(await read(patient, `${log} restrictions { absence { code } nodes { id } }`));
  expect(empty.accessLog).toMatchObject({ absence: { code: 'NONE_REGISTERED' }, nodes: [] });
  const denied = await read(patient, `${log} restrictions { nodes { id } }`, {}, { categories: ['medication'] });
  expect(shownIn(denied)).toEqual({ accessLog: null, restrictions: null });
});

it('sequence numbers are gapless, also when writers collide and fail', async () => {
  const patient = patientOf(fjordarm);
  const kept = entry(patient.id);
  await write(kept);
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, (_, i) => write(entry(patient.id), i % 5 === 0 ? kept : entry(patient.id))),
  );
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(8);
  const { rows } = await pool.query('select count(*)::int as count, max(sequence)::int as last from personvern.access');
  expect(rows[0].count).toBe(rows[0].last);
});

it('the log cannot be changed, deleted or truncated', async () => {
  for (const statement of [
    "update personvern.access set outcome = 'granted'",
    'delete from personvern.access',
    'truncate personvern.access',
  ])
    await expect(pool.query(statement)).rejects.toMatchObject({ code: '23001' });
});

it('restrictions are shown under every number the person has had, and to nobody else', async () => {
  const [present, former] = ['17878313380', '51829135594'] as const;
  const setting = { nationalId: former, scope: null, since: '2026-01-01', until: null };
  const settings = [
    { ...setting, id: randomUUID(), source: 'KJERNEJOURNAL', type: 'reservation' as const },
    { ...setting, id: randomUUID(), source: '*', type: 'block' as const, scope: '9990007', until: '2026-02-01' },
  ];
  const stored = await recordRestrictions(postgres.url, env, settings, AbortSignal.timeout(5_000));
  expect(stored).toEqual({ ok: true, value: 2 });
  const fields = 'restrictions { absence { code } nodes { type source scope since until active } }';
  const patient = { ...patientOf(present), nins: [present, former] as [string, string] };
  const { nodes } = shownIn(await read(patient, fields)).restrictions;
  expect(nodes).toHaveLength(2);
  expect(nodes).toContainEqual({
    type: 'RESERVATION',
    source: 'KJERNEJOURNAL',
    scope: null,
    since: '2026-01-01',
    until: null,
    active: true,
  });
  expect(nodes).toContainEqual({
    type: 'BLOCK',
    source: '*',
    scope: '9990007',
    since: '2026-01-01',
    until: '2026-02-01',
    active: false,
  });
  expect(shownIn(await read(patientOf(present), fields)).restrictions).toEqual({
    absence: { code: 'NONE_REGISTERED' },
    nodes: [],
  });
  const { rows } = await pool.query(
    "select encode(person, 'hex') as person, r::text as row from personvern.restriction r",
  );
  expect(JSON.stringify(rows)).not.toContain(former);
});

it('a database that is down or hangs is unavailable within the deadline, never an empty log', async () => {
  const patient = patientOf(fjordarm);
  for (const fault of [{ down: true }, { hang: true }]) {
    proxy.fault.current = fault;
    const started = performance.now();
    const answer = await read(patient, `${log} restrictions { nodes { id } }`, {}, { deadline: Date.now() + 300 });
    expect(performance.now() - started).toBeLessThan(900);
    expect(shownIn(answer)).toEqual({ accessLog: null, restrictions: null });
    for (const { extensions } of answer.errors!)
      expect(extensions).toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        absence: 'SOURCE_UNAVAILABLE',
        source: 'PERSONVERN',
      });
    expect(answer.sources).toEqual([]);
  }
});
