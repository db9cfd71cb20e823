import { describe, expect, test } from '@jest/globals';
import { driverFor, ENGINES, fixture, situations } from './fixtures.ts';

describe.each(ENGINES)('%s', (engine) => {
  const driver = driverFor(engine);
  const read = (name: string) => driver.inspect(['x']).parse(fixture(engine, name))[0];

  test.each(situations(engine))('%s has the common shape', (name) => {
    const info = read(name);
    expect(info?.id).toMatch(/^[0-9a-f]{64}$/);
    expect(info?.name).toMatch(/^diff-/);
    expect(info?.state).not.toBe('unknown');
    expect(info?.createdAt).toMatch(/^20\d\d-/);
    for (const mount of info?.mounts ?? []) expect(mount.source).toMatch(/^\//);
  });

  test('situations mean the same', () => {
    expect(read('inspect-exit3.json')).toMatchObject({ state: 'exited', exitCode: 3, oomKilled: false });
    expect(read('inspect-exit0.json')).toMatchObject({ state: 'exited', exitCode: 0 });
    expect(read('inspect-created.json')).toMatchObject({
      state: 'created',
      startedAt: undefined,
      finishedAt: undefined,
    });
    // Rootless on cgroup v1 cannot pause.
    expect(read('inspect-paused.json')?.state).toBe(engine.endsWith('rootless') ? 'running' : 'paused');
  });

  test('ps and info are read', () => {
    const rows = driver.list({}).parse(fixture(engine, 'ps.json'));
    expect(rows.length).toBeGreaterThan(8);
    expect(rows.find((row) => row.name === 'diff-exit3')?.state).toBe('exited');
    const running = rows.find((row) => row.name === 'diff-run');
    expect(running?.state).toBe('running');
    expect(running?.ports.find((port) => port.containerPort === 80)).toMatchObject({
      hostIp: '127.0.0.1',
      protocol: 'tcp',
    });
    const capabilities = driver.info().parse(fixture(engine, 'info.json'));
    expect(capabilities).toMatchObject({
      cgroupVersion: 1,
      rootless: engine.endsWith('rootless'),
      memoryLimit: !engine.endsWith('rootless'),
    });
    expect(driver.imageInspect('x').parse(fixture(engine, 'image-inspect.json')).id).toMatch(/^sha256:/);
    expect(driver.networkInspect('x').parse(fixture(engine, 'network-inspect.json'))).toEqual({
      name: 'diff-net',
      labels: { para: '1' },
      isClosed: false,
      subnets: [expect.stringMatching(/^[\d.]+\/(16|24)$/)],
      bridge: expect.stringMatching(/^(br-[0-9a-f]{12}|podman\d+|cni-podman\d+)$/),
    });
  });
});

test('a broken answer is an error with the field', () => {
  expect(() => driverFor('docker').inspect(['x']).parse('[{"State":{}}]')).toThrow(/docker inspect: field/);
  expect(() => driverFor('docker').list({}).parse('json\njson\n')).toThrow(/not JSON/);
});
