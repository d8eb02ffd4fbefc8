import { describe, expect, it } from 'vitest';
import { admits, identifierSystem, parseNationalId } from '../../schema/nationalId.ts';

describe('parseNationalId', () => {
  it.each([
    ['14834841291', { kind: 'fnr', synthetic: 'tenor80', rule: 'pre2032' }],
    ['08707925079', { kind: 'fnr', synthetic: 'nhn65', rule: 'pre2032' }],
    ['51829135594', { kind: 'dnr', synthetic: 'tenor80', rule: 'pre2032' }],
    ['24527030176', { kind: 'hnr', synthetic: false, rule: 'pre2032' }],
    ['80100001415', { kind: 'fhn', synthetic: 'fhn', rule: 'pre2032' }],
    ['15813250222', { kind: 'fnr', synthetic: 'tenor80', rule: '2032' }],
    ['15813250230', { kind: 'fnr', synthetic: 'tenor80', rule: '2032' }],
    ['15813250249', { kind: 'fnr', synthetic: 'tenor80', rule: '2032' }],
    ['15813250214', { kind: 'fnr', synthetic: 'tenor80', rule: 'pre2032' }],
  ])('reads %s', (value, expected) => {
    expect(parseNationalId(value)).toEqual(expected);
  });

  it.each(['14834841292', '1483484129', '148348412911', '1483484129a', ' 14834841291', '１４８３４８４１２９１', ''])(
    'refuses %j',
    (value) => {
      expect(parseNationalId(value)).toBeNull();
    },
  );
});

describe('admits', () => {
  it('keeps synthetic and real people apart', () => {
    const synthetic = parseNationalId('14834841291')!;
    const real = { ...synthetic, synthetic: false } as const;
    expect([admits('sandbox', synthetic), admits('production', synthetic)]).toEqual([true, false]);
    expect([admits('sandbox', real), admits('production', real)]).toEqual([false, true]);
  });
});

describe('identifierSystem', () => {
  it('never sends a D-number under the fnr system', () => {
    expect(identifierSystem('51829135594')).toBe('urn:oid:2.16.578.1.12.4.1.4.2');
    expect(identifierSystem('14834841291')).toBe('urn:oid:2.16.578.1.12.4.1.4.1');
    expect(identifierSystem('80100001415')).toBe('urn:oid:2.16.578.1.12.4.1.4.3');
  });
});
