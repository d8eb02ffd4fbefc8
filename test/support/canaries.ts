import { createHash } from 'node:crypto';
import type { Population, SyntheticPerson } from '../../sandbox/population/model.ts';
import { employees } from '../../sandbox/population/practitioners.ts';

/** What must not get out, and what kind of thing it is; messages of failed tests show it, and everybody is invented. */
export type Canary = { kind: 'national id' | 'name' | 'clinical' | 'secret'; text: string };

const offsets = [0, 1, 2];
/** A number as it may be hidden: written in two, in base64 wherever it stands in what was encoded, or hashed without a key. */
const formsOf = (nationalId: string): string[] => [
  nationalId,
  `${nationalId.slice(0, 6)} ${nationalId.slice(6)}`,
  // The first and last characters of base64 depend on the neighbours.
  ...offsets.map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(nationalId)]);
    return bytes.toString('base64').slice(Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3));
  }),
  Buffer.from(nationalId).toString('hex'),
  ...['md5', 'sha1', 'sha256'].map((algorithm) => createHash(algorithm).update(nationalId).digest('hex')),
];

/** What is said about the person by code or by where it was recorded; the words beside it are the canaries. */
const notPersonal = new Set([
  'organisation',
  'unit',
  'system',
  'code',
  'contentType',
  'id',
  'key',
  'point',
  'privacy',
  'municipality',
]);
const isWords = (text: string) => text.length >= 6 && !/^[\d\W]|^[A-Z0-9_]+$|:\/\/|^urn:/.test(text);

const wordsOf = (value: unknown): string[] => {
  if (typeof value === 'string') return isWords(value) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (notPersonal.has(key) ? [] : wordsOf(inner)));
};

const clinicalOf = (person: SyntheticPerson): string[] =>
  wordsOf([
    person.criticalInformation,
    person.documents,
    person.labReports,
    person.imagingReports,
    person.medication,
    person.services,
    person.address,
  ]);

/**
 * Everything about the sandbox's people that Kilde may only give to those who may see it: the numbers and names of
 * everybody, those who treat them included, and the words of their histories.
 *
 * @param publicText what anybody may read; a word of a history that stands there too gives nothing away
 */
export const canariesOf = ({ people, practitioners }: Population, publicText: string): Canary[] => {
  const isPublic = (text: string) => publicText.toLowerCase().includes(text.toLowerCase());
  const nationalIds = [
    ...people.flatMap(({ nationalId, formerNationalIds }) => [nationalId, ...formerNationalIds]),
    ...[...practitioners, ...employees].map(({ nationalId }) => nationalId),
  ].flatMap(formsOf);
  const names = [
    ...people.flatMap(({ givenName, familyName }) => [
      `${givenName} ${familyName}`,
      ...(familyName.length > 4 ? [familyName] : []), // «Sol» is in «console» too
    ]),
    ...[...practitioners, ...employees].map(({ name }) => `${name.given} ${name.family}`),
  ];
  const clinical = people.flatMap(clinicalOf);
  const all: Canary[] = [
    ...nationalIds.map((text) => ({ kind: 'national id' as const, text })),
    ...clinical.map((text) => ({ kind: 'clinical' as const, text })),
    ...names.map((text) => ({ kind: 'name' as const, text })), // last: histories name those who wrote them
  ];
  const byText = new Map(all.filter(({ text }) => !isPublic(text)).map((it) => [it.text.toLowerCase(), it]));
  return [...byText.values()];
};

/** Signed tokens, proofs and assertions begin as every JSON object in base64 does. */
const jwt = /eyJ[\w-]{16,}/;

/** The lines that hold a canary, each with the first that it holds. */
export const findCanaries = (lines: Iterable<string>, canaries: readonly Canary[]): string[] =>
  [...new Set(lines)].flatMap((line) => {
    const lower = line.toLowerCase();
    const found = canaries.find(({ kind, text }) =>
      kind === 'secret' ? line.includes(text) : lower.includes(text.toLowerCase()),
    );
    const what = found ? `${found.kind} ${found.text}` : jwt.exec(line)?.[0];
    return what === undefined ? [] : [`${what} in: ${line.slice(0, 2_000)}`];
  });
