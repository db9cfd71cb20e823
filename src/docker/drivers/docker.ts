/** Docker 20.10 and later: the complete table. Shares only pure argv and parse functions with podman's. */
import { ParaError } from '../../errors.ts';
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
  EngineDriver,
  NetworkInfo,
  NetworkRow,
  UsageSample,
  UserMapping,
} from '../driver.ts';
import { readImage } from '../image.ts';
import { readContainers, readSizes, toState } from '../inspect.ts';
import { reader, readOne, readRecords, unreadable, type Source } from '../parse.ts';
import { parsePublishedText } from '../ps-ports.ts';
import { count, pairs, percent } from '../stats.ts';
import { numbersOf, readVersion } from '../version.ts';
import { DOCKER_RULES } from './docker-errors.ts';

const source = (command: string): Source => ({ engine: 'docker', command });
const nothing = (): void => undefined;

/** The bridge's option that leaves it without an address on the host. */
const NO_ADDRESS = 'com.docker.network.bridge.inhibit_ipv4';
/** The option that gives the bridge another name. */
const BRIDGE_NAME = 'com.docker.network.bridge.name';

/** Time for calls in which the engine itself waits on containers. */
const SLOW_MS = 60_000;

/** Docker's driver. */
export const docker = {
  name: 'docker',
  monitor: undefined,
  minVersion: '20.10.0',
  version: () => ({
    args: ['--version'],
    parse: (stdout) => readVersion(stdout, source('--version')),
    timeoutMs: 10_000,
  }),
  // `{{json .}}`, since `--format json` prints the word json on 20.10 (engines.md §2.1).
  info: () => ({ args: ['info', '--format', '{{json .}}'], parse: readInfo, timeoutMs: 10_000 }),
  // `info` has it nowhere.
  desktopVersion: () => ({
    args: ['version', '--format', '{{json .}}'],
    parse: readDesktopVersion,
    timeoutMs: 10_000,
  }),
  create: (spec) => ({
    // No core dumps of the caller's secrets in the worktree (security §1.2).
    args: createArgs(spec, ['--ulimit', 'core=0', ...secretsArgs(spec.secrets, ownerOf(spec.user))]),
    parse: (stdout) => readId(stdout, 'create'),
    timeoutMs: SLOW_MS,
  }),
  // 20.10 takes one network at `create`, and its address only where the subnet was given (security §2.3.2).
  connect: ({ name, network }) =>
    network.mode !== 'between'
      ? undefined
      : {
          args: ['network', 'connect', '--ip', network.address, '--', network.closed, name],
          parse: nothing,
        },
  start: (container) => ({ args: ['start', '--', container], parse: nothing, timeoutMs: SLOW_MS }),
  // `-t` is the only spelling common to all versions (engines.md §2.7).
  stop: (container, grace) => ({
    args: ['stop', '-t', String(grace), '--', container],
    parse: nothing,
    timeoutMs: SLOW_MS,
    graceMs: grace * 1000,
  }),
  kill: (container, signal) => ({ args: ['kill', '-s', signal, '--', container], parse: nothing }),
  unpause: (container) => ({ args: ['unpause', '--', container], parse: nothing }),
  // docker's rm -f kills at once, and is silent for an absent one (engines.md §1.1.8).
  remove: (container) => ({ args: ['rm', '-f', '--', container], parse: nothing, timeoutMs: SLOW_MS }),
  inspect: (containers) => ({
    args: ['inspect', '--type', 'container', '--', ...containers],
    parse: (stdout) => readContainers(stdout, source('inspect')),
  }),
  rename: (container, name) => ({ args: ['rename', '--', container, name], parse: nothing }),
  sizes: (containers) => ({
    args: ['inspect', '--size', '--type', 'container', '--', ...containers],
    parse: (stdout) => readSizes(stdout, source('inspect --size')),
    timeoutMs: SLOW_MS,
  }),
  list: (labels) => ({
    args: ['ps', '-a', '--no-trunc', ...labelFilterArgs(labels), '--format', '{{json .}}'],
    parse: readRows,
  }),
  update: (container, limits) => ({
    args: updateArgs(container, limits),
    parse: nothing,
    timeoutMs: SLOW_MS,
  }),
  // It measures over a second or two. Streaming, it writes terminal codes between the rows (engines.md §3).
  stats: (containers) => ({
    args: ['stats', '--no-stream', '--no-trunc', '--format', '{{json .}}', '--', ...containers],
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
    args: ['images', ...labelFilterArgs(labels), '--format', '{{json .}}'],
    parse: (stdout) =>
      readRecords(stdout, source('images')).map((raw) => {
        const row = reader(raw, source('images'));
        return `${row.text('Repository')}:${row.text('Tag')}`;
      }),
  }),
  imageRemove: (reference) => ({ args: ['rmi', reference], parse: nothing, timeoutMs: SLOW_MS }),
  networkInspect: (name) => ({ args: ['network', 'inspect', '--', name], parse: readNetwork }),
  networkList: (labels) => ({
    args: ['network', 'ls', ...labelFilterArgs(labels), '--format', '{{json .}}'],
    parse: readNetworks,
  }),
  networkCreate: ({ name, labels, closed }) => ({
    // Without an address of its own the bridge is nothing that a container could reach the host by (security §2.1).
    args: [
      ...['network', 'create'],
      ...(closed === undefined ? [] : ['--internal', '-o', `${NO_ADDRESS}=true`, '--subnet', closed]),
      ...[...labelArgs(labels), '--', name],
    ],
    parse: nothing,
  }),
  networkRemove: (name) => ({ args: ['network', 'rm', '--', name], parse: nothing }),
  // A rootless daemon's are in its own namespace, which its client has no way into.
  besideBridges: () => undefined,
  // Rootless: container root is the caller, and --user would break writes (engines.md §5).
  userMapping: (caller, capabilities) =>
    capabilities.rootless ? { kind: 'root-is-caller' } : { kind: 'user', uid: caller.uid, gid: caller.gid },
  classify: (failure) => classifyBy(DOCKER_RULES, failure),
} satisfies EngineDriver;

/** Of a tmpfs; without a user of its own the container's root is the caller. */
function ownerOf(user: UserMapping): string {
  return user.kind === 'user' ? `,uid=${String(user.uid)},gid=${String(user.gid)}` : '';
}

function readId(stdout: string, command: string): string {
  // docker 28 may print a deprecation on stdout first; the id is the last line.
  const id = stdout.trim().split('\n').at(-1)?.trim() ?? '';
  if (/^[0-9a-f]{64}$/.test(id)) return id;
  throw unreadable(source(command), 'it printed no container id');
}

function readInfo(stdout: string): Capabilities {
  const info = reader(readOne(stdout, source('info')), source('info'));
  // Daemon down: exit code 0 on 20 and 26, with the reason only here (engines.md §3).
  const [reason] = info.texts('ServerErrors');
  if (reason !== undefined || info.text('ServerVersion', '') === '') {
    const code = classifyBy(DOCKER_RULES, { args: ['info'], exitCode: 0, stdout: '', stderr: reason ?? '' });
    throw new ParaError(code ?? 'DAEMON_NOT_AVAILABLE', reason ?? 'docker info names no server', {
      hint: 'Look what it says of its server:\ndocker info',
    });
  }
  const options = info.texts('SecurityOptions');
  const named = (name: string): boolean => options.some((option) => option.split(',')[0] === `name=${name}`);
  const version = info.text('CgroupVersion', '');
  return {
    rootless: named('rootless'),
    desktop: info.text('OperatingSystem', '') === 'Docker Desktop',
    usernsRemap: named('userns'),
    remote: false,
    cgroupVersion: version === '2' ? 2 : version === '1' ? 1 : undefined,
    memoryLimit: info.flag('MemoryLimit', false),
    cpuLimit: info.flag('CpuCfsQuota', false),
    pidsLimit: info.flag('PidsLimit', false),
    storageDriver: info.text('Driver', ''),
    storageRoot: info.text('DockerRootDir', ''),
    selinux: named('selinux'),
    serverVersion: info.text('ServerVersion'),
    runtime: info.text('DefaultRuntime', ''),
    // Of runc, whatever else is there; a build may say a commit instead.
    runtimeVersion: numbersOf(info.record('RuncCommit', 'optional').text('ID', '')),
    healthDriver: 'engine',
  };
}

/** `Docker Desktop 4.48.0 (207573)` is what its server calls itself. */
function readDesktopVersion(stdout: string): string {
  const answer = reader(readOne(stdout, source('version')), source('version'));
  const name = answer.record('Server', 'optional').record('Platform', 'optional').text('Name', '');
  return /^Docker Desktop (\d+\.\d+(?:\.\d+)?)/.exec(name)?.[1] ?? '';
}

function readRows(stdout: string): readonly ContainerRow[] {
  return readRecords(stdout, source('ps')).map((raw) => {
    const row = reader(raw, source('ps'));
    return {
      id: row.text('ID'),
      name: row.text('Names').split(',')[0] ?? '',
      image: row.text('Image'),
      state: toState(row.text('State')),
      status: row.text('Status', ''),
      ports: parsePublishedText(row.text('Ports', '')),
    };
  });
}

function readUsage(stdout: string): readonly UsageSample[] {
  return readRecords(stdout, source('stats')).map((raw) => {
    const row = reader(raw, source('stats'));
    return {
      // Not the name: a docker client on podman's socket cuts its first letter off.
      id: row.text('ID'),
      cpuPercent: percent(row, 'CPUPerc'),
      cpuNanos: undefined,
      pids: count(row, 'PIDs'),
      ...pairs(row, { memory: 'MemUsage', net: 'NetIO', block: 'BlockIO' }),
    };
  });
}

function readNetwork(stdout: string): NetworkInfo {
  const network = reader(readOne(stdout, source('network inspect')), source('network inspect'));
  const configs = network.record('IPAM', 'optional').records('Config');
  const options = network.strings('Options');
  return {
    name: network.text('Name'),
    labels: network.strings('Labels'),
    isClosed: network.flag('Internal', false) && options[NO_ADDRESS] === 'true',
    subnets: configs.map((config) => config.text('Subnet')),
    // As the daemon names it where nobody has (all recorded versions).
    bridge: options[BRIDGE_NAME] ?? `br-${network.text('Id').slice(0, 12)}`,
  };
}

/** Labels come as one text, `k=v,k=v`; para's own hold no comma. */
function readNetworks(stdout: string): readonly NetworkRow[] {
  return readRecords(stdout, source('network ls')).map((raw) => {
    const row = reader(raw, source('network ls'));
    const pairs = row.text('Labels', '').split(',');
    const labels = pairs.map((pair) => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1)]);
    return { name: row.text('Name'), labels: Object.fromEntries(labels) as Record<string, string> };
  });
}

/** `<layer>: Pull complete` and the like; the rest repeats what para says itself. */
function readProgress(line: string): string | undefined {
  const match = /^(?:[0-9a-f]{6,}: (.+)|Status: (.+))$/.exec(line.trim());
  return match === null ? undefined : line.trim();
}
