import { expect, test } from '@jest/globals';
import { isTooDeep } from '../../src/sys/json-depth.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

test.each([
  ['nothing', '', false],
  ['as deep as can be', nested(64), false],
  ['one deeper', nested(65), true],
  ['very deep', '['.repeat(1_000_000), true],
  ['objects', '{"a":'.repeat(65), true],
  ['brackets in a string', `["${'['.repeat(100)}"]`, false],
  ['a quote that is escaped', `["\\"${'['.repeat(100)}"]`, false],
  ['a backslash before the quote', `["\\\\",${nested(64)}]`, true],
  ['a string that does not end', `"${'['.repeat(100)}`, false],
  ['side by side', '[],'.repeat(1000), false],
])('%s', (_name, text, tooDeep) => {
  expect(isTooDeep(text)).toBe(tooDeep);
});
