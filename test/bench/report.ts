import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Cost, Costs } from './profile.ts';
import type { Proof } from './proof.ts';

/** One subject under one load: medians over the rounds, percentiles over all their requests. */
export type Figures = {
  requests: number;
  p50Ms: number;
  p99Ms: number;
  cpuMsPerRequest: number;
  requestsPerSecond: number;
  rssMb: number;
};
export type Cell = {
  sourceDelayMs: number;
  connections: number;
  kilde: Figures;
  byHand: Figures;
  /** CPU per request, Kilde over hand-written, pair by pair: median, lowest and highest of the rounds. */
  cpuRatio: { median: number; lowest: number; highest: number };
};
export type Results = {
  measured: string;
  machine: { cores: number; model: string };
  node: string;
  packages: Record<string, string>;
  rounds: number;
  secondsPerRound: number;
  proof: Proof;
  /** Calls upstream per request over all measured rounds, by source. */
  callsPerRequest: { source: string; kilde: number; byHand: number }[];
  cells: Cell[];
  costs?: Costs;
};

const measuredPackages = [
  '@apollo/server',
  '@apollo/gateway',
  '@apollo/subgraph',
  'graphql',
  'graphql-shield',
  'fastify',
  'undici',
  'pg',
  'zod',
  'jose',
];
const versionOf = (name: string): string => {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
};

export const describeMachine = (): Pick<Results, 'measured' | 'machine' | 'node' | 'packages'> => ({
  measured: new Date().toISOString().slice(0, 10),
  machine: { cores: cpus().length, model: cpus()[0]?.model.trim() ?? 'unknown' },
  node: process.version,
  packages: Object.fromEntries(measuredPackages.map((name) => [name, versionOf(name)])),
});

const fixed = (value: number, digits: number): string => value.toFixed(digits);
/** First column to the left, the others to the right; padded as the formatter wants it. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((it, i) => (i === 0 ? it.padEnd(widths[i]!) : it.padStart(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
};

const cellRows = ({ sourceDelayMs, connections, kilde, byHand, cpuRatio }: Cell): string[][] => {
  const load = `${sourceDelayMs} ms, ${connections} connection${connections === 1 ? '' : 's'}`;
  const row = (name: string, figures: Figures, ratio: string) => [
    load,
    name,
    fixed(figures.p50Ms, 1),
    fixed(figures.p99Ms, 1),
    fixed(figures.cpuMsPerRequest, 2),
    ratio,
    fixed(figures.requestsPerSecond, 0),
    fixed(figures.rssMb, 0),
  ];
  const { median, lowest, highest } = cpuRatio;
  return [
    row('Kilde', kilde, `**${fixed(median, 2)}** (${fixed(lowest, 2)}–${fixed(highest, 2)})`),
    row('by hand', byHand, '1'),
  ];
};

const costTable = (what: string, costs: readonly Cost[]): string =>
  table(
    [what, 'itself %', 'with what it called %'],
    costs.map(({ name, own, whole }) => [name, fixed(own, 1), fixed(whole, 1)]),
  );

/** Results as they are read. */
export const toMarkdown = (results: Results): string => {
  const { machine, node, packages, rounds, secondsPerRound, proof, callsPerRequest, cells, costs, measured } = results;
  const perRequest = new Map(callsPerRequest.map((it) => [it.source, it]));
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  const bytes = Object.entries(proof.answerBytes).map(([name, count]) => `${name} ${count} bytes`);
  return `${[
    '# Emergency summary: Kilde beside a hand-written program',
    '`npm run bench`. Kilde: gateway and subgraphs in one process with everything on (token verification, policy, shield, ' +
      'group checks, access log). By hand: `handwritten.ts`, plain `node:http`, undici and pg; the same calls upstream with ' +
      'the same tokens and proofs, merged by hand; it verifies no token, decides, checks and logs nothing.',
    table(
      ['sources, load', 'program', 'p50 ms', 'p99 ms', 'CPU ms/request', '× by hand', 'requests/s', 'RSS MB'],
      cells.flatMap(cellRows),
    ),
    `CPU and RSS are the program's own. Medians of ${rounds} rounds of ${secondsPerRound} s, the programs in turn; p99 over ` +
      'all requests of all rounds; the ratio is taken round by round (median, lowest, highest). Sources delay every answer ' +
      'by the time in the first column; the slowest chain is two answers long (the list of doctors, then who they are).',
    '## The same work',
    `Before the rounds, on the real simulators: ${proof.facts} facts of the answers compared, all the same ` +
      `(${bytes.join(', ')}), and every call compared with method, path, body and headers. Measured rounds ask recorded answers.`,
    table(
      ['source', 'calls of one request: Kilde', 'by hand', 'per request in the rounds: Kilde', 'by hand'],
      proof.calls.map(({ source, kilde, byHand }) => {
        const mean = perRequest.get(source);
        return [source, String(kilde), String(byHand), fixed(mean?.kilde ?? 0, 2), fixed(mean?.byHand ?? 0, 2)];
      }),
    ),
    'Both remember the person for half a minute. Requests that arrive together share one write to the access log.',
    ...(costs
      ? [
          '## Where Kilde spends its time',
          'Per cent of the busy time at 0 ms and 16 connections: in the code itself, and with what it called (as far as the ' +
            'stack tells: what follows an await stands by itself).',
          costTable('package or folder', costs.parts),
          costTable('function', costs.functions),
        ]
      : []),
    '## Where',
    `${machine.cores} cores of ${machine.model}, Node ${node}, ${measured}. ${versions.join(', ')}. Load generator, sources ` +
      'and PostgreSQL share the machine: compare ratios, not throughput.',
  ].join('\n\n')}\n`;
};
