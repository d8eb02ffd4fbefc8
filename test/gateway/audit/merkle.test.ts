import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTree, inclusionProof, rootFromProof } from '../../../gateway/audit/merkle.ts';

const leafOf = (hex: string): Buffer =>
  hash('sha256', Buffer.concat([Buffer.of(0), Buffer.from(hex, 'hex')]), 'buffer');

/** The test vectors of the Certificate Transparency reference implementation for RFC 6962: inputs, and the root of the first n. */
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the tree of RFC 6962', () => {
  it.each(roots.map((root, size) => ({ size, root })))('has the published root at size $size', ({ size, root }) => {
    const tree = createTree();
    for (const input of inputs.slice(0, size)) tree.append(leafOf(input));
    expect(tree.size()).toBe(size);
    expect(tree.root().toString('hex')).toBe(root);
  });

  it('proves each leaf of a tree of any size, and nothing else', () => {
    const sizes = fc
      .integer({ min: 1, max: 70 })
      .chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1), other: fc.nat(size - 1) }));
    fc.assert(
      fc.property(sizes, ({ size, index, other }) => {
        const leaves = Array.from({ length: size }, (_, i) => leafOf(i.toString(16).padStart(4, '0')));
        const tree = createTree();
        for (const leaf of leaves) tree.append(leaf);
        const proof = inclusionProof(leaves, index);
        expect(rootFromProof(leaves[index]!, index, size, proof)).toEqual(tree.root());
        if (other !== index) expect(rootFromProof(leaves[index]!, other, size, proof)).not.toEqual(tree.root());
        expect(rootFromProof(leafOf('ff'), index, size, proof)).not.toEqual(tree.root());
        expect(rootFromProof(leaves[index]!, index, size, [...proof, leafOf('ff')])).toBeNull();
        if (proof.length > 0)
          expect(rootFromProof(leaves[index]!, index, size, proof.slice(1))).not.toEqual(tree.root());
      }),
    );
  });
});
