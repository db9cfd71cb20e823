import { expect, test } from '@jest/globals';
import { age } from '../../src/ui/age.ts';

const NOW = new Date('2026-01-10T12:00:00.000Z');

test.each([
  ['2026-01-10T12:00:00.000Z', '0s'],
  ['2026-01-10T11:59:00.500Z', '59s'],
  ['2026-01-10T11:59:00.000Z', '1m'],
  ['2026-01-10T11:00:01.000Z', '59m'],
  ['2026-01-10T11:00:00.000Z', '1h'],
  ['2026-01-09T12:00:01.000Z', '23h'],
  ['2026-01-09T12:00:00.000Z', '1d'],
  ['2025-01-10T12:00:00.000Z', '365d'],
])('%s is %s ago', (since, text) => {
  expect(age(since, NOW)).toBe(text);
});

test('a clock that went back, and a time that is none', () => {
  expect(age('2026-01-10T12:00:09.000Z', NOW)).toBe('0s');
  expect(age('yesterday', NOW)).toBe('?');
  expect(age('', NOW)).toBe('?');
});
