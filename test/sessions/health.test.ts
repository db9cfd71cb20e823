import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterCheck, type CheckState } from '../../src/sessions/health-check.ts';
import {
  forgetHealth,
  lastSign,
  NOTHING_SEEN,
  readHealth,
  writeHealth,
} from '../../src/sessions/health-file.ts';
import { gaveUp, healthNow } from '../../src/sessions/health-now.ts';
import { healthOf, type Signs } from '../../src/sessions/health.ts';
import { placesOf, type SessionRecord } from '../../src/sessions/store.ts';
import { sessionRecord } from '../support/record.ts';

const RUNS: Signs = {
  ...{ container: 'running', status: 'Up 5 minutes', wanted: 'running', check: undefined, restarting: false },
  sign: { ageMs: 2_000, beaten: true },
};
const CHECK: CheckState = {
  ...{ state: 'healthy', failures: 0, output: '' },
  ...{ since: '2026-01-01T00:00:00.000Z', at: '2026-01-01T00:00:00.000Z' },
};
const failed = (failures: number, output = ''): CheckState => ({
  ...CHECK,
  ...{ state: 'unhealthy', failures, output },
});

test.each<readonly [string, Partial<Signs>, string | null, string]>([
  ['no container', { container: null }, null, ''],
  ['an engine that does not answer', { container: 'not asked' }, null, ''],
  ['paused', { container: 'paused' }, null, ''],
  ['made, never started', { container: 'created' }, null, ''],
  ['removed by hand', { container: 'missing' }, 'dead', 'its engine has no such container'],
  ['its network removed', { container: 'network missing' }, 'dead', 'its network is gone'],
  [
    'killed',
    { container: 'exited', status: 'Exited (137) 2 hours ago' },
    'dead',
    'it ended with exit code 137',
  ],
  [
    'killed for want of memory',
    { container: 'oom-killed', memoryBytes: 2 ** 26 },
    'dead',
    'it had used up its 64 MiB of memory',
  ],
  ['the same, without a known limit', { container: 'oom-killed' }, 'dead', 'it had used up its memory'],
  ['ended, and nobody knows how', { container: 'dead', status: '' }, 'dead', 'it ended'],
  ['stopped by hand', { container: 'exited', status: 'Exited (0) 2 hours ago' }, null, ''],
  [
    'stopped for a restart that was cut short',
    { container: 'exited', status: 'Exited (0) now', restarting: true },
    'dead',
    'its restart was cut short',
  ],
  ['stopped by para', { container: 'exited', status: 'Exited (137) now', wanted: 'stopped' }, null, ''],
  ['gone after it was stopped', { container: 'missing', wanted: 'stopped' }, null, ''],
  ['a runner that beats', {}, 'healthy', 'its runner answers'],
  [
    'just started',
    { sign: { ageMs: 9_000, beaten: false } },
    'starting',
    'its runner has not been heard of yet',
  ],
  ['no sign at all', { sign: undefined }, 'starting', 'its runner has not been heard of yet'],
  [
    'silent',
    { sign: { ageMs: 31_000, beaten: true } },
    'stale',
    'its runner has been silent for more than 15 s',
  ],
  [
    'silent for long',
    { sign: { ageMs: 600_000, beaten: false } },
    'stale',
    'its runner has been silent for more than 15 s',
  ],
  ['the engine checks', { status: 'Up 5 minutes (healthy)' }, 'healthy', 'its health check passes'],
  ['and starts', { status: 'Up 5 s (health: starting)' }, 'starting', 'its health check has not passed yet'],
  ['and fails', { status: 'Up 5 minutes (unhealthy)' }, 'unhealthy', 'its health check fails'],
  ['para checks', { check: CHECK }, 'healthy', 'its health check passes'],
  ['and fails', { check: failed(3, 'no\nroute') }, 'unhealthy', 'its health check failed 3 times: no route'],
  ['once', { check: failed(1) }, 'unhealthy', 'its health check failed once'],
  [
    'well and silent',
    { check: CHECK, sign: { ageMs: 31_000, beaten: true } },
    'stale',
    'its runner has been silent for more than 15 s',
  ],
])('%s', (_what, signs, state, reason) => {
  const health = healthOf({ ...RUNS, ...signs });
  expect(health).toEqual(state === null ? null : { state, reason });
});

describe('checks in a row', () => {
  const check = { command: 'x', intervalSeconds: 5, timeoutSeconds: 1, retries: 2, startPeriodSeconds: 10 };
  const run = (...passes: readonly boolean[]): CheckState | null =>
    passes.reduce<CheckState | null>(
      (before, passed, n) => afterCheck(before, { passed, output: '' }, { check, at: new Date(n * 5_000) }),
      null,
    );

  test.each<[string, readonly boolean[], CheckState['state'], number]>([
    ['the first passes', [true], 'healthy', 0],
    ['failures in the start period do not count', [false, false], 'starting', 0],
    ['then they do', [false, false, false], 'starting', 1],
    ['and make it unhealthy', [false, false, false, false], 'unhealthy', 2],
    ['one alone does not', [true, false], 'healthy', 1],
    ['once it was healthy the start is over', [true, false, false], 'unhealthy', 2],
    ['one that passes makes it well', [true, false, false, true], 'healthy', 0],
  ])('%s', (_what, passes, state, failures) => {
    expect(run(...passes)).toMatchObject({ state, failures });
  });
});

describe('on disk', () => {
  let root: string;
  let dir: string;
  const now = new Date('2026-01-02T00:00:00.000Z');
  const at = (name: string, text: string, secondsAgo: number): void => {
    const path = join(dir, 'out', name);
    writeFileSync(path, text);
    utimesSync(path, now, now.getTime() / 1000 - secondsAgo);
  };
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'para-health-'));
    dir = placesOf(root).docker('s');
    mkdirSync(join(dir, 'out'), { recursive: true });
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });

  test('a sign of life: the machine’s uptime counts, and the file’s time where that is another', async () => {
    const clocks = { now, uptime: 1_000 };
    expect(await lastSign(dir, clocks)).toBeUndefined();
    at('ready', '', 90);
    expect(await lastSign(dir, clocks)).toEqual({ ageMs: 90_000, beaten: false });
    at('heartbeat', '960 7\n', 80);
    expect(await lastSign(dir, clocks)).toEqual({ ageMs: 40_000, beaten: true });
    // The clock was put back, or ahead.
    expect(await lastSign(dir, { ...clocks, now: new Date(0) })).toEqual({ ageMs: 0, beaten: true });
    expect(await lastSign(dir, { ...clocks, now: new Date(2e12) })).toEqual({ ageMs: 40_000, beaten: true });
    // Of before a reboot, and of a machine with another uptime.
    expect(await lastSign(dir, { now, uptime: 5 })).toMatchObject({ ageMs: 80_000 });
    expect(await lastSign(dir, { now, uptime: 900_000 })).toMatchObject({ ageMs: 80_000 });
    // Started again: the beat is of the run before.
    at('ready', '', 1);
    expect(await lastSign(dir, clocks)).toEqual({ ageMs: 1_000, beaten: false });
  });

  test('a link in the place of a sign is none', async () => {
    rmSync(join(dir, 'out/ready'));
    rmSync(join(dir, 'out/heartbeat'));
    writeFileSync(join(root, 'else'), '999 7\n');
    symlinkSync(join(root, 'else'), join(dir, 'out/heartbeat'));
    expect(await lastSign(dir, { now, uptime: 1_000 })).toBeUndefined();
  });

  test('what was seen is kept, and forgotten; what makes no sense is nothing', async () => {
    expect(await readHealth(dir)).toEqual(NOTHING_SEEN);
    const given_up = { at: now.toISOString(), reason: 'it ended', log: ['bye'] };
    await writeHealth(dir, { ...NOTHING_SEEN, given_up });
    expect((await readHealth(dir)).given_up).toEqual(given_up);
    writeFileSync(join(dir, 'health.json'), '{"schema":1,"restarts":"many"}');
    expect(await readHealth(dir)).toEqual(NOTHING_SEEN);
    await forgetHealth(dir);
    await forgetHealth(dir);
    expect(await readHealth(dir)).toEqual(NOTHING_SEEN);
  });

  test('a check that nobody runs any more does not count; one that was given up is told while it is not well', async () => {
    const health_check = {
      ...{ command: 'x', interval_seconds: 10, timeout_seconds: 5, retries: 1, start_period_seconds: 0 },
    };
    const container = { name: 'c', made_with: { health_check } } as NonNullable<SessionRecord['container']>;
    const record = sessionRecord(root, 's', { container });
    const given_up = { at: now.toISOString(), reason: 'it ended', log: [] };
    await writeHealth(dir, { ...NOTHING_SEEN, check: { ...failed(1), at: now.toISOString() }, given_up });
    const asked = async (seconds: number, status = 'Up 5 minutes'): ReturnType<typeof healthNow> => {
      const clocks = { now: new Date(now.getTime() + seconds * 1000), uptime: 1_000 };
      return healthNow(placesOf(root), record, { container: 'running', status }, clocks);
    };
    const fresh = await asked(34);
    expect(fresh.health).toMatchObject({ state: 'unhealthy' });
    expect(gaveUp(fresh)).toEqual(given_up);
    const old = await asked(36, 'Up 5 minutes (healthy)');
    expect(old.health).toMatchObject({ state: 'healthy' });
    expect(gaveUp(old)).toBeNull();
  });
});
