import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Capabilities, EngineDriver } from '../../src/docker/driver.ts';
import { docker } from '../../src/docker/drivers/docker.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import { parsePort } from '../../src/docker/publish.ts';
import { withoutIpv6 } from '../../src/docker/ipv6.ts';
import { containerName, resolveSpec, type ContainerWish } from '../../src/docker/spec.ts';
import { checkSpec } from '../../src/sessions/proxy-check.ts';
import { driverFor, fixture } from './fixtures.ts';

let base: string;
let wish: ContainerWish;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'para-spec-')));
  for (const path of ['home', 'repo', 'cache']) mkdirSync(join(base, path));
  wish = {
    ...{ repoId: '1234abcd', session: 'fix', operation: 'op-1', image: 'node:22' },
    ...{ env: { A: '1' }, volumes: [], ports: [], memoryBytes: 1024, cpus: 2, pids: 64 },
    network: { mode: 'bridge', name: 'n' },
    hardening: 'default',
    ...{ hasSecrets: false, logins: [], sshAgent: undefined },
    stateDir: join(base, 'state'),
    mountContext: {
      ...{ worktree: join(base, 'repo/.para/worktrees/fix'), repo: join(base, 'repo') },
      ...{ home: join(base, 'home'), allowed: [] },
    },
    caller: { uid: 1000, gid: 100 },
  };
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const can = (engine: string): Capabilities => driverFor(engine).info().parse(fixture(engine, 'info.json'));
const ENGINE = { driver: docker, endpoint: 'local', capabilities: can('docker-cli28-srv28') };
const volume = (source: string, target: string, readOnly = false) => ({
  ...{ source, target, readOnly, origin: 'person' as const },
});

test('everything a container is made of', async () => {
  const git = [{ source: '/g', target: '/workspace/.git', readOnly: true }];
  expect(await resolveSpec(wish, ENGINE, git)).toEqual({
    ...{ name: 'para-1234abcd-fix', hostname: 'fix', image: 'node:22', workdir: '/workspace' },
    env: {
      ...{ A: '1', HOME: '/para/home', PARA_SESSION: 'fix', PARA_WORKSPACE: '/workspace' },
      PARA_STATUS_DIR: '/run/para/out',
      PARA_COMMAND_DIR: '/run/para/cmd',
    },
    mounts: [
      { source: wish.mountContext.worktree, target: '/workspace', readOnly: false },
      ...git,
      { source: join(base, 'state/home'), target: '/para/home', readOnly: false },
      { source: join(base, 'state/out'), target: '/run/para/out', readOnly: false },
      { source: join(base, 'state/cmd'), target: '/run/para/cmd', readOnly: true },
      { source: join(base, 'state/logs'), target: '/run/para/logs', readOnly: false },
      { source: join(base, 'state/cmd/para-status'), target: '/usr/local/bin/para-status', readOnly: true },
    ],
    ...{ ports: [], memoryBytes: 1024, cpus: 2, pids: 64, hardening: 'default' },
    network: { mode: 'bridge', name: 'n' },
    user: { kind: 'user', uid: 1000, gid: 100 },
    command: ['sh', '/run/para/cmd/runner.sh'],
    labels: {
      ...{ 'para.schema': '1', 'para.repo': '1234abcd', 'para.session': 'fix', 'para.role': 'dev' },
      ...{ 'para.op': 'op-1', 'para.spec': expect.stringMatching(/^[0-9a-f]{16}$/) as unknown },
    },
  });
});

test('a health check is for an engine that runs it; podman without systemd does not', async () => {
  const health = { command: 'x', intervalSeconds: 5, timeoutSeconds: 2, retries: 3, startPeriodSeconds: 0 };
  expect((await resolveSpec({ ...wish, health }, ENGINE, [])).health).toEqual(health);
  const without = { driver: podman, endpoint: 'local', capabilities: can('podman-4.3.1-root') };
  expect(without.capabilities.healthDriver).toBe('para');
  expect((await resolveSpec({ ...wish, health }, without, [])).health).toBeUndefined();
});

test('para’s own variables are not to be changed', async () => {
  const env = {
    HOME: '/root',
    PARA_SESSION: 'other',
    PARA_WORKSPACE: '/',
    PARA_STATUS_DIR: '/tmp',
    PARA_COMMAND_DIR: '/',
  };
  expect((await resolveSpec({ ...wish, env }, ENGINE, [])).env).toEqual({
    ...{
      HOME: '/para/home',
      PARA_SESSION: 'fix',
      PARA_WORKSPACE: '/workspace',
      PARA_STATUS_DIR: '/run/para/out',
      PARA_COMMAND_DIR: '/run/para/cmd',
    },
  });
});

test('frozen, all the way down', async () => {
  const spec = await resolveSpec({ ...wish, volumes: [volume(join(base, 'cache'), '/cache')] }, ENGINE, []);
  for (const part of [spec, spec.env, spec.mounts, spec.mounts[0], spec.labels, spec.network, spec.command])
    expect(Object.isFrozen(part)).toBe(true);
});

test('in a closed network there is no IPv6, which engines leave on; in any other it stays', async () => {
  const off = { 'net.ipv6.conf.all.disable_ipv6': '1', 'net.ipv6.conf.default.disable_ipv6': '1' };
  expect(withoutIpv6(base)).toEqual(off);
  const here = existsSync('/proc/sys/net/ipv6') ? off : undefined;
  const network: ContainerWish['network'] = {
    ...{ name: 'n', egress: 'e', allow: [], subnetPool: '10.213.0.0/16' },
    ...{ mode: 'restricted', selfTest: true, proxyImage: undefined },
  };
  const place = { proxy: '10.213.0.2', address: '10.213.0.3' };
  const spec = await resolveSpec({ ...wish, network }, ENGINE, [], place);
  expect(spec).toMatchObject({ network: { mode: 'closed', name: 'n', ...place } });
  expect(spec.sysctls).toEqual(here);
  const like = { ...spec, sysctls: { 'net.ipv4.ip_forward': '0' } };
  const own = { name: 'c', closed: 'n', address: '10.213.0.4', proxy: place.proxy, command: ['node'] };
  expect(checkSpec(like, own).sysctls).toEqual(here);
  expect((await resolveSpec(wish, ENGINE, [])).sysctls).toBeUndefined();
});

test.each(process.platform === 'linux' ? ['none of its settings'] : [])(
  'a kernel without IPv6 is told %s',
  () => {
    expect(withoutIpv6(join(base, 'none'))).toBeUndefined();
  },
);

describe('the hash of a spec', () => {
  const hash = async (change: Partial<ContainerWish> = {}): Promise<string | undefined> =>
    (await resolveSpec({ ...wish, ...change }, ENGINE, [])).labels['para.spec'];

  test('is the same for the same container, whichever operation makes it', async () => {
    expect(await hash({ operation: 'op-2' })).toBe(await hash());
  });

  test.each<[string, Partial<ContainerWish>]>([
    ['image', { image: 'node:23' }],
    ['environment', { env: {} }],
    ['limits', { memoryBytes: 2048 }],
    ['hardening', { hardening: 'strict' }],
    ['network', { network: { mode: 'none' } }],
    ['user', { caller: { uid: 1001, gid: 100 } }],
  ])('changes with its %s', async (_what, change) => {
    expect(await hash(change)).not.toBe(await hash());
  });
});

describe('the worktree', () => {
  const own = (readOnly: boolean) => ({
    ...{ source: '$WORKTREE', target: '/workspace', readOnly, origin: 'repository' as const },
  });

  test('comes first, once, and read-only when the settings say so', async () => {
    const volumes = [volume(join(base, 'cache'), '/cache'), own(true)];
    const { mounts } = await resolveSpec({ ...wish, volumes }, ENGINE, []);
    expect(mounts.map(({ target, readOnly }) => [target, readOnly])).toEqual([
      ['/workspace', true],
      ['/cache', false],
      ['/para/home', false],
      ['/run/para/out', false],
      ['/run/para/cmd', true],
      ['/run/para/logs', false],
      ['/usr/local/bin/para-status', true],
    ]);
  });

  test('nothing else takes its place', async () => {
    const volumes = [volume(join(base, 'cache'), '/workspace')];
    await expect(resolveSpec({ ...wish, volumes }, ENGINE, [])).rejects.toMatchObject({
      code: 'MOUNT_REFUSED',
    });
  });

  test('twice is once too much', async () => {
    const volumes = [own(false), own(true)];
    await expect(resolveSpec({ ...wish, volumes }, ENGINE, [])).rejects.toThrow(
      '/workspace is mounted twice',
    );
  });
});

describe('what is there twice', () => {
  test('targets', async () => {
    const volumes = [volume(join(base, 'cache'), '/c'), volume(join(base, 'cache'), '/c/')];
    await expect(resolveSpec({ ...wish, volumes }, ENGINE, [])).rejects.toMatchObject({
      ...{ code: 'USAGE', message: '/c is mounted twice' },
    });
  });

  test('host ports, of one address and protocol', async () => {
    const twice = { ...wish, ports: ['8080:80', '8080:81'].map(parsePort) };
    await expect(resolveSpec(twice, ENGINE, [])).rejects.toThrow('127.0.0.1:8080/tcp is published twice');
    const other = { ...wish, ports: ['8080:80', '8080:80/udp', '80', '80'].map(parsePort) };
    expect((await resolveSpec(other, ENGINE, [])).ports).toHaveLength(4);
  });
});

test.each<[string, EngineDriver, string, object]>([
  ['docker', docker, 'docker-cli28-srv28', { kind: 'user', uid: 1000, gid: 100 }],
  ['podman as root', podman, 'podman-4.3.1-root', { kind: 'user', uid: 1000, gid: 100 }],
  ['rootless podman', podman, 'podman-5.4.2-rootless', { kind: 'keep-id' }],
])('files belong to the caller: %s', async (_what, driver, recorded, user) => {
  expect((await resolveSpec(wish, { ...ENGINE, driver, capabilities: can(recorded) }, [])).user).toEqual(
    user,
  );
});

test('rootless docker: root inside is the caller', async () => {
  const capabilities = { ...ENGINE.capabilities, rootless: true };
  expect((await resolveSpec(wish, { ...ENGINE, capabilities }, [])).user).toEqual({
    kind: 'root-is-caller',
  });
});

test('the name of a container is the same each time', () => {
  expect(containerName('1234abcd', 'fix')).toBe('para-1234abcd-fix');
});
