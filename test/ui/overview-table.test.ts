import { expect, test } from '@jest/globals';
import { Chalk } from 'chalk';
import stringWidth from 'string-width';
import type { OverviewRow } from '../../src/sessions/overview.ts';
import { overviewColumns, progressBar } from '../../src/ui/overview-table.ts';
import { table } from '../../src/ui/table.ts';
import { overviewRow } from '../support/overview.ts';

const NOW = new Date('2026-01-02T00:00:00Z');
const ROWS: readonly OverviewRow[] = [
  overviewRow('fix-the-login-form-of-the-shop', {
    branch: 'ann/fix-the-login-form-of-the-shop',
    ...{ lines: { added: 1234, removed: 56 }, container: 'running', health: 'healthy' },
    agent: { state: 'exited', exit_code: 3, started_at: '', ended_at: null, log: '' },
    ports: ['8080->80', '8443->443'],
    says: {
      ...{ timestamp: '', status: 'running', phase: 'テストを実行しています 🚀🚀', blocked: true },
      ...{ progress: { current: 62, total: 100 }, tests: 'failed', todos: { done: 3, total: 7 } },
    },
  }),
  overviewRow('café', { status: 'finish cut short', settle: 'para recover café' }),
];
const lines = (width: number): string[] =>
  table(ROWS, overviewColumns(NOW, { usage: false }), new Chalk({ level: 0 }), width).split('\n');

test('200 columns: every column; where there is place, all of it', () => {
  expect(lines(200)[0]?.split(/ +/)).toEqual([
    ...['SESSION', 'STATUS', 'BRANCH', '+/-', 'CONTAINER', 'HEALTH', 'PHASE', 'PROGRESS', 'AGENT', 'TESTS'],
    ...['TODOS', 'PORTS', 'AGE'],
  ]);
  expect(lines(240)[1]?.split(/ {2,}/)).toEqual([
    ...['fix-the-login-form-of-the-shop', '-', 'ann/fix-the-login-form-of-the-shop', '+1234/-56', 'running'],
    ...['healthy', 'blocked: テストを実行しています 🚀🚀', '████░░░░', '62%', 'exit 3', 'failed', '3/7'],
    ...['8080->80 8443->443', '1d'],
  ]);
});

test('80 columns: what the work is at, and no line wider', () => {
  expect(lines(80)[0]?.split(/ +/)).toEqual([
    ...['SESSION', 'STATUS', 'CONTAINER', 'PHASE', 'PROGRESS', 'TESTS'],
  ]);
  expect(lines(80)[1]).toMatch(/^fix-the-\S+… +- +running +blocked\S+ .*█░+ +62% +failed$/);
});

test.each([20, 60, 80, 100, 120, 160])('no line is wider than %d, whatever stands in it', (width) => {
  const widest = Math.max(...lines(width).map((line) => stringWidth(line)));
  // What has no rank stays, cut to what it needs.
  expect(widest).toBeLessThanOrEqual(Math.max(width, 71));
});

test.each([
  [undefined, '-'],
  [{ current: 0, total: 0 }, '-'],
  [{ current: 0, total: 3 }, '░░░░░░░░   0%'],
  [{ current: 1, total: 3 }, '██░░░░░░  33%'],
  [{ current: 3, total: 3 }, '████████ 100%'],
])('the bar of %j', (progress, bar) => {
  expect(progressBar({ timestamp: '', status: 'running', ...(progress && { progress }) })).toBe(bar);
});

test('what containers use, when it was asked for', () => {
  const used = { cpu_percent: 150.04, memory_bytes: 3 * 2 ** 30, memory_limit_bytes: null, pids: 4 };
  const rows = [overviewRow('a', { usage: used }), overviewRow('b')];
  const text = table(rows, overviewColumns(NOW, { usage: true }), new Chalk({ level: 0 }), 80);
  expect(text).toMatch(/CPU +MEMORY[^]*\na .*150\.0% +3\.0 GiB[^]*\nb .*- +-/);
});
