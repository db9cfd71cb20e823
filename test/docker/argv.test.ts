import { describe, expect, test } from '@jest/globals';
import {
  envArgs,
  labelFilterArgs,
  limitArgs,
  logsArgs,
  mountArgs,
  networkArgs,
  portArgs,
  userArgs,
} from '../../src/docker/argv.ts';
import type { ContainerSpec } from '../../src/docker/driver.ts';
import { docker } from '../../src/docker/drivers/docker.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import { parsePort } from '../../src/docker/publish.ts';

const SPEC: ContainerSpec = {
  name: 'para-1-a',
  hostname: 'a',
  image: 'node:22',
  workdir: '/workspace',
  labels: { 'para.schema': '1', 'para.repo': '1' },
  env: { A: '1', B: 'x y' },
  mounts: [
    { source: '/w', target: '/workspace', readOnly: false },
    { source: '/g', target: '/workspace/.git', readOnly: true },
  ],
  ports: [{ hostIp: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'tcp' }],
  memoryBytes: 1024,
  cpus: 1.5,
  pids: 512,
  network: { mode: 'bridge', name: 'n' },
  user: { kind: 'user', uid: 1, gid: 2 },
  hardening: 'default',
  command: ['sh', '-c', 'wait'],
};

const HARDENING = {
  strict: [
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ...['--read-only', '--tmpfs', '/tmp:rw,nosuid,nodev,size=512m,mode=1777'],
  ],
  default: ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
  off: [],
} as const;

describe.each([docker, podman])('$name', (driver) => {
  test.each(['strict', 'default', 'off'] as const)('create, hardening %s', (hardening) => {
    expect(driver.create({ ...SPEC, hardening }).args).toEqual([
      ...['create', '--pull', 'never', '--init'],
      ...['--name', 'para-1-a', '--hostname', 'a', '--workdir', '/workspace'],
      ...['--label', 'para.schema=1', '--label', 'para.repo=1'],
      ...HARDENING[hardening],
      ...['--pids-limit', '512', '--memory', '1024', '--cpus', '1.5', '--ipc', 'private'],
      ...(driver.name === 'docker' ? ['--ulimit', 'core=0'] : []),
      ...['--log-driver', 'json-file', '--restart', 'no', '--user', '1:2', '--network', 'n'],
      ...['--mount', 'type=bind,"source=/w","target=/workspace"'],
      ...['--mount', 'type=bind,"source=/g","target=/workspace/.git",readonly'],
      ...['-p', '127.0.0.1::80', '-e', 'A=1', '-e', 'B=x y'],
      ...['--entrypoint', 'sh', '--', 'node:22', '-c', 'wait'],
    ]);
  });

  test('a health check, for an engine that runs it', () => {
    const health = {
      command: 'a "b"',
      intervalSeconds: 5,
      timeoutSeconds: 2,
      retries: 3,
      startPeriodSeconds: 0,
    };
    const line = driver.create({ ...SPEC, health }).args;
    expect(line.slice(line.indexOf('no') + 1, line.indexOf('--user'))).toEqual([
      ...['--health-cmd', 'a "b"', '--health-interval', '5s', '--health-timeout', '2s'],
      ...['--health-retries', '3', '--health-start-period', '0s'],
    ]);
  });

  test('nothing opens the box: no privilege, no host namespace, no capability, no profile', () => {
    for (const hardening of ['strict', 'default', 'off'] as const) {
      const line = driver.create({ ...SPEC, hardening }).args.join(' ');
      expect(line).not.toMatch(/--privileged|--cap-add|=unconfined|label=disable|--device|-v |--volume/);
      expect(line).not.toMatch(/--(pid|ipc|uts|userns|cgroupns|network)[= ]host/);
    }
  });

  test('exec: a terminal only when asked for; everything after -- is the command', () => {
    const request = { container: 'c', argv: ['ls', '--', '-l', '$(x)'], tty: false, stdin: false };
    expect(driver.exec(request).args).toEqual(['exec', '--', 'c', 'ls', '--', '-l', '$(x)']);
    expect(
      driver.exec({ ...request, tty: true, stdin: true, workdir: '/w', env: { K: 'v' } }).args.slice(0, 8),
    ).toEqual(['exec', '-i', '-t', '-w', '/w', '-e', 'K=v', '--']);
  });

  test('a name that looks like a flag is never one', () => {
    const commands = [
      driver.start('-x'),
      driver.stop('-x', 3),
      driver.kill('-x', 'TERM'),
      driver.remove('-x'),
      driver.inspect(['-x']),
      driver.pull('-x'),
      driver.imageInspect('-x'),
      driver.networkInspect('-x'),
      driver.networkCreate({ name: '-x', labels: {} }),
      driver.networkCreate({ name: '-x', labels: {}, closed: '10.1.2.0/28' }),
      driver.networkRemove('-x'),
      driver.logs({ container: '-x', follow: false, timestamps: false }),
    ];
    for (const { args } of commands) expect(args.slice(-2)).toEqual(['--', '-x']);
  });

  test('a closed network has no way to the host and none out, and nobody in it resolves names', () => {
    const { args } = driver.networkCreate({ name: 'n', labels: { a: 'b' }, closed: '10.1.2.0/28' });
    const closed =
      driver.name === 'docker'
        ? ['--internal', '-o', 'com.docker.network.bridge.inhibit_ipv4=true']
        : ['--internal', '--disable-dns'];
    const expected = ['network', 'create', ...closed, '--subnet', '10.1.2.0/28', '--label', 'a=b', '--', 'n'];
    expect(args).toEqual(expected);
  });

  test('what is between two networks is connected to both, at its address', () => {
    const network = { mode: 'between', name: 'out', closed: 'in', address: '10.1.2.2' } as const;
    const spec = { ...SPEC, network };
    const { args } = driver.create(spec);
    const networks = args.filter((_, index) => args[index - 1] === '--network');
    expect(networks).toEqual(driver.name === 'docker' ? ['out'] : ['in:ip=10.1.2.2', 'out']);
    const connect = ['network', 'connect', '--ip', '10.1.2.2', '--', 'in', 'para-1-a'];
    expect(driver.connect(spec)?.args).toEqual(driver.name === 'docker' ? connect : undefined);
    expect(driver.connect(SPEC)).toBeUndefined();
  });

  test('settings of the kernel, and a bound on what is kept of the output', () => {
    const more = { sysctls: { 'net.ipv4.ip_forward': '0' }, logMegabytes: 8 };
    const line = driver.create({ ...SPEC, ...more }).args.join(' ');
    expect(line).toContain(' --log-driver json-file --log-opt max-size=8m ');
    expect(line).toContain(' --sysctl net.ipv4.ip_forward=0 ');
  });

  test('stop has its grace besides the time an engine needs', () => {
    expect(driver.stop('c', 30)).toMatchObject({ args: ['stop', '-t', '30', '--', 'c'], graceMs: 30_000 });
  });

  test('remove is at once', () => {
    const now = driver.name === 'docker' ? [] : ['-t', '0'];
    expect(driver.remove('c').args).toEqual(['rm', '-f', ...now, '--', 'c']);
  });
});

describe('pieces', () => {
  test.each([
    ['/a,b', '"source=/a,b"'],
    ['/a"b', '"source=/a""b"'],
    ['/a=b c', '"source=/a=b c"'],
    ['/a\nb', '"source=/a\nb"'],
    ['/a,readonly=false,source=/etc', '"source=/a,readonly=false,source=/etc"'],
  ])('a path of a mount is one field: %j', (source, field) => {
    expect(mountArgs([{ source, target: '/x', readOnly: true }])).toEqual([
      ...['--mount', `type=bind,${field},"target=/x",readonly`],
    ]);
  });

  test.each([
    ['80', '127.0.0.1::80'],
    ['8080:80', '127.0.0.1:8080:80'],
    ['53:53/udp', '127.0.0.1:53:53/udp'],
    ['[::1]:8080:80', '[::1]:8080:80'],
    ['0.0.0.0::80', '0.0.0.0::80'],
  ])('port %s', (typed, words) => {
    expect(portArgs([parsePort(typed)])).toEqual(['-p', words]);
  });

  test('limits: 0 is none asked', () => {
    expect(limitArgs({ memoryBytes: 0, cpus: 0, pids: 0 })).toEqual([]);
    expect(limitArgs({ memoryBytes: 1, cpus: 0.5, pids: 0 })).toEqual(['--memory', '1', '--cpus', '0.5']);
  });

  test('users and networks', () => {
    expect(userArgs({ kind: 'user', uid: 1000, gid: 100 })).toEqual(['--user', '1000:100']);
    expect(userArgs({ kind: 'keep-id' })).toEqual(['--userns', 'keep-id']);
    expect(userArgs({ kind: 'root-is-caller' })).toEqual([]);
    expect(networkArgs({ mode: 'none' })).toEqual(['--network', 'none']);
    expect(networkArgs({ mode: 'bridge', name: 'n-1' })).toEqual(['--network', 'n-1']);
    const closed = { mode: 'closed', name: 'n', address: '10.1.2.3', proxy: '10.1.2.2' } as const;
    expect(networkArgs(closed)).toEqual([
      ...['--network', 'n', '--ip', '10.1.2.3', '--dns', '127.0.0.1'],
      ...['--add-host', 'para-proxy:10.1.2.2'],
    ]);
  });

  test('values of the environment stay as they are', () => {
    expect(envArgs({ A: '--x', B: 'a=b\nc', C: '' })).toEqual(['-e', 'A=--x', '-e', 'B=a=b\nc', '-e', 'C=']);
  });

  test('label filters: with a value, or any', () => {
    expect(labelFilterArgs({ 'para.repo': '1', 'para.role': '' })).toEqual([
      ...['--filter', 'label=para.repo=1', '--filter', 'label=para.role'],
    ]);
  });

  test('logs', () => {
    expect(logsArgs({ container: 'c', follow: true, timestamps: true, tail: 5, since: '1h' })).toEqual([
      ...['logs', '-f', '--timestamps', '--tail', '5', '--since', '1h', '--', 'c'],
    ]);
    expect(logsArgs({ container: 'c', follow: false, timestamps: false })).toEqual(['logs', '--', 'c']);
  });
});
