import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { docker } from '../../src/docker/drivers/docker.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import { canMeasure } from '../../src/docker/limits.ts';
import { driverFor, ENGINES, fixture } from './fixtures.ts';

const recorded = ENGINES.filter((engine) =>
  readdirSync(join(import.meta.dirname, '../../fixtures/engines', engine)).includes('stats.json'),
);

test.each(recorded)('%s: one shape, of the same container', (engine) => {
  const rows = driverFor(engine).stats(['diff-run']).parse(fixture(engine, 'stats.json'));
  expect(rows).toHaveLength(1);
  const [row] = rows;
  expect(row?.id).toMatch(/^[0-9a-f]{12,64}$/);
  expect(row).toMatchObject({ pids: 2, cpuPercent: expect.any(Number), blockWriteBytes: 0 });
  // 64m was asked for; both print four digits of it.
  expect(Math.abs((row?.memoryLimitBytes ?? 0) / 2 ** 26 - 1)).toBeLessThan(0.001);
  expect(row?.memoryBytes).toBeGreaterThan(100_000);
  expect(row?.memoryBytes).toBeLessThan(3_000_000);
  expect(row?.netRxBytes).toBeGreaterThan(500);
  expect(row?.cpuNanos === undefined).toBe(engine.startsWith('docker'));
});

test('the recordings are of engines that can tell: nine of them', () => {
  expect(recorded).toHaveLength(9);
  expect(canMeasure(podman.info().parse(fixture('podman-4.3.1-rootless', 'info.json')))).toBe(false);
  for (const engine of recorded)
    expect(canMeasure(driverFor(engine).info().parse(fixture(engine, 'info.json')))).toBe(true);
});

describe('docker', () => {
  const row = {
    ...{ ID: 'a'.repeat(64), CPUPerc: '0.00%', PIDs: '2' },
    ...{ MemUsage: '2MiB / 64MiB', NetIO: '1.5kB / 0B', BlockIO: '3.2MB / 1GB' },
  };
  const parse = (changed: object) => docker.stats(['x']).parse(JSON.stringify({ ...row, ...changed }))[0];

  test('amounts in both kinds of units', () => {
    expect(parse({ CPUPerc: '187.42%', MemUsage: '1.5GiB / 4GiB' })).toEqual({
      id: 'a'.repeat(64),
      ...{ cpuPercent: 187.42, cpuNanos: undefined, pids: 2 },
      ...{ memoryBytes: 1.5 * 2 ** 30, memoryLimitBytes: 2 ** 32 },
      ...{ netRxBytes: 1500, netTxBytes: 0, blockReadBytes: 3_200_000, blockWriteBytes: 1e9 },
    });
  });

  test('what it does not know is undefined, not zero', () => {
    expect(
      parse({ CPUPerc: '--', PIDs: '--', MemUsage: '-- / --', NetIO: '--', BlockIO: 'N/A' }),
    ).toMatchObject({
      ...{ cpuPercent: undefined, pids: undefined, memoryBytes: undefined, memoryLimitBytes: undefined },
      ...{ netRxBytes: undefined, blockWriteBytes: undefined },
    });
  });

  test.each([
    ['CPUPerc', 'much'],
    ['PIDs', '-1'],
    ['MemUsage', '2MiB'],
    ['NetIO', '1 / 2 / 3'],
    ['BlockIO', '3constructor / 0B'],
  ])('%s of "%s" is an error that names the field', (field, text) => {
    expect(() => parse({ [field]: text })).toThrow(field);
  });
});

test.each([
  ['466.962195ms', 466_962_195],
  ['1h2m3.5s', 3_723.5e9],
  ['12.5µs', 12_500],
  ['0s', 0],
])('podman: CPU time %s', (text, nanos) => {
  const stats = fixture('podman-4.3.1-root', 'stats.json').replace(/(?<="cpu_time": ")[^"]+/, text);
  expect(podman.stats(['x']).parse(stats)[0]?.cpuNanos).toBeCloseTo(nanos, 0);
});

test('podman: a CPU time that is none is an error', () => {
  const stats = fixture('podman-4.3.1-root', 'stats.json').replace(/(?<="cpu_time": ")[^"]+/, '3 days');
  expect(() => podman.stats(['x']).parse(stats)).toThrow('cpu_time');
});
