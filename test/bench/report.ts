import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { GenericResults } from './generic/workload.ts';
import type { Goal } from './goals.ts';
import type { Cost } from './profile.ts';
import type { Pace, Row } from './subjects.ts';
import type { SummaryCell, SummaryResults } from './summaryWorkload.ts';

export type Results = {
  measured: string;
  machine: { cores: number; model: string };
  node: string;
  packages: Record<string, string>;
  rounds: number;
  /** Of one round. */
  seconds: number;
  /** Of each program, before its first round. */
  warmUpSeconds: number;
  summary: SummaryResults | null;
  generic: GenericResults | null;
  goals: Goal[];
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
const hivePackages = ['@graphql-hive/gateway-runtime', '@graphql-hive/router-runtime'];
const mercuriusPackages = ['@mercuriusjs/gateway', 'mercurius'];
const versionOf = (name: string, folder = '../../'): string => {
  const file = new URL(`${folder}node_modules/${name}/package.json`, import.meta.url);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : 'not installed';
};

export const describeMachine = (): Pick<Results, 'measured' | 'machine' | 'node' | 'packages'> => ({
  measured: new Date().toISOString().slice(0, 10),
  machine: { cores: cpus().length, model: cpus()[0]?.model.trim() ?? 'unknown' },
  node: process.version,
  packages: Object.fromEntries([
    ...measuredPackages.map((name) => [name, versionOf(name)]),
    ...hivePackages.map((name) => [name, versionOf(name, './peers/')]),
    ...mercuriusPackages.map((name) => [name, versionOf(name, './peers/mercurius/')]),
  ]),
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

const paceText = (pace: Pace): string =>
  'perSecond' in pace
    ? `${pace.perSecond} requests/s`
    : `${pace.connections} connection${pace.connections === 1 ? '' : 's'}`;

/** The cheapest first. */
const rowsText = (rows: readonly Row[], load: string): string[][] =>
  [...rows]
    .sort((one, other) => one.figures.cpuMsPerRequest - other.figures.cpuMsPerRequest)
    .map(({ subject, figures, ratio }) => [
      load,
      subject,
      fixed(figures.cpuMsPerRequest, 2),
      `**${fixed(ratio.median, 2)}** (${fixed(ratio.lowest, 2)}–${fixed(ratio.highest, 2)})`,
      fixed(figures.p50Ms, 1),
      fixed(figures.p99Ms, 1),
      fixed(figures.requestsPerSecond, 0),
      fixed(figures.rssMb, 0),
      figures.refused ? fixed((100 * figures.refused) / figures.requests, 0) : '',
    ]);
const columns = (baseline: string) => [
  'program',
  'CPU ms/request',
  `× ${baseline}`,
  'p50 ms',
  'p99 ms',
  'requests/s',
  'RSS MB',
  'refused %',
];

const cellRows = ({ sourceDelayMs, pace, rows }: SummaryCell): string[][] =>
  rowsText(rows, `${sourceDelayMs} ms, ${paceText(pace)}`);

const costTable = (what: string, costs: readonly Cost[]): string =>
  table(
    [what, 'itself %', 'with what it called %'],
    costs.map(({ name, own, whole }) => [name, fixed(own, 1), fixed(whole, 1)]),
  );

const summaryText = ({ proof, cells, costs }: SummaryResults): string[] => [
  '## Emergency summary: one question to every source',
  'Kilde: gateway and subgraphs in one process with everything on (access token and DPoP proof, policy, shield, group checks, access ' +
    'log). Without authentication, policy and audit: `bare.ts`, put together from the same parts, and then with one of them after the other. By hand: `handwritten.ts`, ' +
    'plain `node:http`, undici and pg; the same calls upstream with the same tokens and proofs, merged by hand; it verifies ' +
    'nothing, neither the caller nor what sources answer. The adapters alone: `adapters.ts`, the same clients, checks and ' +
    'mappings through the subgraphs’ own loaders, nothing planned, merged, selected or sent. Subgraphs over HTTP are the same servers for every gateway, and ' +
    'their processor time counts.',
  table(['sources, load', ...columns('by hand')], cells.flatMap(cellRows)),
  'Sources delay every answer by the time in the first column; the slowest chain is two answers long (the list of doctors, ' +
    'then who they are). Loads in requests/s are open: a time counts from when the request was due.',
  '### The same work',
  `Before the rounds, on the real simulators: ${proof.facts} facts of the answers compared, the same from every program ` +
    `(${Object.entries(proof.answerBytes)
      .map(([name, count]) => `${name} ${count} bytes`)
      .join(
        ', ',
      )}), and every call of Kilde and the hand-written program compared with method, path, body and headers. ` +
    'Measured rounds ask recorded answers.',
  table(
    ['source', 'calls of one request: Kilde', 'by hand'],
    proof.calls.map(({ source, kilde, byHand }) => [source, String(kilde), String(byHand)]),
  ),
  ...(costs
    ? [
        '### Where Kilde spends its time',
        'Per cent of the busy time at 0 ms and 16 connections: in the code itself, and with what it called (as far as the ' +
          'stack tells: what follows an await stands by itself).',
        costTable('package or folder', costs.parts),
        costTable('function', costs.functions),
      ]
    : []),
];

const genericText = ({ rows, answerBytes }: GenericResults): string[] => [
  '## The shop: a generic federation question over HTTP subgraphs',
  'Users, inventory, products and reviews, four services, after the public benchmark of federation gateways; the same answer ' +
    `from all to the last byte (${answerBytes} bytes), 16 connections. Processor time is the gateway’s alone. Mercurius knows ` +
    'Federation 1 only, and so is not among those that answer the summary.',
  table(
    ['subgraph calls', ...columns('Kilde’s engine')],
    rows
      .flatMap((row) => rowsText([row], String(row.callsPerRequest)))
      .sort((one, other) => Number(one[2]) - Number(other[2])),
  ),
];

/** Results as they are read. */
export const toMarkdown = ({
  machine,
  node,
  packages,
  rounds,
  seconds,
  warmUpSeconds,
  summary,
  generic,
  goals,
  measured,
}: Results): string => {
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return `${[
    '# Figures',
    `\`npm run bench\`. CPU and RSS are each program’s own, over all of its processes. ${warmUpSeconds} s of load for each, then medians of ${rounds} rounds of ` +
      `${seconds} s, the programs in turn; p99 over all requests of all rounds; the ratio is taken round by round (median, ` +
      'lowest, highest).',
    ...(summary ? summaryText(summary) : []),
    ...(generic ? genericText(generic) : []),
    '## Goals of the engine',
    table(
      ['goal', 'measured', ''],
      goals.map(({ goal, value, met }) => [goal, value, met ? 'met' : 'not met']),
    ),
    '## Where',
    `${machine.cores} cores of ${machine.model}, Node ${node}, ${measured}. ${versions.join(', ')}. Load generator, sources ` +
      'and PostgreSQL share the machine: compare ratios, not throughput.',
  ].join('\n\n')}\n`;
};
