import { entryOfRow, leafOf, sealOf } from '../../schema/accessEntry.ts';
import type { Checkpoint } from './checkpoint.ts';
import { createTree } from './merkle.ts';
import type { SealedRow } from './rows.ts';

/** Something that an untouched log cannot show, and where. */
export type Fault =
  /** Entries are missing before this one. */
  | { kind: 'gap'; sequence: bigint; missing: bigint }
  /** The entry is not what was written. */
  | { kind: 'changed'; sequence: bigint }
  /** The entry does not follow on the one before: inserted, moved, or one of the two replaced. */
  | { kind: 'broken'; sequence: bigint }
  /** The log up to here is not the one that was signed for. */
  | { kind: 'differs'; sequence: bigint; at: string }
  /** The log ends before what was signed for: its end is cut off, or it is an older copy. */
  | { kind: 'cut'; sequence: bigint; missing: bigint; at: string };

export type Verdict = {
  entries: number;
  first: bigint | null;
  last: bigint | null;
  /** Checkpoints that the log agrees with. */
  confirmed: number;
  /** The first ones, twenty at the most; none for a log that nobody has touched. */
  faults: readonly Fault[];
};

const mostFaults = 20;

const isUnchanged = (row: SealedRow): boolean => {
  try {
    return leafOf(entryOfRow(row)).equals(row.leaf);
  } catch {
    return false; // it is not even an entry any more
  }
};

/** Holds the log against itself and against what was signed for it, in one pass and in memory that does not grow. */
export const verifyLog = async (
  pages: AsyncIterable<readonly SealedRow[]>,
  checkpoints: readonly Checkpoint[],
): Promise<Verdict> => {
  const tree = createTree();
  const faults: Fault[] = [];
  const waiting = [...checkpoints].sort((one, other) => one.size - other.size);
  let first: bigint | null = null;
  let last: bigint | null = null;
  let seal: Buffer = Buffer.alloc(0);
  let confirmed = 0;
  const find = (fault: Fault) => void (faults.length < mostFaults && faults.push(fault));

  const confirm = (sequence: bigint) => {
    while (waiting[0]?.size === tree.size()) {
      const { root, at, seal: signedSeal, first: from } = waiting.shift()!;
      if (root.equals(tree.root()) && signedSeal.equals(seal) && from === first) confirmed += 1;
      else find({ kind: 'differs', sequence, at });
    }
  };

  for await (const page of pages) {
    for (const row of page) {
      const sequence = BigInt(row.sequence);
      const expected: bigint = last === null ? sequence : last + 1n;
      if (sequence !== expected) find({ kind: 'gap', sequence, missing: sequence - expected });
      if (!isUnchanged(row)) find({ kind: 'changed', sequence });
      // Each link is tried on its own, so that one fault is told once and not for all that follow.
      if (!sealOf(seal, sequence, row.leaf).equals(row.seal)) find({ kind: 'broken', sequence });
      seal = row.seal;
      first ??= sequence;
      last = sequence;
      tree.append(row.leaf);
      confirm(sequence);
    }
  }
  const latest = waiting.at(-1);
  if (latest) {
    const missing = BigInt(latest.size - tree.size());
    find({ kind: 'cut', sequence: last ?? 0n, missing, at: latest.at });
  }
  return { entries: tree.size(), first, last, confirmed, faults };
};

/** A fault in words. */
export const describeFault = (fault: Fault): string => {
  switch (fault.kind) {
    case 'gap':
      return `before entry ${fault.sequence}: ${fault.missing} missing`;
    case 'changed':
      return `entry ${fault.sequence}: not as it was written`;
    case 'broken':
      return `entry ${fault.sequence}: does not follow on the one before it`;
    case 'differs':
      return `up to entry ${fault.sequence}: not the log that was signed for at ${fault.at}`;
    case 'cut':
      return `after entry ${fault.sequence}: ${fault.missing} missing that were signed for at ${fault.at}`;
  }
};
