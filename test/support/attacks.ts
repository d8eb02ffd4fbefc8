/** `count` pieces of text, a space between. */
export const repeat = (count: number, piece: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => piece(index)).join(' ');

/** A selection set of so many levels, each wrapped in an inline fragment when one is given. */
export const nested = (levels: number, fragment = ''): string => {
  const [open, close] = fragment ? [`{ ${fragment} { a `, '} }'] : ['{ a ', '}'];
  return open.repeat(levels) + close.repeat(levels);
};

/** A name that a client made up, which no answer may repeat. */
export const canary = 'kanarifugl';

/** The synthetic person whom the attacks ask about. */
const patient = '14834841291';
const about = (inner: string, rest = '') => `{ patient(identifier: "${patient}") { ${inner} } } ${rest}`;

/**
 * The document of GHSA-q2f9-x4p4-7xmh, which fits the schema: each fragment spreads the next one twice, so that `levels` of
 * them hold 2^levels leaves.
 *
 * @param twice where a fragment spreads the next one; beneath two aliases unless told otherwise
 */
export const fragmentBomb = (
  levels: number,
  leaf = 'id',
  twice = (next: string) => `${canary}a: hasMember { ${next} } ${canary}b: hasMember { ${next} }`,
): string => {
  const type = 'DiagnosticObservation';
  const fragments = repeat(levels, (i) => `fragment f${i} on ${type} { ${twice(`...f${i + 1}`)} }`);
  return about('labReports { nodes { results { ...f0 } } }', `${fragments} fragment f${levels} on ${type} { ${leaf} }`);
};

type Code = 'LIMIT_EXCEEDED' | 'BAD_REQUEST';

/**
 * What a stock gateway spends seconds on, or answers with 100 kB (security reference 1.4, and rows B15 to B26 of 1.3); where
 * the token limit alone would refuse it, also the largest that passes that. With what each is refused as.
 */
export const attacks: [name: string, code: Code, query: string][] = [
  ['1,000 aliases of one field', 'LIMIT_EXCEEDED', about(repeat(1_000, (i) => `${canary}${i}: labReports { status }`))],
  ['300 aliases of one field', 'LIMIT_EXCEEDED', about(repeat(300, (i) => `${canary}${i}: labReports { status }`))],
  ['1,000 patients', 'LIMIT_EXCEEDED', `{ ${repeat(1_000, (i) => `${canary}${i}: patient { id }`)} }`],
  ['100 patients', 'LIMIT_EXCEEDED', `{ ${repeat(100, (i) => `${canary}${i}: patient { id }`)} }`],
  ['200 __typename at the root', 'LIMIT_EXCEEDED', `{ ${repeat(200, (i) => `${canary}${i}: __typename`)} }`],
  ['2,000 unknown directives', 'LIMIT_EXCEEDED', `{ viewer ${repeat(2_000, () => `@${canary}`)} { kind } }`],
  ['900 unknown directives', 'LIMIT_EXCEEDED', `{ viewer ${repeat(900, () => `@${canary}`)} { kind } }`],
  ['3,000 @skip', 'LIMIT_EXCEEDED', `{ viewer ${repeat(3_000, () => '@skip(if: true)')} { kind } }`],
  [
    '3,000 unused variables',
    'LIMIT_EXCEEDED',
    `query (${repeat(3_000, (i) => `$${canary}${i}: ID`)}) { viewer { kind } }`,
  ],
  ['480 unused variables', 'BAD_REQUEST', `query (${repeat(480, (i) => `$${canary}${i}: ID`)}) { viewer { kind } }`],
  ['480 times the same variable', 'BAD_REQUEST', `query (${repeat(480, () => `$${canary}: ID`)}) { viewer { kind } }`],
  ['480 times the same argument', 'BAD_REQUEST', `{ patient(${repeat(480, () => `${canary}: 1`)}) { id } }`],
  ['10,000 times the same field', 'LIMIT_EXCEEDED', about(repeat(10_000, () => 'id'))],
  ['1,980 times the same field', 'BAD_REQUEST', about(repeat(1_980, () => 'id'))],
  ['60 inline fragments of 40 fields', 'LIMIT_EXCEEDED', about(repeat(60, () => `... { ${repeat(40, () => 'id')} }`))],
  ['30 inline fragments of 60 fields', 'BAD_REQUEST', about(repeat(30, () => `... { ${repeat(60, () => 'id')} }`))],
  [
    '1,000 overlapping fragment spreads',
    'LIMIT_EXCEEDED',
    about(
      repeat(1_000, (i) => `...f${i % 180}`),
      repeat(180, (i) => `fragment f${i} on Patient { id }`),
    ),
  ],
  [
    '180 fragments spread side by side',
    'LIMIT_EXCEEDED',
    about(
      repeat(180, (i) => `...f${i}`),
      repeat(180, (i) => `fragment f${i} on Patient { id }`),
    ),
  ],
  [
    '1,000 fragments that nobody spreads',
    'LIMIT_EXCEEDED',
    `{ viewer { kind } } ${repeat(1_000, (i) => `fragment f${i} on Viewer { kind }`)}`,
  ],
  ['a fragment that spreads itself', 'BAD_REQUEST', '{ ...f } fragment f on Query { ...f }'],
  [
    'two fragments that spread each other',
    'BAD_REQUEST',
    '{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }',
  ],
  [
    'a circle of 240 fragments',
    'BAD_REQUEST',
    `{ ...f0 } ${repeat(240, (i) => `fragment f${i} on Query { ...f${(i + 1) % 240} }`)}`,
  ],
  ['depth 5,000', 'LIMIT_EXCEEDED', nested(5_000)],
  ['depth 900', 'LIMIT_EXCEEDED', nested(900)],
  ['400 inline fragments, one in another', 'LIMIT_EXCEEDED', about(`${'... { '.repeat(400)} id ${'}'.repeat(400)}`)],
  [
    'a list in a list, 20,000 times',
    'LIMIT_EXCEEDED',
    `{ patient(id: ${'['.repeat(20_000)}${']'.repeat(20_000)}) { id } }`,
  ],
  ['a list in a list, 900 times', 'LIMIT_EXCEEDED', `{ patient(id: ${'['.repeat(900)}${']'.repeat(900)}) { id } }`],
  ['5,000 operations', 'LIMIT_EXCEEDED', repeat(5_000, () => '{viewer}')],
  ['200 operations', 'LIMIT_EXCEEDED', repeat(200, (i) => `query ${canary}${i} { viewer { kind } }`)],
  ...Array.from({ length: 23 }, (_, i): [string, Code, string] => [
    `a fragment bomb of 2^${i + 8}`,
    'LIMIT_EXCEEDED',
    fragmentBomb(i + 8),
  ]),
  ['a fragment bomb with a leaf elsewhere', 'LIMIT_EXCEEDED', fragmentBomb(11, 'provenance { organisation { name } }')],
  [
    'a fragment bomb without alias or field in between',
    'LIMIT_EXCEEDED',
    fragmentBomb(20, 'id', (next) => `${next} ... { ${next} }`),
  ],
  [
    'introspection in a circle',
    'BAD_REQUEST',
    `{ __schema { types { ${'fields { type { '.repeat(5)}name ${'} }'.repeat(5)} } } }`,
  ],
];
