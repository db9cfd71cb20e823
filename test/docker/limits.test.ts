import { expect, test } from '@jest/globals';
import type { Capabilities } from '../../src/docker/driver.ts';
import { enforcedLimits, unenforcedLimits } from '../../src/docker/limits.ts';

const can = (memoryLimit: boolean, cpuLimit: boolean, pidsLimit: boolean): Capabilities => ({
  rootless: false,
  desktop: false,
  usernsRemap: false,
  remote: false,
  cgroupVersion: 1,
  memoryLimit,
  cpuLimit,
  pidsLimit,
  storageDriver: 'overlay',
  storageRoot: '/var/lib/docker',
  selinux: false,
  serverVersion: '1.2.3',
  runtime: 'runc',
  runtimeVersion: '1.3.6',
  healthDriver: 'engine',
});

test('each limit is judged by itself', () => {
  expect(enforcedLimits(can(true, false, true))).toEqual([
    ['memory', true],
    ['cpu', false],
    ['pids', true],
  ]);
  expect(unenforcedLimits(can(true, true, true), 'required')).toEqual([]);
  expect(unenforcedLimits(can(false, false, true), 'best-effort')).toEqual(['memory', 'cpu']);
});

test('settings can insist on them', () => {
  expect(() => unenforcedLimits(can(true, false, false), 'required')).toThrow(
    expect.objectContaining({
      code: 'RESOURCE_LIMIT_EXCEEDED',
      message: expect.stringContaining('cpu, pids'),
    }),
  );
});
