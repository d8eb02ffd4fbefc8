import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decisionTable } from '../../tools/policyTable.ts';

/** What the privacy officer has read: `docs/tilgang.md`, row by row. */
const signed = readFileSync(new URL('../../../docs/tilgang.md', import.meta.url), 'utf8')
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const [title = '', ...lines] = section.split('\n');
    const rows = lines.filter((line) => line.startsWith('| ')).map((line) => line.slice(2, -2).split(' | '));
    return { title, rows: rows.slice(2).map(([name = '', ...cells]) => ({ name, cells })) };
  });
const table = decisionTable();

describe.each(signed)('$title', ({ title, rows }) => {
  it.each(rows)('$name sees what docs/tilgang.md says', ({ name, cells }) => {
    expect(table.get(title)?.get(name)).toEqual(cells);
  });
});

it('docs/tilgang.md has every situation and everybody', () => {
  expect(signed.map(({ title, rows }) => [title, rows.map(({ name }) => name)])).toEqual(
    [...table].map(([title, rows]) => [title, [...rows.keys()]]),
  );
});
