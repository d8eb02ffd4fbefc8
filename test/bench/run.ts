import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drive, median, percentile } from './measure.ts';
import { type Program, startProgram } from './processes.ts';
import { type Costs, summarise } from './profile.ts';
import { type Calls, prove, type Subject } from './proof.ts';
import { type Cell, describeMachine, type Figures, type Results, toMarkdown } from './report.ts';
import type { Usage } from './usage.ts';

/**
 * `npm run bench [-- --quick] [--json FILE] [--profile]`: the emergency summary by Kilde and by hand. A full run rewrites
 * `results.md` and `results.json` beside this file; a quick one leaves them alone.
 */
const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'string' }, profile: { type: 'boolean' } },
});
const rounds = options.quick ? 2 : 5;
const secondsPerRound = options.quick ? 1 : 2.5;
const sourceDelaysMs = [0, 30];
const connectionCounts = [1, 16];
const patient = '14834841291';

type Round = { latenciesMs: number[]; cpuMsPerRequest: number; requestsPerSecond: number; rssMb: number };

const query = readFileSync(new URL('../../examples/operations/emergency-summary.graphql', import.meta.url), 'utf8');
const body = JSON.stringify({ query, variables: { patient } });

const upstreams = await startProgram('upstreams.ts', { LOG_LEVEL: 'warn' });
const started: Program[] = [upstreams];
try {
  const environment = await upstreams.ask<Record<string, string>>('environment');
  const start = async (name: string, file: string): Promise<Subject> => {
    const program = await startProgram(file, { ...environment, PORT: '0', HOST: '127.0.0.1' });
    started.unshift(program);
    return { name, program, url: await program.ask<string>('url') };
  };
  const kilde = await start('Kilde', 'kilde.ts');
  const byHand = await start('by hand', 'handwritten.ts');
  await upstreams.ask('seed', new URL(kilde.url).origin);
  const token = await upstreams.ask<string>('token', { persona: 'legevakt-doctor', patient });
  const question = { headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body };

  await prove(kilde, byHand, question, upstreams); // the person is looked up
  const proof = await prove(kilde, byHand, question, upstreams); // and remembered
  await upstreams.ask('replay');
  await prove(kilde, byHand, question, upstreams);

  const calls = new Map(proof.calls.map(({ source }) => [source, { kilde: 0, byHand: 0 }]));
  const requests = { kilde: 0, byHand: 0 };

  const measure = async ({ program, url }: Subject, connections: number, seconds: number): Promise<Round> => {
    const before = await program.ask<Usage>('usage');
    const startedAt = performance.now();
    const latenciesMs = await drive({ ...question, url, connections, durationMs: seconds * 1_000 });
    const elapsedMs = performance.now() - startedAt;
    const after = await program.ask<Usage>('usage');
    return {
      latenciesMs,
      cpuMsPerRequest: (after.cpuMs - before.cpuMs) / latenciesMs.length,
      requestsPerSecond: (1_000 * latenciesMs.length) / elapsedMs,
      rssMb: after.rssMb,
    };
  };
  const measureAndCount = async (who: 'kilde' | 'byHand', connections: number): Promise<Round> => {
    await upstreams.ask('takeCalls');
    const round = await measure(who === 'kilde' ? kilde : byHand, connections, secondsPerRound);
    for (const [source, made] of Object.entries(await upstreams.ask<Calls>('takeCalls')))
      calls.get(source)![who] += made.length;
    requests[who] += round.latenciesMs.length;
    return round;
  };
  const figuresOf = (all: readonly Round[]): Figures => {
    const latencies = all.flatMap(({ latenciesMs }) => latenciesMs);
    return {
      requests: latencies.length,
      p50Ms: median(all.map(({ latenciesMs }) => median(latenciesMs))),
      p99Ms: percentile(latencies, 0.99),
      cpuMsPerRequest: median(all.map((it) => it.cpuMsPerRequest)),
      requestsPerSecond: median(all.map((it) => it.requestsPerSecond)),
      rssMb: median(all.map(({ rssMb }) => rssMb)),
    };
  };

  const cells: Cell[] = [];
  for (const sourceDelayMs of sourceDelaysMs) {
    await upstreams.ask('delay', sourceDelayMs);
    for (const subject of [kilde, byHand]) await measure(subject, 16, secondsPerRound);
    const pairs = new Map<number, { kilde: Round; byHand: Round }[]>(connectionCounts.map((it) => [it, []]));
    for (let round = 0; round < rounds; round += 1)
      for (const [connections, measured] of pairs)
        measured.push({
          kilde: await measureAndCount('kilde', connections),
          byHand: await measureAndCount('byHand', connections),
        });
    for (const [connections, measured] of pairs) {
      const ratios = measured.map((pair) => pair.kilde.cpuMsPerRequest / pair.byHand.cpuMsPerRequest);
      cells.push({
        sourceDelayMs,
        connections,
        kilde: figuresOf(measured.map((pair) => pair.kilde)),
        byHand: figuresOf(measured.map((pair) => pair.byHand)),
        cpuRatio: { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) },
      });
    }
  }

  const profile = async (): Promise<Costs> => {
    await upstreams.ask('delay', 0);
    await kilde.program.ask('startProfile');
    await measure(kilde, 16, 2 * secondsPerRound);
    return summarise(await kilde.program.ask('stopProfile'), 25);
  };
  const results: Results = {
    ...describeMachine(),
    rounds,
    secondsPerRound,
    proof,
    callsPerRequest: [...calls].map(([source, made]) => ({
      source,
      kilde: made.kilde / requests.kilde,
      byHand: made.byHand / requests.byHand,
    })),
    cells,
    ...(options.profile ? { costs: await profile() } : {}),
  };

  const markdown = toMarkdown(results);
  const json = `${JSON.stringify(results, null, 2)}\n`;
  console.log(markdown);
  if (!options.quick) {
    writeFileSync(new URL('./results.md', import.meta.url), markdown);
    writeFileSync(new URL('./results.json', import.meta.url), json);
  }
  if (options.json) writeFileSync(options.json, json);
} finally {
  for (const program of started) await program.stop();
}
