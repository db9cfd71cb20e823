import { expect, test } from '@jest/globals';
import { shownRows, windowOf, type Sort } from '../../../src/ui/monitor/rows.ts';
import { overviewRow } from '../../support/overview.ts';

const says = (current: number, more: object = {}): object => ({
  says: {
    timestamp: '',
    status: 'running',
    phase: 'Testing 日本',
    progress: { current, total: 10 },
    ...more,
  },
});
const ROWS = [
  overviewRow('alpha', { ...says(3), container: 'running', lines: { added: 1, removed: 1 } }),
  overviewRow('beta', { created_at: '2026-01-03T00:00:00Z', ...says(9, { blocked: true }) }),
  overviewRow('gamma', { settle: 'para recover gamma', lines: { added: 5, removed: 0 } }),
  overviewRow('omega', { status: 'review', branch: 'other/branch' }),
];
const names = (filter: string, sort: Sort = 'name'): string =>
  shownRows(ROWS, filter, sort)
    .map(({ name }) => name)
    .join(' ');

test.each([
  ['', 'alpha beta gamma omega'],
  ['MM', 'gamma'],
  ['日本', 'alpha beta'],
  ['other/', 'omega'],
  ['review', 'omega'],
  ['running', 'alpha beta'],
  ['nothing', ''],
])('those with %j in them', (filter, shown) => {
  expect(names(filter)).toBe(shown);
});

test.each([
  ['state', 'gamma beta alpha omega'],
  ['progress', 'beta alpha gamma omega'],
  ['lines', 'gamma alpha beta omega'],
  ['age', 'beta alpha gamma omega'],
] as const)('by %s', (sort, shown) => {
  expect(names('', sort)).toBe(shown);
});

test('by state: whatever is not well comes before what runs, or waits for somebody', () => {
  const given_up = { at: '', reason: 'x', log: [] };
  const rows = [
    overviewRow('blocked', says(1, { blocked: true })),
    overviewRow('well', { health: 'healthy', container: 'running' }),
    overviewRow('starts', { health: 'starting', container: 'running' }),
    overviewRow('stopped', { container: 'exited' }),
    overviewRow('dead', { health: 'dead', container: 'exited' }),
    overviewRow('over', { health: 'dead', container: 'oom-killed', given_up }),
    overviewRow('stale', { health: 'stale', container: 'running' }),
    overviewRow('unwell', { health: 'unhealthy', container: 'running' }),
  ];
  expect(shownRows(rows, '', 'state').map(({ name }) => name)).toEqual([
    ...['dead', 'over', 'stale', 'unwell', 'blocked', 'well', 'starts', 'stopped'],
  ]);
});

test.each([
  // rows, selected, height, where it stood: where it stands
  [10, 0, 4, 0, 0],
  [10, 3, 4, 0, 0],
  [10, 4, 4, 0, 1],
  [10, 9, 4, 0, 6],
  [10, 5, 4, 6, 5],
  [10, 7, 4, 6, 6],
  [3, 2, 4, 6, 0],
  [0, 0, 4, 0, 0],
])('of %d rows the %dth is in a window of %d that stood at %d', (count, selected, height, top, now) => {
  expect(windowOf(count, selected, height, top)).toBe(now);
});
