import { readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Pool } from 'undici';
import { loadConfig } from '../../gateway/config.ts';
import { startGateway } from '../../gateway/main.ts';
import { kildeAudience } from '../../sandbox/issuer/resources.ts';
import { claimsFor } from '../../sandbox/personas.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { readSupergraph } from '../../schema/compose.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { answerParent, startProgram } from './processes.ts';

/**
 * `npm run bench:memory [-- --rounds 4 --operations 10000 --reloads 200 --connections 1000]`: what a gateway's memory comes
 * to under many connections, distinct operations and new schemas. Fails when a request is lost, or when the heap after a
 * collection grows by more than 5 % from the first round to the last.
 */
type Memory = { heapMb: number; externalMb: number; rssMb: number; openFiles: number };

const patient = '14834841291';
const inFlight = 16;
const mostGrowth = 0.05;

/** The gateway, in a process of its own. */
const runSubject = async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const gateway = await startGateway(loadConfig(process.env), process.env);
  const memory = async (): Promise<Memory> => {
    for (let i = 0; i < 5; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 50)); // finalizers and closed sockets have their turn
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    const [heapMb = 0, externalMb = 0, rssMb = 0] = [heapUsed, external, rss].map((it) => it / 1_048_576);
    return { heapMb, externalMb, rssMb, openFiles: readdirSync('/proc/self/fd').length };
  };
  answerParent({ url: () => gateway.url, reload: gateway.reload, memory }, gateway.stop);
};

const drive = async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '4' },
      operations: { type: 'string', default: '10000' },
      reloads: { type: 'string', default: '200' },
      connections: { type: 'string', default: '1000' },
    },
  });
  const rounds = Number(values.rounds);
  const operations = Math.ceil(Number(values.operations) / rounds);
  const reloads = Math.ceil(Number(values.reloads) / rounds);
  const connections = Number(values.connections);

  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'kilde-memory-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startTestPostgres();
  started.defer(() => postgres.stop());
  const sandbox = await startSandbox(postgres.url);
  started.defer(() => sandbox.close());
  const SUPERGRAPH_FILE = join(folder, 'supergraph.graphql');
  const committed = readSupergraph();
  writeFileSync(SUPERGRAPH_FILE, committed);
  const environment = { PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'error', PLANNING_BUDGET_MS: '5000', SUPERGRAPH_FILE };
  const subject = await startProgram('memory.ts', { ...sandbox.env, ...environment, KILDE_MEMORY_SUBJECT: '1' });
  started.defer(() => subject.stop());
  const url = await subject.ask<string>('url');
  const token = await sandbox.issuer.sign(claimsFor('legevakt-doctor', { patient }, sandbox.population)!, {
    audience: kildeAudience,
    expiresIn: 3_600,
  });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };

  let sent = 0;
  let busy = 0;
  const ask = async (pool: Pool, query: string) => {
    const body = JSON.stringify({ query, variables: { p: patient } });
    const response = await pool.request({ method: 'POST', path: '/graphql', headers, body });
    const text = await response.body.text();
    const isBusy = response.statusCode === 503 && /(SOURCE|AUDIT)_UNAVAILABLE/.test(text); // a machine that is too small
    if (!isBusy && (response.statusCode !== 200 || !text.includes('"data":{"')))
      throw new Error(`lost: ${response.statusCode} ${text}`);
    if (isBusy) busy++;
    sent++;
  };
  const operation = (i: number) =>
    `query Q${i} ($p: PatientIdentifier!) {
      patient(identifier: $p) { a${i}: id name { given } ...F } viewer { kind } } fragment F on Patient { b${i}: birthDate }`;

  const runRound = async (round: number) => {
    const pool = new Pool(url, { connections });
    await ask(pool, operation(0));
    await Promise.all(Array.from({ length: connections }, () => ask(pool, '{ viewer { kind } }'))); // all open at once
    const waiting = Array.from({ length: operations }, (_, i) => operation(round * operations + i));
    const client = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) await ask(pool, next);
    };
    const reload = async () => {
      for (let i = 0; i < reloads; i++) {
        writeFileSync(SUPERGRAPH_FILE, committed.replace('never derived', `never once derived (${round}.${i})`));
        await subject.ask('reload');
      }
    };
    await Promise.all([...Array.from({ length: inFlight }, client), reload()]);
    await pool.close();
    return subject.ask<Memory>('memory');
  };

  const measured: Memory[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    const now = await runRound(round);
    measured.push(now);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const { heapMb, externalMb, rssMb, openFiles } = now;
    console.log(
      `round ${round + 1}: heap ${heapMb.toFixed(1)} MB, external ${externalMb.toFixed(1)} MB, RSS ${rssMb.toFixed(0)} MB, ` +
        `${openFiles} files open; ${operations} operations, ${reloads} schemas, ${connections} connections in ${seconds} s`,
    );
  }
  const [first, last] = [measured[0]?.heapMb ?? 0, measured.at(-1)?.heapMb ?? 0];
  const growth = last / first - 1;
  console.log(
    `${sent} requests, none lost, ${busy} told that a source or the access log was busy; heap after collection ${(growth * 100).toFixed(1)} % from first to last round`,
  );
  if (growth > mostGrowth) process.exitCode = 1;
};

await (process.env['KILDE_MEMORY_SUBJECT'] ? runSubject() : drive());
