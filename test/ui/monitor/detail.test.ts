import { expect, test } from '@jest/globals';
import stringWidth from 'string-width';
import { detailLines, type Line } from '../../../src/ui/monitor/detail.ts';
import { overviewRow } from '../../support/overview.ts';

const ROW = overviewRow('fix', {
  ...{ status: 'worktree missing', settle: 'para recover fix', container: 'running', ports: ['8080->80'] },
  ...{ defect: 'not JSON', said_at: '2026-01-01T23:59:30Z' },
  says: {
    ...{ timestamp: '', status: 'running', message: 'Adds\nthe \u001b[2Jform 日本語日本語' },
    ...{ services: { db: 'running', web: 'failed' }, todos: { done: 1, total: 2 } },
    ...{ errors: ['e1', 'e2', 'e3', 'e4'], warnings: ['w1'] },
  },
});
const lines = (
  height: number,
  width = 80,
  log: readonly string[] = ['one', 'two', 'three'],
): readonly Line[] => detailLines(ROW, log, { width, height, now: new Date('2026-01-02T00:00:00Z') });

test('what is wrong, where it is, what it says, and what was printed last', () => {
  expect(lines(14).map(({ text }) => text)).toEqual([
    '── fix  para/fix from main ─────────────────────────────────────────────────────',
    'worktree missing; to mend it: para recover fix',
    '/r/fix · container running · 8080->80',
    'says: Adds the form 日本語日本語 (running, 30s ago)',
    'todos 1/2 · service db running · service web failed',
    'what it says can not be taken: not JSON',
    ...['error: e2', 'error: e3', 'error: e4', 'warning: w1'],
    '── last output',
    ...['one', 'two', 'three'],
  ]);
});

test('why it is not well, and why it was given up', () => {
  const given_up = { at: '2026-01-01T23:58:00Z', reason: 'it was restarted twice', log: [] };
  const seen = (fields: Parameters<typeof overviewRow>[1]): readonly string[] =>
    detailLines(overviewRow('fix', fields), [], {
      width: 80,
      height: 4,
      now: new Date('2026-01-02T00:00:00Z'),
    })
      .map(({ text }) => text)
      .slice(1, 3);
  expect(seen({ health: 'dead', health_reason: 'it ended with exit code 137', given_up })).toEqual([
    'dead: it ended with exit code 137',
    'given up 2m ago: it was restarted twice',
  ]);
  expect(seen({ health: 'healthy', health_reason: 'its check passes' })[0]).not.toContain('passes');
});

test('what kind of box it is, and that it has not got its secrets', () => {
  const box = { network: 'restricted', hardening: 'strict', ssh_agent: true, secrets: 'missing' } as const;
  const texts = detailLines(overviewRow('fix', { container: 'running', box }), [], {
    ...{ width: 100, height: 3, now: new Date('2026-01-02T00:00:00Z') },
  }).map(({ text }) => text);
  expect(texts.slice(1)).toEqual([
    'its secrets are not in it; to give it them: para docker start fix',
    '/r/fix · container running (network restricted, hardening strict, ssh agent)',
  ]);
});

test('as many lines as there is place for, none too wide', () => {
  for (const height of [0, 3, 11, 12, 30]) expect(lines(height)).toHaveLength(height);
  expect(lines(12).at(-1)?.text).toBe('three');
  for (const width of [20, 33, 200])
    for (const { text } of lines(14, width)) expect(stringWidth(text)).toBeLessThanOrEqual(width);
});

test('no session: empty lines', () => {
  const nothing = detailLines(undefined, [], { width: 80, height: 2, now: new Date(0) });
  expect(nothing.map(({ text }) => text)).toEqual(['', '']);
});
