/** Podman 4.3 and later, root and rootless: the complete table. Shares only pure functions with docker's. */
import {
  createArgs,
  execArgs,
  importArgs,
  labelArgs,
  labelFilterArgs,
  logsArgs,
  secretsArgs,
  updateArgs,
} from '../argv.ts';
import { classifyBy } from '../classify.ts';
import type {
  Capabilities,
  ContainerRow,
  ContainerSpec,
  EngineDriver,
  NetworkInfo,
  PortMapping,
  UsageSample,
} from '../driver.ts';
import { readImage } from '../image.ts';
import { readContainers, readSizes, toState } from '../inspect.ts';
import { reader, readOne, readRecords, unreadable, type Reader, type Source } from '../parse.ts';
import { count, nanos, pairs, percent } from '../stats.ts';
import { numbersOf, readVersion } from '../version.ts';
import { PODMAN_RULES } from './podman-errors.ts';

const source = (command: string): Source => ({ engine: 'podman', command });
const nothing = (): void => undefined;

/** podman has no daemon: the client itself mounts, sets up networks and may wait for locks. */
const SLOW_MS = 60_000;

/** Podman's driver. */
export const podman = {
  name: 'podman',
  monitor: 'conmon',
  minVersion: '4.3.0',
  version: () => ({
    args: ['--version'],
    parse: (stdout) => readVersion(stdout, source('--version')),
    timeoutMs: 10_000,
  }),
  // `--format json`: the template gives other shapes and values on 4.x and 5.x (engines.md §2.1).
  info: () => ({ args: ['info', '--format', 'json'], parse: readInfo, timeoutMs: 10_000 }),
  desktopVersion: () => undefined,
  create: (spec) => ({
    // No --ulimit: giving one drops the defaults of containers.conf, and runc fails on NPROC (security §1.2).
    args: createArgs(spec, [...secondNetwork(spec), ...secretsArgs(spec.secrets, ',U')]),
    parse: readId,
    timeoutMs: SLOW_MS,
  }),
  connect: () => undefined,
  start: (container) => ({ args: ['start', '--', container], parse: nothing, timeoutMs: SLOW_MS }),
  stop: (container, grace) => ({
    args: ['stop', '-t', String(grace), '--', container],
    parse: nothing,
    timeoutMs: SLOW_MS,
    graceMs: grace * 1000,
  }),
  kill: (container, signal) => ({ args: ['kill', '-s', signal, '--', container], parse: nothing }),
  unpause: (container) => ({ args: ['unpause', '--', container], parse: nothing }),
  // `-t 0`: rm -f alone waits the whole stop timeout of 10 s (engines.md §2.6). 4.0 and later know it.
  remove: (container) => ({
    args: ['rm', '-f', '-t', '0', '--', container],
    parse: nothing,
    timeoutMs: SLOW_MS,
  }),
  rename: (container, name) => ({ args: ['rename', '--', container, name], parse: nothing }),
  inspect: (containers) => ({
    args: ['inspect', '--type', 'container', '--', ...containers],
    parse: (stdout) => readContainers(stdout, source('inspect')),
  }),
  sizes: (containers) => ({
    args: ['inspect', '--size', '--type', 'container', '--', ...containers],
    parse: (stdout) => readSizes(stdout, source('inspect --size')),
    timeoutMs: SLOW_MS,
  }),
  list: (labels) => ({
    args: ['ps', '-a', '--no-trunc', ...labelFilterArgs(labels), '--format', 'json'],
    parse: readRows,
  }),
  update: (container, limits) => ({
    args: updateArgs(container, limits),
    parse: nothing,
    timeoutMs: SLOW_MS,
  }),
  // `--format json` is the same from 4.3 to 5.8; its percentage is the mean since the start (engines.md §3).
  stats: (containers) => ({
    args: ['stats', '--no-stream', '--no-trunc', '--format', 'json', '--', ...containers],
    parse: readUsage,
  }),
  exec: (request) => ({ args: execArgs(request), parse: (stdout) => stdout, timeoutMs: 0 }),
  logs: (request) => ({
    args: logsArgs(request),
    parse: (stdout) => stdout,
    timeoutMs: request.follow ? 0 : SLOW_MS,
  }),
  pull: (image) => ({ args: ['pull', '--', image], parse: nothing, timeoutMs: 0 }),
  pullProgress: readProgress,
  imageInspect: (image) => ({
    args: ['image', 'inspect', '--', image],
    parse: (stdout) => readImage(stdout, source('image inspect')),
  }),
  imageImport: (reference, labels) => ({
    args: importArgs(reference, labels),
    parse: nothing,
    timeoutMs: SLOW_MS,
  }),
  imageList: (labels) => ({
    args: ['images', ...labelFilterArgs(labels), '--format', 'json'],
    parse: (stdout) =>
      readRecords(stdout, source('images')).flatMap((raw) => reader(raw, source('images')).texts('Names')),
  }),
  imageRemove: (reference) => ({ args: ['rmi', reference], parse: nothing, timeoutMs: SLOW_MS }),
  networkInspect: (name) => ({ args: ['network', 'inspect', '--', name], parse: readNetwork }),
  networkList: (labels) => ({
    args: ['network', 'ls', ...labelFilterArgs(labels), '--format', 'json'],
    parse: (stdout) =>
      readRecords(stdout, source('network ls')).map((raw) => {
        const row = reader(raw, source('network ls'));
        return { name: row.text('name'), labels: row.strings('labels') };
      }),
  }),
  networkCreate: ({ name, labels, closed }) => ({
    // Its resolver sits on the bridge's address and asks the host's: without it there is neither (security §2.1).
    args: [
      ...['network', 'create'],
      ...(closed === undefined ? [] : ['--internal', '--disable-dns', '--subnet', closed]),
      ...[...labelArgs(labels), '--', name],
    ],
    parse: nothing,
  }),
  networkRemove: (name) => ({ args: ['network', 'rm', '--', name], parse: nothing }),
  // Rootless networks have a namespace of the user's own (podman-unshare(1)).
  besideBridges: (argv, { rootless }) =>
    rootless ? { args: ['unshare', '--rootless-netns', ...argv], parse: (stdout) => stdout } : undefined,
  // Rootless: the caller is the caller inside too; root podman 4.3 refuses keep-id (engines.md §5).
  userMapping: (caller, capabilities) =>
    capabilities.rootless ? { kind: 'keep-id' } : { kind: 'user', uid: caller.uid, gid: caller.gid },
  classify: (failure) => classifyBy(PODMAN_RULES, failure),
} satisfies EngineDriver;

function readId(stdout: string): string {
  const id = stdout.trim().split('\n').at(-1)?.trim() ?? '';
  if (/^[0-9a-f]{64}$/.test(id)) return id;
  throw unreadable(source('create'), 'it printed no container id');
}

function readInfo(stdout: string): Capabilities {
  const info = reader(readOne(stdout, source('info')), source('info'));
  const host = info.record('host');
  const security = host.record('security');
  const controllers = host.texts('cgroupControllers');
  const cgroup = host.text('cgroupVersion', '');
  return {
    rootless: security.flag('rootless'),
    desktop: false,
    usernsRemap: false,
    remote: host.flag('serviceIsRemote', false),
    cgroupVersion: cgroup === 'v2' ? 2 : cgroup === 'v1' ? 1 : undefined,
    // Rootless on cgroup v1 has no controllers: limits are ignored with a warning only (engines.md §5).
    memoryLimit: controllers.includes('memory'),
    cpuLimit: controllers.includes('cpu'),
    pidsLimit: controllers.includes('pids'),
    storageDriver: info.record('store').text('graphDriverName', ''),
    storageRoot: info.record('store').text('graphRoot', ''),
    selinux: security.flag('selinuxEnabled', false),
    serverVersion: info.record('version').text('Version'),
    runtime: host.record('ociRuntime', 'optional').text('name', ''),
    runtimeVersion: numbersOf(host.record('ociRuntime', 'optional').text('version', '')),
    // Health checks are systemd timers; without systemd nobody runs them (engines.md §2.16).
    healthDriver: host.text('cgroupManager', '') === 'systemd' ? 'engine' : 'para',
  };
}

function readRows(stdout: string): readonly ContainerRow[] {
  return readRecords(stdout, source('ps')).map((raw) => {
    const row = reader(raw, source('ps'));
    return {
      id: row.text('Id'),
      name: row.texts('Names')[0] ?? '',
      image: row.text('Image'),
      state: toState(row.text('State')),
      status: row.text('Status', ''),
      ports: row.records('Ports').flatMap(readPort),
    };
  });
}

/** One row stands for a range of ports. */
function readPort(port: Reader): readonly PortMapping[] {
  const protocol = port.text('protocol', 'tcp');
  if (protocol !== 'tcp' && protocol !== 'udp') return [];
  const length = Math.min(65_536, Math.max(1, port.number('range', 1)));
  return Array.from({ length }, (_, index) => ({
    hostIp: port.text('host_ip', '') || '0.0.0.0',
    hostPort: port.number('host_port') + index,
    containerPort: port.number('container_port') + index,
    protocol,
  }));
}

function readUsage(stdout: string): readonly UsageSample[] {
  return readRecords(stdout, source('stats')).map((raw) => {
    const row = reader(raw, source('stats'));
    return {
      id: row.text('id'),
      cpuPercent: percent(row, 'cpu_percent'),
      cpuNanos: nanos(row, 'cpu_time'),
      pids: count(row, 'pids'),
      ...pairs(row, { memory: 'mem_usage', net: 'net_io', block: 'block_io' }),
    };
  });
}

function secondNetwork({ network }: ContainerSpec): readonly string[] {
  return network.mode === 'between' ? ['--network', `${network.closed}:ip=${network.address}`] : [];
}

function readNetwork(stdout: string): NetworkInfo {
  const network = reader(readOne(stdout, source('network inspect')), source('network inspect'));
  return {
    name: network.text('name'),
    labels: network.strings('labels'),
    isClosed: network.flag('internal', false) && !network.flag('dns_enabled', true),
    subnets: network.records('subnets').map((subnet) => subnet.text('subnet')),
    bridge: network.text('network_interface', ''),
  };
}

/** podman writes its progress to stderr; hashes are shortened for people. */
function readProgress(line: string): string | undefined {
  const text = line.trim();
  if (
    !/^(Trying to pull|Getting image source|Copying (blob|config)|Writing manifest|Storing signatures)/.test(
      text,
    )
  )
    return undefined;
  return text.replace(/sha256:([0-9a-f]{12})[0-9a-f]*/, '$1');
}
