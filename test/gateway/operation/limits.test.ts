import { getIntrospectionQuery, parse, specifiedRules, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createAdmission } from '../../../gateway/operation/admit.ts';
import { type Limits, limits } from '../../../gateway/operation/limits.ts';
import { measureDocument } from '../../../gateway/operation/measure.ts';
import { readApiSchema } from '../../../gateway/operation/publish.ts';
import { attacks, canary, fragmentBomb, nested, repeat } from '../../support/attacks.ts';

const createAdmit = (introspection = true, change: Partial<Limits> = {}) =>
  createAdmission({
    trusted: { texts: new Map(), required: false },
    limits: { ...limits, ...change },
    introspection,
  });

type Refused = { message: string; extensions: { code: string; http: { status: number } } };

/** `admitted`, or status, code and text of the refusal. */
const answerTo = (body: Record<string, unknown>, admit = createAdmit()): string => {
  try {
    admit(body);
    return 'admitted';
  } catch (error) {
    const { message, extensions } = error as Refused;
    return `${extensions.http.status} ${extensions.code} ${message}`;
  }
};
const exceeded = (limit: string, most: number) => `400 LIMIT_EXCEEDED ${limit}: ${most} at most`;

const about = (inner: string, rest = '') => `{ patient(id: "a") { ${inner} } } ${rest}`;
const lists = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('a document is admitted at a limit and refused one beyond it:', () => {
  it.each<[name: string, limit: string, most: number, documentOf: (count: number) => string]>([
    ['tokens', 'Tokens in a document', limits.tokens, (n) => `{ ${repeat(n - 2, () => 'a')} }`],
    [
      'brackets',
      'Brackets open at once',
      limits.brackets,
      (n) => `{ a(b: 1) ${'... { '.repeat(n - 2)} a(b: 1) ${'}'.repeat(n - 2)} }`,
    ],
    ['operations', 'Operations in a document', limits.operations, (n) => repeat(n, (i) => `query q${i} { a }`)],
    [
      'fragments',
      'Fragments in a document',
      limits.fragments,
      (n) => `{ a } ${repeat(n, (i) => `fragment f${i} on Query { a }`)}`,
    ],
    ['depth', 'Levels of fields', limits.depth, (n) => nested(n)],
    ['depth in inline fragments', 'Levels of fields', limits.depth, (n) => nested(n, '... on Patient')],
    [
      'depth in named fragments',
      'Levels of fields',
      limits.depth,
      (n) => `{ ...f1 } ${repeat(n, (i) => `fragment f${i + 1} on A { a ${i + 1 < n ? `{ ...f${i + 2} }` : ''} }`)}`,
    ],
    [
      'depth in fragments of both kinds',
      'Levels of fields',
      limits.depth,
      (n) => `{ a { ... { b { ...f } } } } fragment f on A ${nested(n - 2)}`,
    ],
    [
      'depth under @include(if: false)',
      'Levels of fields',
      limits.depth,
      (n) => `{ a @include(if: false) ${nested(n - 1)} }`,
    ],
    [
      'depth of a fragment that nobody spreads',
      'Levels of fields',
      limits.depth,
      (n) => `{ a } fragment f on A ${nested(n)}`,
    ],
    [
      'depth of what is only called __schema (GHSA-733v-p3h5-qpq7)',
      'Levels of fields',
      limits.depth,
      (n) => `query __schema { __schema: a { ...__schema } } fragment __schema on A ${nested(n - 1)}`,
    ],
    [
      'depth of a __schema that is not at the root',
      'Levels of fields',
      limits.depth,
      (n) => `{ a { __schema ${nested(n - 2)} } }`,
    ],
    ['depth of __schema', 'Levels of fields in introspection', 18, (n) => `{ __schema ${nested(n - 1)} }`],
    [
      'aliases at the root',
      'Aliases with fragments written out',
      limits.aliases,
      (n) => `{ ${repeat(n, (i) => `a${i % 5}: viewer`)} }`,
    ],
    [
      'aliases of a leaf',
      'Aliases with fragments written out',
      limits.aliases,
      (n) => about(repeat(n, (i) => `a${i}: id`)),
    ],
    [
      'aliases of __typename (B20)',
      'Aliases with fragments written out',
      limits.aliases,
      (n) => about(repeat(n, (i) => `a${i}: __typename`)),
    ],
    [
      'aliases in a fragment, at each of its spreads',
      'Aliases with fragments written out',
      limits.aliases,
      (n) =>
        about(
          `...f ...f ... { ...f } ${repeat(n - 15, (i) => `b${i}: id`)}`,
          `fragment f on A { ${repeat(5, (i) => `a${i}: id`)} }`,
        ),
    ],
    ['root fields', 'Different fields at the root', limits.rootFields, (n) => `{ ${repeat(n, (i) => `a${i}`)} }`],
    [
      'root fields in fragments',
      'Different fields at the root',
      limits.rootFields,
      (n) => `{ a a ...f ... { b } } fragment f on Query { ${repeat(n - 2, (i) => `c${i}`)} }`,
    ],
    [
      'patients',
      'Patients in an operation',
      limits.patients,
      (n) => `{ ${repeat(n, (i) => `p${i}: patient(id: "a") { id }`)} }`,
    ],
    [
      'patients in a fragment',
      'Patients in an operation',
      limits.patients,
      (n) => `{ ...f } fragment f on Query { ${repeat(n, (i) => `p${i}: patient(id: "a") { id }`)} }`,
    ],
    ['directives', 'Directives in a document', limits.directives, (n) => `{ a ${'@skip(if: true)'.repeat(n)} }`],
    [
      'directives on variables, operations and fragments',
      'Directives in a document',
      limits.directives,
      (n) => `query ($v: A @a) @a { b(c: $v) ...f ... @a { b } } fragment f on Query @a { b ${'@a '.repeat(n - 4)} }`,
    ],
    [
      'deferred fragments',
      'Deferred fragments',
      limits.deferred,
      (n) =>
        about(
          repeat(n, (i) => (i % 2 ? '... @defer { id }' : '...f @defer')),
          'fragment f on Patient { id }',
        ),
    ],
    [
      'deferred fragments in a fragment, at each of its spreads',
      'Deferred fragments',
      limits.deferred,
      (n) =>
        about(
          `${'...f '.repeat(Math.floor(n / 2))} ${n % 2 ? '... @defer(if: false) { id }' : ''}`,
          'fragment f on Patient { ... @defer { id } ...g @defer } fragment g on Patient { id }',
        ),
    ],
    [
      'selections, those of a fragment at each of its spreads',
      'Selections with fragments written out',
      limits.selections,
      (n) =>
        `{ ${repeat(Math.floor(n / 10), () => '...f')} ${repeat(n % 10, () => 'a')} } fragment f on Query { ${repeat(9, () => 'a')} }`,
    ],
    [
      'levels of a list as written',
      'Levels of lists and objects in an argument',
      limits.literalDepth,
      (n) => `{ a(b: ${lists(n)}) }`,
    ],
    [
      'levels of an object as written',
      'Levels of lists and objects in an argument',
      limits.literalDepth,
      (n) => `{ a @b(c: ${'{d: '.repeat(n)}1${'}'.repeat(n)}) }`,
    ],
    [
      'levels of a default value',
      'Levels of lists and objects in an argument',
      limits.literalDepth,
      (n) => `query ($v: A = ${lists(n)}) { a(b: $v) }`,
    ],
    [
      'the name of an operation',
      'Characters of an operation’s name',
      limits.operationNameLength,
      (n) => `query ${'n'.repeat(n)} { a }`,
    ],
  ])('%s', (_name, limit, most, documentOf) => {
    expect(answerTo({ query: documentOf(most) })).toBe('admitted');
    expect(answerTo({ query: documentOf(most + 1) })).toBe(exceeded(limit, most));
  });
});

describe('what comes beside a document', () => {
  const query = '{ viewer { kind } }';
  const deep = (levels: number): unknown => JSON.parse(`${'{"a":['.repeat(levels)}${']}'.repeat(levels)}`);
  it.each<[name: string, limit: string, most: number, of: (count: number) => Record<string, unknown>]>([
    [
      'variables in bytes',
      'Bytes of variables',
      limits.variablesBytes,
      (n) => ({ variables: { a: 'x'.repeat(n - 8) } }),
    ],
    [
      'variables in bytes of UTF-8',
      'Bytes of variables',
      limits.variablesBytes,
      (n) => ({ variables: { a: `${'å'.repeat(100)}${'x'.repeat(n - 208)}` } }),
    ],
    [
      'levels of variables',
      'Levels of lists and objects in variables',
      limits.variablesDepth,
      (n) => ({ variables: n % 2 === 0 ? deep(n / 2) : { b: deep((n - 1) / 2) } }),
    ],
    [
      'operationName',
      'Characters of operationName',
      limits.operationNameLength,
      (n) => ({ operationName: 'n'.repeat(n) }),
    ],
  ])('is admitted at a limit and refused one beyond it: %s', (_name, limit, most, of) => {
    expect(answerTo({ query, ...of(most) })).toBe('admitted');
    expect(answerTo({ query, ...of(most + 1) })).toBe(exceeded(limit, most));
  });

  it('is looked at again although its document is remembered', () => {
    const admit = createAdmit();
    expect(answerTo({ query }, admit)).toBe('admitted');
    expect(answerTo({ query, variables: deep(5) }, admit)).toContain('Levels of lists and objects in variables');
    expect(answerTo({ query, variables: { a: 'x'.repeat(20_000) } }, admit)).toContain('Bytes of variables');
    expect(answerTo({ query }, admit)).toBe('admitted');
  });

  it('variables 5,000 levels deep are refused without going down there', () => {
    expect(answerTo({ query, variables: deep(2_500) })).toContain('Levels of lists and objects in variables');
  });
});

describe('limits', () => {
  it('count up to 2^53 and stay there (CVE-2025-32032 and its family: a counter that wraps)', () => {
    for (const levels of [31, 32, 53, 64, 1_000]) {
      const { selections } = measureDocument(parse(fragmentBomb(levels)));
      expect([levels, selections]).toEqual([levels, Math.min(Number.MAX_SAFE_INTEGER, selections)]);
      expect(selections).toBeGreaterThan(2 ** 31);
    }
    expect(measureDocument(parse(fragmentBomb(1_000))).selections).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('hold for a document that an earlier, wider limit let through (Router #8810)', () => {
    const query = nested(10);
    expect(answerTo({ query }, createAdmit())).toBe('admitted');
    expect(answerTo({ query }, createAdmit(true, { depth: 9 }))).toBe(exceeded('Levels of fields', 9));
  });

  it('give introspection its own depth only where it is answered', () => {
    const query = getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true });
    expect(answerTo({ query }, createAdmit(true))).toBe('admitted');
    expect(answerTo({ query }, createAdmit(false))).toBe(exceeded('Levels of fields', limits.depth));
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'])(
    'take %s for a name like any other (CVE-2026-32621)',
    (name) => {
      const fragment = `fragment ${name} on Query { ${name}: viewer { kind } }`;
      expect(answerTo({ query: `query ${name}($${name}: Int) { ...${name} } ${fragment}`, operationName: name })).toBe(
        'admitted',
      );
      expect(answerTo({ query: `{ ...${name} }`, variables: JSON.parse(`{"${name}": {"a": 1}}`) })).toBe('admitted');
      expect(answerTo({ query: `{ ...${name} } fragment ${name} on Query { ...${name} }` })).toBe(
        '400 BAD_REQUEST A fragment spreads itself',
      );
      expect(({} as Record<string, unknown>)['a']).toBeUndefined();
    },
  );
});

describe('within 50 ms of CPU and without a made-up name in the answer', () => {
  const schema = readApiSchema();

  /** User and system time of this process, not time on the clock: other work on the machine does not count. */
  const cpuMsOf = <T>(work: () => T): [number, T] => {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    return [(user + system) / 1_000, result];
  };

  /** As the server does it: limits first, then validation that stops at `limits.errors`. */
  const refuse = (query: string): string => {
    const answer = answerTo({ query });
    if (answer !== 'admitted') return answer;
    const errors = validate(schema, parse(query, { maxTokens: limits.tokens }), specifiedRules, {
      maxErrors: limits.errors - 1,
    });
    return errors.length === 0 ? 'valid' : `invalid, ${errors.length} errors`;
  };

  it.each(attacks)('%s is refused as %s', (_name, code, query) => {
    // The least of five: the first also compiles the code that works, and a collection of garbage may fall into any.
    const runs = Array.from({ length: 5 }, () => cpuMsOf(() => refuse(query)));
    const [cpuMs, answer] = runs.reduce((a, b) => (b[0] < a[0] ? b : a));
    expect(answer).toMatch(
      code === 'LIMIT_EXCEEDED' ? /^400 LIMIT_EXCEEDED/ : /^400 BAD_REQUEST|^invalid, [1-8] errors/,
    );
    expect(answer).not.toContain(canary);
    expect(cpuMs).toBeLessThan(50);
  });

  it('what is valid and as large as the limits let it be is validated', () => {
    const fragments = repeat(
      limits.fragments,
      (i) => `fragment f${i} on Patient { ${repeat(7, () => 'id birthDate name { text }')} }`,
    );
    const query = about(
      repeat(limits.fragments, (i) => `...f${i}`),
      fragments,
    );
    const runs = Array.from({ length: 5 }, () => cpuMsOf(() => refuse(query)));
    expect(runs.map(([, answer]) => answer)).toEqual(Array(5).fill('valid'));
    expect(Math.min(...runs.map(([cpuMs]) => cpuMs))).toBeLessThan(50);
  });
});
