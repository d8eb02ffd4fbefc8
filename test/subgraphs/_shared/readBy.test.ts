import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  FhirBundle,
  FhirCodeableConcept,
  FhirOperationOutcome,
  FhirReference,
  FhirResource,
} from '../../../subgraphs/_shared/fhir.ts';
import { isReadInPlace, readBy } from '../../../subgraphs/_shared/readBy.ts';
import {
  NilarObservation,
  NilarPractitionerRole,
  NilarReport,
  NilarServiceRequest,
  NilarSpecimen,
} from '../../../subgraphs/provesvar/adapter/nilar.ts';

const Inner = z.object({
  code: z.string().optional(),
  rank: z.number().nullish(),
  tags: z.array(z.string()).default([]),
});
type Tree = { name: string; below?: Tree[] | undefined };
const Tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), below: z.array(Tree).optional() }));
/** Every kind that is read in place, and each where it may stand. */
const Everything = z.object({
  text: z.string(),
  short: z.string().max(3).optional(),
  count: z.number().optional(),
  whole: z.number().int().nullable().default(null),
  flag: z.boolean().default(false),
  kind: z.literal('a'),
  status: z.enum(['x', 'y']).optional(),
  any: z.unknown().optional(),
  some: z.unknown(),
  inner: Inner.optional(),
  list: z.array(Inner).default([]),
  lists: z.array(z.array(z.number())).optional(),
  loose: z.looseObject({ url: z.string() }).optional(),
  tree: Tree.optional(),
  resource: FhirResource.optional(),
  one: z
    .discriminatedUnion('is', [
      z.object({ is: z.literal('a'), a: z.string() }),
      z.object({ is: z.enum(['b', 'c']), list: z.array(z.string()).default([]) }),
    ])
    .optional(),
  maybe: z.string().default('x').optional(),
});

const scalar = fc.oneof(
  fc.constantFrom('a', 'b', 'x', 'word', ''),
  fc.constantFrom(0, 1, 1.5, Number.POSITIVE_INFINITY),
  fc.boolean(),
  fc.constant(null),
);
const anything = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>;
const mostly = <T>(right: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 30, arbitrary: right }, { weight: 1, arbitrary: anything });
const inner = fc.record(
  {
    code: mostly(fc.string()),
    rank: mostly(fc.constantFrom(1, null)),
    tags: mostly(fc.array(mostly(fc.string()))),
    other: scalar,
  },
  { requiredKeys: [] },
);
const tree = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.record(
    { name: mostly(fc.string()), below: fc.array(tie('tree'), { maxLength: 2 }) },
    { requiredKeys: ['name'] },
  ),
})).tree;
const everything = fc.record(
  {
    text: mostly(fc.string()),
    short: mostly(fc.string({ maxLength: 4 })),
    count: mostly(fc.constantFrom(1, -2.5)),
    whole: mostly(fc.constantFrom(1, null)),
    flag: mostly(fc.boolean()),
    kind: mostly(fc.constant('a')),
    status: mostly(fc.constantFrom('x', 'y')),
    any: anything,
    some: fc.constant(1),
    inner: mostly(inner),
    list: mostly(fc.array(mostly(inner), { maxLength: 3 })),
    lists: mostly(fc.array(fc.array(mostly(fc.integer())))),
    loose: mostly(fc.record({ url: mostly(fc.string()), more: anything }, { requiredKeys: [] })),
    tree: mostly(tree),
    resource: mostly(fc.record({ resourceType: mostly(fc.string()), id: scalar }, { requiredKeys: [] })),
    one: mostly(
      fc.record(
        { is: mostly(fc.constantFrom('a', 'b', 'c')), a: mostly(fc.string()), list: mostly(fc.array(fc.string())) },
        { requiredKeys: ['is'] },
      ),
    ),
    maybe: mostly(fc.string()),
    unknown: anything,
  },
  { requiredKeys: ['text', 'kind'] },
);

describe('readBy', () => {
  it('says what zod says, of anything', () => {
    expect(isReadInPlace(Everything)).toBe(true);
    let right = 0;
    let wrong = 0;
    fc.assert(
      fc.property(
        fc.oneof({ weight: 20, arbitrary: everything as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything }),
        (value) => {
          const byZod = Everything.safeParse(structuredClone(value));
          const read = readBy(Everything, structuredClone(value));
          expect(read.ok).toBe(byZod.success);
          if (read.ok) right += 1;
          else wrong += 1;
          // The members that zod would have left out are still there; without them the two are the same.
          if (read.ok && byZod.success) expect(Everything.parse(read.value)).toEqual(byZod.data);
          if (!read.ok) expect(read.paths).toEqual(byZod.error?.issues.map(({ path }) => path.join('.')));
        },
      ),
      { numRuns: 3_000 },
    );
    expect(Math.min(right, wrong)).toBeGreaterThan(300);
  });

  it('fills in defaults where the value lies, without a copy', () => {
    const value = { text: 'a', kind: 'a', some: 1, list: [{}], unknown: 1 };
    const read = readBy(Everything, value);
    expect(read).toEqual({
      ok: true,
      value: { text: 'a', kind: 'a', some: 1, whole: null, flag: false, list: [{ tags: [] }], maybe: 'x', unknown: 1 },
    });
    expect(read.ok && read.value).toBe(value);
  });

  it('gives each value a default list of its own', () => {
    const [one, other] = [readBy(Inner, {}), readBy(Inner, {})];
    if (one.ok) one.value.tags.push('a');
    expect(other).toEqual({ ok: true, value: { tags: [] } });
  });

  it('lets zod read a shape that does more than check and fill in', () => {
    for (const [shape, value, expected] of [
      [z.object({ a: z.string().transform((it) => it.length) }), { a: 'abc' }, { a: 3 }],
      [z.strictObject({ a: z.string() }), { a: 'b' }, { a: 'b' }],
      [z.object({ a: z.union([z.string(), z.number()]) }), { a: 1 }, { a: 1 }],
      [z.object({ a: z.string() }).refine(({ a }) => a === 'b'), { a: 'b' }, { a: 'b' }],
      [z.object({ a: z.string().trim() }), { a: ' b ' }, { a: 'b' }],
    ] as const)
      expect(readBy(shape, value)).toEqual({ ok: true, value: expected });
    expect(isReadInPlace(z.strictObject({ a: z.string() }))).toBe(false);
    expect(readBy(z.strictObject({ a: z.string() }), { a: 'b', c: 1 })).toMatchObject({ ok: false });
    expect(
      readBy(
        z.object({ a: z.string() }).refine(({ a }) => a === 'b'),
        { a: 'c' },
      ),
    ).toMatchObject({ ok: false });
  });

  it('takes names of members for names, whatever they mean to JavaScript', () => {
    const shape = z.object({ 'a"b\n]': z.string() });
    expect(readBy(shape, { 'a"b\n]': 'x' })).toMatchObject({ ok: true });
    expect(readBy(shape, { 'a"b\n]': 1 })).toMatchObject({ ok: false });
    const polluted = JSON.parse('{"text":"a","kind":"a","some":1,"__proto__":{"list":1}}');
    expect(readBy(Everything, polluted)).toMatchObject({ ok: true, value: { list: [] } });
    expect(({} as { list?: unknown }).list).toBeUndefined();
  });

  it.each([
    ['FhirBundle', FhirBundle],
    ['FhirOperationOutcome', FhirOperationOutcome],
    ['FhirCodeableConcept', FhirCodeableConcept],
    ['FhirReference', FhirReference],
    ['NilarReport', NilarReport],
    ['NilarObservation', NilarObservation],
    ['NilarSpecimen', NilarSpecimen],
    ['NilarServiceRequest', NilarServiceRequest],
    ['NilarPractitionerRole', NilarPractitionerRole],
  ])('reads %s in place', (_name, shape) => {
    expect(isReadInPlace(shape)).toBe(true);
  });
});
