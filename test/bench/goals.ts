import { type GenericResults, genericNames } from './generic/workload.ts';
import type { Pace, Row } from './subjects.ts';
import { names, type SummaryResults } from './summaryWorkload.ts';

/** One goal of the engine, and whether these results meet it. */
export type Goal = { goal: string; value: string; met: boolean };

const isSame = (one: Pace, other: Pace) => JSON.stringify(one) === JSON.stringify(other);
const atMost = (goal: string, value: number, limit: number, unit = ''): Goal => ({
  goal: `${goal}: at most ${limit}${unit}`,
  value: `${value.toFixed(2)}${unit}`,
  met: value <= limit,
});

/** Answers of the slowest chain of calls upstream: the list of doctors, then who they are. */
const answersInARow = 2;

export const goalsOf = (summary: SummaryResults | null, generic: GenericResults | null): Goal[] => {
  const goals: Goal[] = [];
  const cell = (sourceDelayMs: number, pace: Pace) =>
    summary?.cells.find((it) => it.sourceDelayMs === sourceDelayMs && isSame(it.pace, pace));
  const row = (rows: readonly Row[] | undefined, name: string) => rows?.find(({ subject }) => subject === name);
  const cpu = (rows: readonly Row[] | undefined, name: string) => row(rows, name)?.figures.cpuMsPerRequest;

  const busy = cell(0, { connections: 16 })?.rows;
  const bare = row(busy, names.bare);
  const [stock, hive] = [cpu(busy, names.stock), cpu(busy, names.hive)];
  if (bare) goals.push(atMost('without authentication, policy and audit, × by hand', bare.ratio.median, 1.15));
  const adapters = cpu(busy, names.adapters);
  if (bare && adapters)
    goals.push(
      atMost(
        'engine without authentication, policy and audit, × the adapters alone',
        bare.figures.cpuMsPerRequest / adapters,
        1.15,
      ),
    );
  if (bare && stock) goals.push(atMost('the same, of stock Apollo', bare.figures.cpuMsPerRequest / stock, 0.083));
  if (bare && hive) goals.push(atMost('the same, of Hive Gateway', bare.figures.cpuMsPerRequest / hive, 0.2));
  const whole = row(busy, names.kilde);
  if (whole) goals.push(atMost('with everything on, × by hand', whole.ratio.median, 2));

  const alone = row(cell(30, { connections: 1 })?.rows, names.kilde);
  const floorMs = 30 * answersInARow;
  if (alone)
    goals.push(atMost('sources at 30 ms: p50 above the slowest chain', alone.figures.p50Ms - floorMs, 3, ' ms'));
  const fast = row(cell(30, { perSecond: 100 })?.rows, names.kilde);
  if (fast) goals.push(atMost('the same at 100 requests/s: p99 above it', fast.figures.p99Ms - floorMs, 15, ' ms'));

  const single = cell(0, { connections: 1 })?.rows;
  const [without, withAll] = [row(single, names.bare), row(single, names.audited)];
  if (without && withAll)
    goals.push(
      atMost(
        'authentication, policy and access log add to p50',
        withAll.figures.p50Ms - without.figures.p50Ms,
        2,
        ' ms',
      ),
    );
  const audited = cpu(busy, names.audited);
  if (bare && audited) goals.push(atMost('their share of the CPU', 1 - bare.figures.cpuMsPerRequest / audited, 0.4));

  const own = row(generic?.rows, genericNames.native)?.figures.cpuMsPerRequest;
  const [genericStock, genericHive] = [cpu(generic?.rows, genericNames.stock), cpu(generic?.rows, genericNames.hive)];
  if (own && genericHive) goals.push(atMost('the shop, of Hive Gateway', own / genericHive, 1));
  if (own && genericStock) goals.push(atMost('the shop, of stock Apollo', own / genericStock, 0.333));
  return goals;
};
