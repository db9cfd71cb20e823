import { expect, test } from '@jest/globals';
import { parseSince } from '../../src/sessions/logs.ts';

const NOW = new Date('2026-01-02T03:04:05.000Z');
/** A moment of this machine's zone, as a Date of numbers has it. */
const here = (...numbers: readonly [number, number, number, number, number, number]): string =>
  new Date(...numbers).toISOString();

test.each([
  ['90s', '2026-01-02T03:02:35.000Z'],
  ['0s', '2026-01-02T03:04:05.000Z'],
  ['1h30m', '2026-01-02T01:34:05.000Z'],
  ['1.5h', '2026-01-02T01:34:05.000Z'],
  ['2d', '2025-12-31T03:04:05.000Z'],
  ['2026-01-02T03:00:00Z', '2026-01-02T03:00:00.000Z'],
  ['2026-01-02T03:00:00.125+02:00', '2026-01-02T01:00:00.125Z'],
  ['2026-01-02', here(2026, 0, 2, 0, 0, 0)],
  ['2026-01-02T05:30', here(2026, 0, 2, 5, 30, 0)],
  ['2026-01-02 05:30:10', here(2026, 0, 2, 5, 30, 10)],
])('--since %s is %s', (text, moment) => {
  expect(parseSince(text, NOW)).toBe(moment);
});

test.each(['', 'yesterday', '10', '-10m', '10 m', 'm', '2026-13-01', '2026-1-2', '99999999999d', '1e3s'])(
  '--since %j is refused',
  (text) => {
    expect(() => parseSince(text, NOW)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  },
);
