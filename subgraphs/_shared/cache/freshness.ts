/** When a source said what it says: just now, a short while ago, or before it stopped answering. */
export type Freshness = {
  status: 'FRESH' | 'CACHED' | 'STALE';
  /** ISO 8601. */
  asOf: string;
};

const age = { FRESH: 0, CACHED: 1, STALE: 2 } as const;

/** Of what several answers make together: as old as the oldest of them. `null` of none. */
export const oldestOf = (answers: readonly Freshness[]): Freshness | null =>
  answers.reduce<Freshness | null>(
    (oldest, { status, asOf }) =>
      oldest === null
        ? { status, asOf }
        : {
            status: age[status] > age[oldest.status] ? status : oldest.status,
            asOf: asOf < oldest.asOf ? asOf : oldest.asOf,
          },
    null,
  );
