/** SECURITY.md: each promise names the tests that hold it, and these are there. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CATALOGUE } from '../attack/catalogue.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const rows = read('SECURITY.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (-+|promise) /.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim()) as [string, string]);

/** The test files that are meant. */
function filesOf(cell: string): readonly string[] {
  const paths = [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
  return paths.flatMap((path) => {
    expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
    if (!statSync(join(ROOT, path)).isDirectory()) return [path];
    return readdirSync(join(ROOT, path))
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(path, name));
  });
}

test('there are promises', () => {
  expect(rows.length).toBeGreaterThan(15);
});

test.each(rows)('%s', (_promise, cell) => {
  const files = filesOf(cell);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(read(file)).toMatch(/^\s*(test|fuzz)\b/m);
});

test('as many attacks as it says are in the table', () => {
  const [, said = ''] = /(\d+) attacks from inside/.exec(read('SECURITY.md')) ?? [];
  expect(Number(said)).toBe(Object.keys(CATALOGUE).length);
});
