import { readFileSync } from 'node:fs';
import { listOf, makeGatewayKeys } from '../support/overHttp.ts';
import { createProver } from '../support/proofs.ts';
import { factsOf, missingFrom } from './facts.ts';
import type { Caller } from './measure.ts';
import { type Program, startProgram } from './processes.ts';
import { type Costs, summarise } from './profile.ts';
import { type Proof, prove, proveSameCalls } from './proof.ts';
import { measure, measureInTurn, type Pace, type Row, rowsOf, type Subject, warm } from './subjects.ts';

/** The emergency summary: one question to every source, by each of those that can answer it. */
export const names = {
  kilde: 'Kilde',
  bare: 'Kilde without authentication, policy and audit',
  authenticated: 'and with authentication',
  permitted: 'and with policy',
  audited: 'and with the access log',
  adapters: 'the adapters alone',
  http: 'Kilde, subgraphs over HTTP',
  stock: 'stock Apollo, subgraphs over HTTP',
  hive: 'Hive Gateway (native planner), subgraphs over HTTP',
  byHand: 'by hand',
} as const;

export type SummaryCell = { sourceDelayMs: number; pace: Pace; rows: Row[] };
export type SummaryResults = { proof: Proof; cells: SummaryCell[]; costs?: Costs };
export type Extent = { rounds: number; seconds: number; warmUpSeconds: number; profile: boolean };

/** Each with one more than the one before, from Kilde without any of them. */
const layers = [
  ['authenticated', 'authentication'],
  ['permitted', 'authentication,policy'],
  ['audited', 'authentication,policy,audit'],
] as const;

const patient = '14834841291';
/** As many as there are connections: no two requests under way are one caller's. */
const callersAtOnce = 16;
const query = readFileSync(new URL('../../examples/operations/emergency-summary.graphql', import.meta.url), 'utf8');
const body = JSON.stringify({ query, variables: { patient } });

/** A doctor with a token bound to a key, and a proof made for each request. */
const createCaller = async (upstreams: Program): Promise<Caller> => {
  const prover = await createProver();
  const token = await upstreams.ask<string>('token', { persona: 'legevakt-doctor', patient, jkt: prover.jkt });
  return async (url) => ({
    'content-type': 'application/json',
    authorization: `DPoP ${token}`,
    dpop: await prover.prove({ url, token }),
  });
};

/** What another gateway answers must be what Kilde answers, to the last fact. @throws with what differs */
const proveSame = async (subject: Subject, kilde: Subject, caller: Caller): Promise<void> => {
  const ask = async ({ url, name }: Subject) => {
    const response = await fetch(url, { method: 'POST', headers: await caller(url), body });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${name} answered ${response.status}: ${text.slice(0, 300)}`);
    const { data, errors } = JSON.parse(text) as { data: unknown; errors?: unknown };
    if (errors) throw new Error(`${name} answered with errors: ${JSON.stringify(errors).slice(0, 600)}`);
    // When and from where the register answered is each program's own: Kilde's gateway has asked it before the plan begins.
    return factsOf(data).filter((fact) => !/\.retrieved=|\.asOf=|^patient\.status=/.test(fact));
  };
  for (const it of [subject, kilde]) await ask(it).catch(() => {}); // whoever has forgotten the person looks them up
  const [own, kildes] = [await ask(subject), await ask(kilde)];
  const differing = [...missingFrom(own, kildes), ...missingFrom(kildes, own)];
  if (differing.length > 0)
    throw new Error(`${subject.name} answers something else: ${differing.slice(0, 5).join(', ')}`);
};

/** @param isWanted whether a subject is to be measured; Kilde and the hand-written program always are */
export const runSummary = async (
  { rounds, seconds, warmUpSeconds, profile }: Extent,
  isWanted: (subject: keyof typeof names) => boolean,
): Promise<SummaryResults> => {
  const started: Program[] = [];
  const start = async (file: string, env: Record<string, string>): Promise<Program> => {
    const program = await startProgram(file, { PORT: '0', HOST: '127.0.0.1', ...env });
    started.unshift(program);
    return program;
  };
  try {
    const upstreams = await start('upstreams.ts', { LOG_LEVEL: 'warn' });
    const environment = await upstreams.ask<Record<string, string>>('environment');
    const subject = async (name: string, program: Program, ...others: Program[]): Promise<Subject> => ({
      name,
      url: await program.ask<string>('url'),
      programs: [program, ...others],
    });
    const kilde = await subject(names.kilde, await start('kilde.ts', environment));
    const byHand = await subject(names.byHand, await start('handwritten.ts', environment));
    await upstreams.ask('seed', new URL(kilde.url).origin);
    const caller = await createCaller(upstreams);
    const callers = [caller];
    while (callers.length < callersAtOnce) callers.push(await createCaller(upstreams));
    const load = { callers, body };
    const question = { caller, body };
    await prove(kilde, byHand, question, upstreams); // the person is looked up

    const subjects = [kilde];
    if (isWanted('bare')) subjects.push(await subject(names.bare, await start('bare.ts', environment)));
    for (const [name, on] of layers)
      if (isWanted(name))
        subjects.push(await subject(names[name], await start('bare.ts', { ...environment, LAYERS: on })));
    if (isWanted('http') || isWanted('stock') || isWanted('hive')) {
      const keys = await makeGatewayKeys();
      const signing = { GATEWAY_SIGNING_KEY: JSON.stringify(keys.privateJwk) };
      const servers = await start('subgraphServers.ts', {
        ...environment,
        GATEWAY_PUBLIC_KEY: JSON.stringify(keys.publicJwk),
      });
      const urls = await servers.ask<[string, string][]>('urls');
      const http = await subject(
        names.http,
        await start('kilde.ts', { ...environment, ...signing, SUBGRAPHS: listOf(urls) }),
        servers,
      );
      await proveSame(http, kilde, caller);
      if (isWanted('http')) subjects.push(http);
      const captured = await servers.ask<object>('captured');
      const rootUrl = await servers.ask<string>('rootUrl');
      const asKilde = { ...signing, AS_KILDE: JSON.stringify({ ...captured, urls: [...urls, ['kilde', rootUrl]] }) };
      for (const [name, file] of [
        ['stock', 'stock.ts'],
        ['hive', 'peers/hive.ts'],
      ] as const) {
        if (isWanted(name))
          subjects.push(await subject(names[name], await start(file, { ...environment, ...asKilde }), servers));
      }
    }
    subjects.push(byHand);
    const answering = subjects.filter((it) => it !== kilde && it !== byHand);
    for (const other of answering) await proveSame(other, kilde, caller);
    if (isWanted('adapters')) {
      const adapters = await subject(names.adapters, await start('adapters.ts', environment));
      await proveSameCalls(kilde, adapters, question, upstreams);
      subjects.push(adapters);
    }
    const proof = await prove(kilde, byHand, question, upstreams); // and remembered
    await upstreams.ask('replay');
    for (const other of [kilde, ...answering]) await proveSame(other, kilde, caller);

    await warm(subjects, load, warmUpSeconds);
    const cells: SummaryCell[] = [];
    for (const sourceDelayMs of [0, 30]) {
      await upstreams.ask('delay', sourceDelayMs);
      for (const pace of [{ connections: 1 }, { connections: 16 }]) {
        const measured = await measureInTurn(subjects, load, pace, { rounds, seconds });
        cells.push({ sourceDelayMs, pace, rows: rowsOf(measured, names.byHand) });
      }
    }
    // One processor may not be enough for a hundred a second beside the load itself: both rates are told.
    for (const perSecond of [25, 100]) {
      const few = subjects.filter((it) => it === kilde || it === byHand || it.name === names.bare);
      const measured = await measureInTurn(few, load, { perSecond }, { rounds: Math.min(rounds, 3), seconds });
      cells.push({ sourceDelayMs: 30, pace: { perSecond }, rows: rowsOf(measured, names.byHand) });
    }
    const costsOf = async (): Promise<Costs> => {
      const [profiled] = subjects.filter(({ name }) => name === names.bare).concat(kilde);
      const [program] = profiled!.programs;
      await upstreams.ask('delay', 0);
      await program!.ask('startProfile');
      await measure(profiled!, load, { connections: 16 }, 2 * seconds);
      return summarise(await program!.ask('stopProfile'), 25);
    };
    return { proof, cells, ...(profile ? { costs: await costsOf() } : {}) };
  } finally {
    for (const program of started) await program.stop();
  }
};
