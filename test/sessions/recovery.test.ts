import { describe, expect, test } from '@jest/globals';
import { NOTHING_SEEN } from '../../src/sessions/health-file.ts';
import type { HealthState } from '../../src/sessions/health.ts';
import {
  afterLook,
  decide,
  recentRestarts,
  withRestart,
  type Patient,
  type Policy,
} from '../../src/sessions/recovery.ts';

const NOW = new Date('2026-01-01T12:00:00.000Z');
const POLICY: Policy = { enabled: true, max_restarts: 3, window_seconds: 600, backoff: 10 };
const ago = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString();
const in_ = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000);
const restarted = (...seconds: readonly number[]): typeof NOTHING_SEEN => ({
  ...NOTHING_SEEN,
  restarts: seconds.map((each) => ({ at: ago(each), reason: 'x' })),
});
const is = (state: HealthState, container = 'running'): Patient => ({
  container,
  health: { state, reason: 'x' },
});
const DEAD = is('dead', 'exited');
const GIVEN_UP = { ...NOTHING_SEEN, given_up: { at: ago(1), reason: 'x', log: [] } };

test.each<readonly [string, Patient, typeof NOTHING_SEEN, ReturnType<typeof decide>]>([
  ['well', is('healthy'), NOTHING_SEEN, { act: 'nothing' }],
  ['it starts', is('starting'), NOTHING_SEEN, { act: 'nothing' }],
  ['stopped or paused', { container: 'paused', health: null }, NOTHING_SEEN, { act: 'nothing' }],
  ['it died', DEAD, NOTHING_SEEN, { act: 'restart', nth: 1 }],
  ['it was removed, which a restart does not mend', is('dead', 'missing'), NOTHING_SEEN, { act: 'nothing' }],
  ['its network is gone', is('dead', 'network missing'), NOTHING_SEEN, { act: 'nothing' }],
  ['it ran out of memory', is('dead', 'oom-killed'), NOTHING_SEEN, { act: 'restart', nth: 1 }],
  ['not well', is('unhealthy'), NOTHING_SEEN, { act: 'restart', nth: 1 }],
  ['silent since just now', is('stale'), NOTHING_SEEN, { act: 'wait', until: in_(10) }],
  ['silent for long', is('stale'), { ...NOTHING_SEEN, stale_since: ago(10) }, { act: 'restart', nth: 1 }],
  [
    'silent from the future',
    is('stale'),
    { ...NOTHING_SEEN, stale_since: ago(-99) },
    { act: 'wait', until: in_(10) },
  ],
  ['again, too soon', DEAD, restarted(4), { act: 'wait', until: in_(6) }],
  ['again', DEAD, restarted(10), { act: 'restart', nth: 2 }],
  ['a third time waits twice as long', DEAD, restarted(100, 15), { act: 'wait', until: in_(5) }],
  ['a third time', DEAD, restarted(100, 20), { act: 'restart', nth: 3 }],
  ['once too often', DEAD, restarted(300, 200, 100), { act: 'give up' }],
  ['one has left the window', DEAD, restarted(600, 200, 100), { act: 'restart', nth: 3 }],
  ['the clock was put back by hours', DEAD, restarted(-9999, -9999, -9999), { act: 'restart', nth: 1 }],
  ['given up', DEAD, GIVEN_UP, { act: 'nothing' }],
])('%s', (_what, patient, seen, verdict) => {
  expect(decide(patient, seen, POLICY, NOW)).toEqual(verdict);
  expect(decide(patient, seen, { ...POLICY, enabled: false }, NOW)).toEqual({ act: 'nothing' });
});

describe('what is remembered', () => {
  test('since when it is silent, until it is heard again', () => {
    const first = afterLook(NOTHING_SEEN, is('stale').health, NOW);
    expect(first.stale_since).toBe(NOW.toISOString());
    expect(afterLook(first, is('stale').health, in_(5))).toBe(first);
    expect(afterLook(first, is('healthy').health, in_(5))).toEqual({ ...NOTHING_SEEN, restarting: false });
  });

  test('that it was given up, until it is well', () => {
    expect(afterLook(GIVEN_UP, DEAD.health, NOW)).toBe(GIVEN_UP);
    expect(afterLook(GIVEN_UP, is('starting').health, NOW)).toBe(GIVEN_UP);
    expect(afterLook(GIVEN_UP, is('healthy').health, NOW)).toEqual({ ...NOTHING_SEEN, restarting: false });
  });

  test('that a restart has begun, until it is seen to run', () => {
    const begun = { ...NOTHING_SEEN, restarting: true };
    expect(afterLook(begun, DEAD.health, NOW)).toBe(begun);
    expect(afterLook(begun, is('starting').health, NOW)).toEqual({ ...NOTHING_SEEN, restarting: false });
  });

  test('the restarts that count, and the checks start anew', () => {
    const check = { state: 'unhealthy', since: ago(9), at: ago(1), failures: 3, output: '' } as const;
    const seen = { ...restarted(900, 100), check, stale_since: ago(20) };
    const after = withRestart(seen, 'it died', { policy: POLICY, now: NOW });
    expect(after).toEqual({
      ...NOTHING_SEEN,
      restarting: true,
      restarts: [
        { at: ago(100), reason: 'x' },
        { at: NOW.toISOString(), reason: 'it died' },
      ],
    });
    expect(recentRestarts(after, POLICY, NOW)).toHaveLength(2);
  });
});
