import { expect, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { Chalk } from 'chalk';
import { table, type Column } from '../../src/ui/table.ts';

interface Row {
  readonly name: string;
  readonly state: string;
}
const COLUMNS: readonly Column<Row>[] = [
  { head: 'NAME', cell: (row) => row.name },
  {
    head: 'STATE',
    cell: (row) => row.state,
    colour: (text, row, paint) => (row.state === 'up' ? paint.green(text) : text),
  },
  { head: 'LAST', cell: () => 'x' },
];
const plain = (rows: readonly Row[]): string => table(rows, COLUMNS, new Chalk({ level: 0 }));

test('columns as wide as their widest cell, two blanks between, none at the end', () => {
  expect(
    plain([
      { name: 'a-long-name', state: 'up' },
      { name: 'b', state: '' },
    ]),
  ).toBe(['NAME         STATE  LAST', 'a-long-name  up     x', 'b                   x'].join('\n'));
});

test('no rows: the heads', () => {
  expect(plain([])).toBe('NAME  STATE  LAST');
});

test('wide characters take two columns, combining ones none', () => {
  const lines = plain([
    { name: '日本', state: 'up' },
    { name: 'e\u0301', state: 'up' },
  ]).split('\n');
  expect(lines.slice(1)).toEqual(['日本  up     x', 'e\u0301     up     x']);
});

test('cells are made safe and are cut', () => {
  const [, row = ''] = plain([{ name: '\u001b[31mred\u001b[0m\n\u202ex', state: 'y'.repeat(200) }]).split(
    '\n',
  );
  expect(row).toBe(`red x  ${'y'.repeat(79)}…  x`);
});

test('colours do not move the columns', () => {
  const coloured = table([{ name: 'a', state: 'up' }], COLUMNS, new Chalk({ level: 1 }));
  expect(coloured).toContain('\u001b[32mup   \u001b[39m  x');
  expect(stripVTControlCharacters(coloured)).toBe(plain([{ name: 'a', state: 'up' }]));
});

test('what is too wide for the place: the widest columns give way, empty spare ones go', () => {
  const columns: readonly Column<Row>[] = [...COLUMNS, { head: 'HEALTH', cell: () => '-', spare: true }];
  const rows = [{ name: 'a-very-long-name-of-a-session', state: 'exited a while ago' }];
  const fitted = (width: number): readonly string[] =>
    table(rows, columns, new Chalk({ level: 0 }), width).split('\n');
  for (const width of [0, 200]) expect(fitted(width)[0]).toContain('HEALTH');
  for (const width of [30, 40, 50]) {
    const lines = fitted(width);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines[0]).not.toContain('HEALTH');
    expect(lines[1]).toContain('…');
  }
});
