import { type Driven, drive, driveAtRate, type Load, median, percentile } from './measure.ts';
import type { Program } from './processes.ts';
import type { Usage } from './usage.ts';

/** Something that is measured: where it is asked, and every process of it. */
export type Subject = { name: string; url: string; programs: readonly Program[] };
/** How it is asked: so many at a time, or so many a second. */
export type Pace = { connections: number } | { perSecond: number };

export type Round = Driven & { cpuMsPerRequest: number; requestsPerSecond: number; rssMb: number };
/** Medians over the rounds, percentiles over all of their requests. */
export type Figures = {
  requests: number;
  refused: number;
  p50Ms: number;
  p99Ms: number;
  cpuMsPerRequest: number;
  requestsPerSecond: number;
  rssMb: number;
};

const usageOf = async ({ programs }: Subject): Promise<Usage> => {
  const all = await Promise.all(programs.map((program) => program.ask<Usage>('usage')));
  return { cpuMs: all.reduce((sum, it) => sum + it.cpuMs, 0), rssMb: all.reduce((sum, it) => sum + it.rssMb, 0) };
};

/** One subject under one load. Processor time is that of its own processes, the load's and the sources' left out. */
export const measure = async (
  subject: Subject,
  question: Omit<Load, 'url'>,
  pace: Pace,
  seconds: number,
): Promise<Round> => {
  const load = { ...question, url: subject.url };
  const before = await usageOf(subject);
  const startedAt = performance.now();
  const driven =
    'connections' in pace
      ? await drive(load, pace.connections, seconds * 1_000)
      : await driveAtRate(load, pace.perSecond, seconds * 1_000);
  const elapsedMs = performance.now() - startedAt;
  const after = await usageOf(subject);
  return {
    ...driven,
    cpuMsPerRequest: (after.cpuMs - before.cpuMs) / driven.latenciesMs.length,
    requestsPerSecond: (1_000 * driven.latenciesMs.length) / elapsedMs,
    rssMb: after.rssMb,
  };
};

export const figuresOf = (rounds: readonly Round[]): Figures => {
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs);
  return {
    requests: latencies.length,
    refused: rounds.reduce((sum, { refused }) => sum + refused, 0),
    p50Ms: median(rounds.map(({ latenciesMs }) => median(latenciesMs))),
    p99Ms: percentile(latencies, 0.99),
    cpuMsPerRequest: median(rounds.map((it) => it.cpuMsPerRequest)),
    requestsPerSecond: median(rounds.map((it) => it.requestsPerSecond)),
    rssMb: median(rounds.map(({ rssMb }) => rssMb)),
  };
};

export type Ratio = { median: number; lowest: number; highest: number };
export type Row = {
  subject: string;
  figures: Figures /** Processor time over the baseline's, round by round. */;
  ratio: Ratio;
};

/** Rounds of several subjects in turn -> a row for each, beside the baseline. */
export const rowsOf = (rounds: ReadonlyMap<string, readonly Round[]>, baseline: string): Row[] => {
  const beside = rounds.get(baseline) ?? [];
  return [...rounds].map(([subject, own]) => {
    const ratios = own.map((round, i) => round.cpuMsPerRequest / beside[i]!.cpuMsPerRequest);
    const ratio = { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
    return { subject, figures: figuresOf(own), ratio };
  });
};

/**
 * Has each of them answer until the compiler has done most of its work: what a program costs in its first thousand requests
 * says more of V8 than of the program.
 */
export const warm = async (
  subjects: readonly Subject[],
  question: Omit<Load, 'url'>,
  seconds: number,
): Promise<void> => {
  for (const subject of subjects) await measure(subject, question, { connections: 16 }, seconds);
};

/** All subjects in turn, round after round, so that what the machine does meanwhile befalls all of them. */
export const measureInTurn = async (
  subjects: readonly Subject[],
  question: Omit<Load, 'url'>,
  pace: Pace,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<ReadonlyMap<string, readonly Round[]>> => {
  const measured = new Map<string, Round[]>(subjects.map(({ name }) => [name, []]));
  for (const subject of subjects) await measure(subject, question, pace, seconds);
  for (let round = 0; round < rounds; round += 1)
    for (const subject of subjects) measured.get(subject.name)!.push(await measure(subject, question, pace, seconds));
  return measured;
};
