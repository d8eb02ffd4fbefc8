import { type OperationDefinitionNode, parse, print } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readApiSchema } from '../../../gateway/operation/publish.ts';
import { readFacts } from '../../../gateway/plan/supergraph.ts';
import { type Part, splitOperation } from '../../../gateway/stream/split.ts';
import { readSupergraph } from '../../../schema/compose.ts';

const schema = readApiSchema();
const facts = readFacts(readSupergraph());

const split = (text: string, variables: Record<string, unknown> = {}): readonly Part[] => {
  const document = parse(text, { noLocation: true });
  const operation = document.definitions[0] as OperationDefinitionNode;
  return splitOperation({ schema, facts, document, operation, hash: 'hash', variables });
};
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();
/** Each part as `label@path parent: operation`. */
const told = (text: string, variables: Record<string, unknown> = {}) =>
  split(text, variables).map(
    ({ label, path, parent, document }) =>
      `${label ?? ''}@${path.join('.')} ${parent?.id ?? '-'}: ${oneLine(print(document))}`,
  );

const about = (inner: string) => `query Q { patient(id: "p") { ${inner} } }`;

describe('an operation is split', () => {
  it('into what is not deferred and each deferred fragment, every one an operation from the root', () => {
    expect(told(about('id ... @defer(label: "a") { birthDate } ... @defer { labReports { status } }'))).toEqual([
      '@ -: query Q { patient(id: "p") { id } }',
      'a@patient 0: query Q { patient(id: "p") { birthDate } }',
      '@patient 0: query Q { patient(id: "p") { labReports { status } } }',
    ]);
  });

  it('not at all when nothing is deferred', () => {
    expect(split(about('id birthDate'))).toHaveLength(1);
  });

  it('by the values of conditions', () => {
    const text = `query Q($d: Boolean! = true, $s: Boolean!) {
      patient(id: "p") { id ... @defer(if: $d) { birthDate } ... @defer @skip(if: $s) { labReports { status } } }
    }`;
    expect(split(text, { d: true, s: false })).toHaveLength(3);
    expect(split(text, { d: true, s: true })).toHaveLength(2);
    expect(split(text, { d: false, s: true })).toHaveLength(1);
    expect(new Set(split(text, { d: true, s: false }).map(({ hash }) => hash)).size).toBe(3);
    expect(split(text, { d: true, s: true })[1]!.hash).not.toBe(split(text, { d: true, s: false })[1]!.hash);
  });

  it('with fragments in fragments: a part comes after the one that holds it', () => {
    const text = `query Q { ...outer @defer(label: "outer") viewer { role } }
      fragment outer on Query { patient(id: "p") { id ...inner @defer(label: "inner") } }
      fragment inner on Patient { documents { ...status } }
      fragment status on DocumentGroup { status }`;
    expect(told(text)).toEqual([
      '@ -: query Q { viewer { role } }',
      'outer@ 0: query Q { patient(id: "p") { id } }',
      'inner@patient 1: query Q { patient(id: "p") { documents { ...status } } } fragment status on DocumentGroup { status }',
    ]);
  });

  it('so that a field comes once: with the part that comes before those that ask for it', () => {
    expect(told(about('id name { text } ... @defer { id name { family } birthDate }'))).toEqual([
      '@ -: query Q { patient(id: "p") { id name { text } name { family } } }',
      '@patient 0: query Q { patient(id: "p") { birthDate } }',
    ]);
    const lists = about('labReports { nodes { id } } ... @defer { labReports { nodes { issued } } sex { text } }');
    expect(told(lists)[0]).toContain('labReports { nodes { id } } labReports { nodes { issued } }');
    expect(told(lists)[1]).not.toContain('labReports');
  });

  it('so that what two fragments ask for comes with what both hang on', () => {
    expect(told(about('... @defer { id birthDate } ... @defer { id sex { text } }'))).toEqual([
      '@ -: query Q { patient(id: "p") { id } }',
      '@patient 0: query Q { patient(id: "p") { birthDate } }',
      '@patient 0: query Q { patient(id: "p") { sex { text } } }',
    ]);
  });

  it('without a part for a fragment of which everything comes before; its own fragments hang on what is above it', () => {
    expect(told(about('id ... @defer(label: "empty") { id ... @defer(label: "in") { birthDate } }'))).toEqual([
      '@ -: query Q { patient(id: "p") { id } }',
      'in@patient 0: query Q { patient(id: "p") { birthDate } }',
    ]);
  });

  it('without a part for an object that is there already and to which it adds nothing', () => {
    const text = (more: string) => `query Q { patient(id: "p") { id } ... @defer { patient(id: "p") { id ${more} } } }`;
    expect(told(text(''))).toEqual(['@ -: query Q { patient(id: "p") { id } }']);
    const [first, second] = split(text('birthDate'));
    expect(first!.places).toMatchObject([{ isIntroduced: true }, { path: ['patient'], isIntroduced: true }]);
    expect(second!.places).toMatchObject([{ isIntroduced: false }, { path: ['patient'], isIntroduced: false }]);
  });

  it('with the object on which fragments hang in the first part, be it empty', () => {
    expect(told(about('... @defer { birthDate }'))).toEqual([
      '@ -: query Q { patient(id: "p") }',
      '@patient 0: query Q { patient(id: "p") { birthDate } }',
    ]);
  });

  it('where several sources meet, not inside what one source gives', () => {
    for (const inner of [
      'labReports { ... @defer { status } }',
      'labReports { nodes { ... @defer { id } } }',
      'name { ... @defer { text } }',
    ])
      expect(told(about(inner))).toEqual([`@ -: ${oneLine(about(inner)).replace(' @defer', '')}`]);
    expect(split('query Q { viewer { ... @defer { role } } }')).toHaveLength(1);
  });

  it('keeps the client’s order, aliases, arguments and other directives', () => {
    const text = `query Q($n: Int, $s: Boolean!) {
      p: patient(id: "p") { b: birthDate ... @defer { l: labReports(first: $n) { status @skip(if: $s) } m: birthDate } id }
    }`;
    expect(told(text, { s: false })).toEqual([
      '@ -: query Q { p: patient(id: "p") { b: birthDate id } }',
      '@p 0: query Q($n: Int, $s: Boolean!) { p: patient(id: "p") { l: labReports(first: $n) { status @skip(if: $s) } m: birthDate } }',
    ]);
  });

  it('once for a document and its conditions', () => {
    const document = parse(about('id ... @defer { birthDate }'));
    const operation = document.definitions[0] as OperationDefinitionNode;
    const question = { schema, facts, document, operation, hash: 'hash', variables: {} };
    expect(splitOperation(question)).toBe(splitOperation({ ...question, variables: { p: 1 } }));
  });
});
