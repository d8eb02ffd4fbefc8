import { hash } from 'node:crypto';

/** Tree hash of RFC 6962 section 2.1 over SHA-256. Leaves are hashed already (`leafOf` in `schema/accessEntry.ts`). */
const nodeOf = (left: Buffer, right: Buffer): Buffer =>
  hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer');

/** Root of the tree without leaves. */
const emptyRoot = hash('sha256', '', 'buffer');

/** A tree that only grows, kept as the roots of its perfect subtrees: some sixty hashes at the most, whatever its size. */
export type Tree = {
  size(): number;
  append(leaf: Buffer): void;
  root(): Buffer;
};

export const createTree = (): Tree => {
  let size = 0;
  const peaks: Buffer[] = []; // the largest first; one for each bit of `size` that is set
  return {
    size: () => size,
    append(leaf) {
      let node = leaf;
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) node = nodeOf(peaks.pop()!, node);
      peaks.push(node);
      size += 1;
    },
    root: () =>
      peaks.reduceRight<Buffer | null>((right, left) => (right ? nodeOf(left, right) : left), null) ?? emptyRoot,
  };
};

/** The largest power of two below `size`, where a tree is split (RFC 6962: k). */
const splitOf = (size: number): number => 2 ** Math.floor(Math.log2(size - 1));

const rootOf = (leaves: readonly Buffer[]): Buffer => {
  const tree = createTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
};

/**
 * Hashes that lead from one leaf to the root, the nearest first (RFC 6962 section 2.1.1).
 *
 * @param index of the leaf, from 0 to one below `leaves.length`
 */
export const inclusionProof = (leaves: readonly Buffer[], index: number): Buffer[] => {
  if (leaves.length <= 1) return [];
  const split = splitOf(leaves.length);
  return index < split
    ? [...inclusionProof(leaves.slice(0, split), index), rootOf(leaves.slice(split))]
    : [...inclusionProof(leaves.slice(split), index - split), rootOf(leaves.slice(0, split))];
};

/** The root that a leaf and its proof come to; it must be the root of a checkpoint. `null` for a proof of another length. */
export const rootFromProof = (leaf: Buffer, index: number, size: number, proof: readonly Buffer[]): Buffer | null => {
  const nearest = proof.at(-1);
  if (index < 0 || index >= size) return null;
  if (size <= 1) return nearest ? null : leaf;
  if (!nearest) return null;
  const split = splitOf(size);
  const isLeft = index < split;
  const below = isLeft
    ? rootFromProof(leaf, index, split, proof.slice(0, -1))
    : rootFromProof(leaf, index - split, size - split, proof.slice(0, -1));
  return below && (isLeft ? nodeOf(below, nearest) : nodeOf(nearest, below));
};
