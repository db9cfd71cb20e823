import { expect, test } from '@jest/globals';
import { cut, cutStart } from '../../src/ui/cut.ts';

test.each([
  ['plain', 5, 'plain'],
  ['plainer', 5, 'plai…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  ['a👩‍👩‍👧b', 4, 'a👩‍👩‍👧b'],
  ['a👩‍👩‍👧bc', 4, 'a👩‍👩‍👧…'],
  ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
  ['plain', 1, '…'],
  ['plain', 0, ''],
])('%s in %d', (text, width, shown) => {
  expect(cut(text, width)).toBe(shown);
});

test.each([
  ['plain', 5, 'plain'],
  ['plainer', 5, '…iner'],
  ['日本語', 5, '…本語'],
  ['日本語', 4, '…語'],
  ['ab👩‍👩‍👧c', 4, '…👩‍👩‍👧c'],
])('the end of %s in %d', (text, width, shown) => {
  expect(cutStart(text, width)).toBe(shown);
});
