import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sealedRows } from '../../gateway/audit/rows.ts';
import { verifyLog } from '../../gateway/audit/verify.ts';
import { loadConfig } from '../../gateway/config.ts';
import { type Running, startGateway } from '../../gateway/main.ts';
import { kildeAudience } from '../../sandbox/issuer/resources.ts';
import { claimsFor } from '../../sandbox/personas.ts';
import { type PostgresProxy, startPostgresProxy } from '../../sandbox/postgresProxy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';

const patient = '14834841291';
const query = `query Look($patient: PatientIdentifier!) {
  patient(identifier: $patient) { name { text } criticalInformation { absence { code } treatmentLimitations { limitation { text } } } }
}`;
const body = JSON.stringify({ query, variables: { patient } });
/** In every granted answer, and in nothing else. */
const released = 'FJORDARM';

let postgres: TestPostgres;
let sandbox: Sandbox;
let proxy: PostgresProxy;
let database: pg.Pool;
let gateway: Running;
let env: Record<string, string>;

let token: string;

const ask = async (url: string, signal?: AbortSignal) => {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
    ...(signal ? { signal } : {}),
  });
  return { status: answer.status, text: await answer.text() };
};
const entries = async () =>
  Number((await database.query<{ count: string }>('select count(*) from personvern.access')).rows[0]!.count);

beforeAll(async () => {
  postgres = await startTestPostgres();
  sandbox = await startSandbox(postgres.url);
  proxy = await startPostgresProxy({ name: 'access log', target: postgres.url });
  database = new pg.Pool({ connectionString: postgres.url });
  database.on('error', () => {});
  env = { PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', REQUEST_TIMEOUT_MS: '4000', ...sandbox.env };
  // The access log alone is reached by way of the proxy; whatever else is in PostgreSQL stays well.
  gateway = await startGateway(loadConfig({ ...env, DATABASE_URL: proxy.url }), env);
  const claims = claimsFor('legevakt-doctor', { patient, purpose: undefined }, sandbox.population);
  token = await sandbox.issuer.sign(claims!, { audience: kildeAudience });
});
afterAll(async () => {
  if (proxy) proxy.fault.current = {};
  await gateway?.stop();
  await database?.end();
  await proxy?.close();
  await sandbox?.close();
  await postgres?.stop();
});

describe('L02: with the access log', () => {
  afterEach(async () => {
    proxy.fault.current = {};
    await expect.poll(async () => (await ask(gateway.url)).status, { timeout: 10_000 }).toBe(200); // heals by itself
  });

  const refused = async () => {
    const before = await entries();
    const { status, text } = await ask(gateway.url);
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'AUDIT_UNAVAILABLE' } }] });
    expect(text).not.toContain(released);
    return before;
  };

  it('there, the answer is given and has its entry', async () => {
    const before = await entries();
    const { status, text } = await ask(gateway.url);
    expect([status, text]).toEqual([200, expect.stringContaining(released)]);
    expect(await entries()).toBe(before + 1);
  });

  it.each([
    ['down', { down: true }],
    ['behind a cut network or frozen', { hang: true }],
    ['slower than the request may take', { latencyMs: 6_000 }],
  ])('%s, nothing is released', async (_title, fault) => {
    proxy.fault.current = fault;
    await refused();
  });

  it('read-only, nothing is released', async () => {
    await database.query("alter database kilde set default_transaction_read_only = 'on'");
    proxy.fault.current = { down: true }; // new connections from here on
    proxy.fault.current = {};
    try {
      const before = await refused();
      expect(await entries()).toBe(before);
    } finally {
      await database.query("begin read write; alter database kilde set default_transaction_read_only = 'off'; commit");
      proxy.fault.current = { down: true };
    }
  });

  it.runIf(process.getuid?.() === 0)('on a full disk, nothing is released', async () => {
    const disk = mkdtempSync(join(tmpdir(), 'kilde-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
    const filler = join(disk, 'filler');
    try {
      execFileSync('install', ['-d', '-o', 'postgres', join(disk, 'space')]);
      await database.query(`create tablespace small location '${join(disk, 'space')}'`);
      await database.query('alter table personvern.access set tablespace small');
      execFileSync('sh', ['-c', `dd if=/dev/zero of=${filler} bs=4k 2>/dev/null || true`]);
      // The page in use has room for some entries more; those are durable, and released.
      await expect.poll(async () => (await ask(gateway.url)).status, { timeout: 15_000, interval: 0 }).toBe(503);
      await refused();
      rmSync(filler);
      await expect.poll(async () => (await ask(gateway.url)).status).toBe(200);
    } finally {
      rmSync(filler, { force: true });
      await database.query('alter table personvern.access set tablespace pg_default; ');
      await database.query('drop tablespace small');
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true });
    }
  });
});

/** `KILLS=50` for the whole of F01; a few are enough to see each time the tests are run. */
const kills = Number(process.env['KILLS'] ?? 4);

it(`L01, L03, F01: ${kills} times kill -9 under load leave no released answer without its entry`, {
  timeout: kills * 20_000,
}, async () => {
  const program = new URL('../support/gatewayProcess.ts', import.meta.url).pathname;
  const traces: string[] = [];
  let broken = 0;
  for (let round = 0; round < kills; round += 1) {
    const child: ChildProcess = fork(program, { env: { ...process.env, ...env }, execArgv: [], stdio: 'ignore' });
    const [url] = (await once(child, 'message')) as [string];
    const ended = once(child, 'exit');
    const load = Array.from({ length: 8 }, async () => {
      for (;;) {
        const answer = await ask(url).catch(() => null);
        if (!answer) return;
        if (answer.status !== 200 || !answer.text.includes(released)) {
          broken += 1;
          return;
        }
        const { extensions } = JSON.parse(answer.text) as { extensions: { kilde: { traceId: string } } };
        traces.push(extensions.kilde.traceId);
      }
    });
    const before = traces.length;
    await expect.poll(() => traces.length, { timeout: 15_000, interval: 10 }).toBeGreaterThan(before);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400)); // any moment will do
    child.kill('SIGKILL');
    await ended;
    await Promise.all(load);
  }
  const { rows } = await database.query<{ trace_id: string }>('select trace_id from personvern.access');
  const written = new Set(rows.map((row) => row.trace_id));
  expect(broken).toBe(0);
  expect(traces.length).toBeGreaterThan(kills * 3);
  expect(traces.filter((trace) => !written.has(trace))).toEqual([]);
  expect((await verifyLog(sealedRows(database), [])).faults).toEqual([]);
});
