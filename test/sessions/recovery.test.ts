import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
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
/** None of them did any good. */
const vain = (...seconds: readonly number[]): typeof NOTHING_SEEN => ({
  ...restarted(...seconds),
  unwell_since: ago(Math.max(...seconds)),
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
  ['as often, and never well since the first', DEAD, vain(9000, 5000, 700), { act: 'give up' }],
  [
    'one that was well after the first two',
    DEAD,
    { ...restarted(9000, 5000, 100), unwell_since: ago(100) },
    { act: 'restart', nth: 2 },
  ],
  ['the clock was put back by hours', DEAD, restarted(-9999, -9999, -9999), { act: 'restart', nth: 1 }],
  ['given up', DEAD, GIVEN_UP, { act: 'nothing' }],
])('%s', (_what, patient, seen, verdict) => {
  expect(decide(patient, seen, POLICY, NOW)).toEqual(verdict);
  expect(decide(patient, seen, { ...POLICY, enabled: false }, NOW)).toEqual({ act: 'nothing' });
});

describe('what dies again and again is given up, with any settings', () => {
  const policies = fc.record({
    ...{ enabled: fc.constant(true), max_restarts: fc.integer({ min: 1, max: 100 }) },
    ...{ window_seconds: fc.integer({ min: 1, max: 604_800 }), backoff: fc.integer({ min: 0, max: 3_600 }) },
  });

  /** Restarts until it is given up; `late` is how much later than due each look is, of 1. */
  function restartsOf(policy: Policy, late: (nth: number) => number, between?: HealthState): number {
    let seen = NOTHING_SEEN;
    let now = NOW;
    for (let restarts = 0, looks = 0; looks < 1_000; looks += 1) {
      seen = afterLook(seen, DEAD.health, now);
      const verdict = decide(DEAD, seen, policy, now);
      if (verdict.act === 'give up') return restarts;
      if (verdict.act === 'restart') {
        restarts += 1;
        expect(verdict.nth).toBe(restarts);
        seen = withRestart(seen, 'x', { policy, now });
        if (between !== undefined) seen = afterLook(seen, is(between).health, now);
      } else if (verdict.act === 'wait') now = new Date(verdict.until.getTime() + late(restarts));
      else throw new Error('neither restarted nor given up');
    }
    throw new Error('never given up');
  }

  test('one that is never well: after as many restarts as are allowed, however late the looks are', () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(fc.nat(3_600_000), { minLength: 100, maxLength: 100 }),
        (policy, late) => {
          expect(restartsOf(policy, (nth) => late[nth] ?? 0)).toBe(policy.max_restarts);
        },
      ),
    );
  });

  test('one that is healthy each time, and dies within its share of half of the window', () => {
    fc.assert(
      fc.property(policies, fc.double({ min: 0, max: 0.99, noNaN: true }), (policy, share) => {
        const most = (policy.window_seconds * 1000) / (2 * policy.max_restarts);
        expect(restartsOf(policy, () => share * most, 'healthy')).toBe(policy.max_restarts);
      }),
    );
  });

  test('seven within ten minutes, ten seconds apart', () => {
    const policy = { enabled: true, max_restarts: 7, window_seconds: 600, backoff: 10 };
    expect(restartsOf(policy, () => 5_000, 'healthy')).toBe(7);
  });
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

  test('since which restart it was never healthy', () => {
    const first = withRestart(NOTHING_SEEN, 'x', { policy: POLICY, now: NOW });
    const second = withRestart(afterLook(first, is('starting').health, in_(5)), 'x', {
      ...{ policy: POLICY, now: in_(900) },
    });
    expect(second).toMatchObject({ unwell_since: NOW.toISOString(), restarts: [{}, {}] });
    expect(afterLook(second, is('healthy').health, in_(901)).unwell_since).toBeUndefined();
    // A clock that was put back.
    const again = withRestart(second, 'x', { policy: POLICY, now: in_(-99) });
    expect(again.unwell_since).toBe(in_(-99).toISOString());
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
      unwell_since: NOW.toISOString(),
      restarts: [
        { at: ago(100), reason: 'x' },
        { at: NOW.toISOString(), reason: 'it died' },
      ],
    });
    expect(recentRestarts(after, POLICY, NOW)).toHaveLength(2);
  });
});
