import { describe, expect, test } from '@jest/globals';
import type { ContainerInfo, UsageSample } from '../../src/docker/driver.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import { docker } from '../../src/docker/drivers/docker.ts';
import type { DockerService } from '../../src/docker/service.ts';
import { ParaError } from '../../src/errors.ts';
import { createMeter, watchStats } from '../../src/sessions/stats.ts';
import { toFigures } from '../../src/sessions/stats-figures.ts';
import { fixture } from '../docker/fixtures.ts';

const can = docker.info().parse(fixture('docker-cli28-srv28', 'info.json'));
const canNothing = podman.info().parse(fixture('podman-4.3.1-rootless', 'info.json'));
const sample: UsageSample = {
  ...{ id: 'a'.repeat(64), cpuPercent: 7, cpuNanos: undefined, memoryBytes: 5e6, memoryLimitBytes: 67.11e6 },
  ...{ pids: 3, netRxBytes: 1, netTxBytes: 2, blockReadBytes: 3, blockWriteBytes: 4 },
};
const info = {
  ...{ id: sample.id, name: 'x', state: 'running', labels: { 'para.session': 'fix' } },
  ...{ memoryBytes: 2 ** 26, pids: 512, cpus: 2 },
} as unknown as ContainerInfo;
const none = { info, sample: undefined, cpuPercent: undefined };

describe('figures', () => {
  test('all of them are numbers when the engine tells all', () => {
    expect(toFigures({ can, info, sample, cpuPercent: 7 })).toEqual({
      ...{ cpu_percent: 7, cpus_limit: 2, memory_bytes: 5e6, memory_limit_bytes: 2 ** 26 },
      ...{ pids: 3, pids_limit: 512, net_rx_bytes: 1, net_tx_bytes: 2 },
      ...{ block_read_bytes: 3, block_write_bytes: 4, unknown: {} },
    });
  });

  test('without cgroups: no figures, and limits that are not enforced', () => {
    const figures = toFigures({ can: canNothing, ...none });
    expect(figures).toMatchObject({ cpu_percent: null, memory_limit_bytes: null, pids_limit: null });
    expect(figures.unknown).toMatchObject({
      ...{ cpu_percent: 'not available', memory_bytes: 'not available', net_rx_bytes: 'not available' },
      ...{ memory_limit_bytes: 'not enforced', cpus_limit: 'not enforced', pids_limit: 'not enforced' },
    });
  });

  test('one that does not run has its limits still', () => {
    const stopped = { ...info, state: 'exited' } as const;
    expect(toFigures({ can, ...none, info: stopped })).toMatchObject({
      ...{ pids: null, pids_limit: 512, memory_limit_bytes: 2 ** 26 },
      unknown: { pids: 'not running', cpu_percent: 'not running' },
    });
    expect(toFigures({ can, ...none, info: undefined }).unknown).toMatchObject({
      ...{ pids: 'not running', pids_limit: 'not available' },
    });
  });

  test('a limit that inspect shows and the kernel does not have is not enforced', () => {
    const machineBytes = 16.1e9;
    const unheld = { ...sample, memoryLimitBytes: 16e9 };
    expect(toFigures({ can, info, sample: unheld, cpuPercent: 7, machineBytes })).toMatchObject({
      ...{ memory_limit_bytes: null, unknown: { memory_limit_bytes: 'not enforced' } },
    });
    const held = { memoryBytes: 2 ** 27, cpus: 0.5, pids: 64 };
    expect(toFigures({ can, info, sample, cpuPercent: 7, machineBytes, held })).toMatchObject({
      ...{ memory_limit_bytes: 2 ** 27, cpus_limit: 0.5, pids_limit: 64, unknown: {} },
    });
    const unlimited = { ...info, memoryBytes: 0, pids: 0 };
    expect(toFigures({ can, info: unlimited, sample, cpuPercent: 7 }).unknown).toEqual({
      ...{ memory_limit_bytes: 'no limit', pids_limit: 'no limit' },
    });
  });
});

describe('the meter', () => {
  const spent = (cpuNanos: number): UsageSample => ({ ...sample, cpuNanos });

  test('tells the share of a CPU since the last look', () => {
    let now = 1_000;
    const meter = createMeter(() => now);
    expect(meter.lacks([spent(5e9)])).toBe(true);
    meter.note([spent(5e9)]);
    expect(meter.lacks([spent(5e9)])).toBe(false);
    now += 500;
    expect(meter.percent(spent(5.75e9))).toBe(150);
    now += 1_000;
    expect(meter.percent(spent(5.75e9))).toBe(0);
    now += 1_000;
    // It was started again.
    expect(meter.percent(spent(1e6))).toBe(7);
  });

  test('takes the word of an engine that measures by itself', () => {
    const meter = createMeter(() => 0);
    expect(meter.lacks([sample])).toBe(false);
    expect(meter.percent(sample)).toBe(7);
  });
});

describe('the stream', () => {
  const wish = { sessions: [], all: true };
  const serviceOf = (stats: DockerService['stats']): DockerService =>
    ({
      engine: { driver: docker, capabilities: can },
      list: () => Promise.resolve([{ name: 'x' }]),
      inspect: () => Promise.resolve([info]),
      stats,
    }) as unknown as DockerService;
  const contextOf = (stats: DockerService['stats']) => ({
    ...{ cwd: '/', env: {}, repository: () => Promise.reject(new Error('not asked')) },
    dockerFor: () => Promise.resolve(serviceOf(stats)),
    engine: () => Promise.resolve({ driver: { name: 'docker' as const } }),
  });

  test('goes on until its reader stops, and asks no more then', async () => {
    let asked = 0;
    const context = contextOf(() => Promise.resolve([{ ...sample, pids: (asked += 1) }]));
    const seen: unknown[] = [];
    const { signal } = new AbortController();
    for await (const { rows } of watchStats(context, wish, { signal, everyMs: 0 })) {
      seen.push([rows[0]?.session, rows[0]?.pids]);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([
      ['fix', 1],
      ['fix', 2],
      ['fix', 3],
    ]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(asked).toBe(3);
  });

  test('a signal ends what is being asked, and the stream without an error', async () => {
    const stop = new AbortController();
    const context = contextOf(
      (_, options) =>
        new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new ParaError('INTERRUPTED', 'cut short')));
          stop.abort();
        }),
    );
    const stream = watchStats(context, wish, { signal: stop.signal, everyMs: 0 });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('a container that goes between inspect and stats is looked for once more', async () => {
    let asked = 0;
    const context = contextOf(() =>
      (asked += 1) === 1
        ? Promise.reject(new ParaError('CONTAINER_NOT_FOUND', 'gone'))
        : Promise.resolve([sample]),
    );
    const { signal } = new AbortController();
    const first = await watchStats(context, wish, { signal, everyMs: 0 }).next();
    expect(first.value?.rows[0]?.cpu_percent).toBe(7);
    expect(asked).toBe(2);
  });
});
