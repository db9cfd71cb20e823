/** `inspect --type container`, normalised: the one JSON whose keys agree on every engine (facts/engines.md §3). */
import type { ContainerInfo, ContainerSize, ContainerState, PortMapping } from './driver.ts';
import { reader, readRecords, type Reader, type Source } from './parse.ts';

/** Every container that the answer holds; absent names are simply missing (engines.md §1.1.7). */
export function readContainers(stdout: string, source: Source): readonly ContainerInfo[] {
  return readRecords(stdout, source).map((raw) => containerInfo(reader(raw, source)));
}

function containerInfo(root: Reader): ContainerInfo {
  const state = root.record('State');
  const config = root.record('Config');
  const host = root.record('HostConfig');
  return {
    id: root.text('Id'),
    // docker writes `/name`, podman `name`.
    name: root.text('Name').replace(/^\//, ''),
    image: config.text('Image'),
    // Never Running/Paused: docker says Running for paused and restarting ones (engines.md §2.14).
    state: toState(state.text('Status')),
    exitCode: state.number('ExitCode'),
    oomKilled: state.flag('OOMKilled', false),
    pid: state.number('Pid', 0),
    error: state.text('Error', ''),
    createdAt: toTime(root.text('Created', '')),
    startedAt: toTime(state.text('StartedAt', '')),
    finishedAt: toTime(state.text('FinishedAt', '')),
    health: toHealth(state.record('Health', 'optional').text('Status', '')),
    restartCount: root.number('RestartCount', 0),
    ports: readPorts(root.record('NetworkSettings', 'optional').record('Ports', 'optional')),
    mounts: root.records('Mounts').flatMap(readMount),
    labels: config.strings('Labels'),
    memoryBytes: host.number('Memory', 0),
    cpus: host.number('NanoCpus', 0) / 1e9,
    // null on docker, 0 on podman, -1 on both for "unlimited".
    pids: Math.max(0, host.number('PidsLimit', 0)),
    // docker calls having none a network too.
    networks: Object.keys(
      root.record('NetworkSettings', 'optional').record('Networks', 'optional').raw,
    ).filter((name) => name !== 'none'),
  };
}

/** Every container that the answer of `inspect --size` holds. */
export function readSizes(stdout: string, source: Source): readonly ContainerSize[] {
  return readRecords(stdout, source).map((raw) => {
    const root = reader(raw, source);
    const volumes = root.records('Mounts').filter((mount) => mount.text('Type') === 'volume');
    // podman has the log's place among the settings of its driver.
    const podman = root.record('HostConfig').record('LogConfig', 'optional').text('Path', '');
    return {
      name: root.text('Name').replace(/^\//, ''),
      layerBytes: root.has('SizeRw') ? root.number('SizeRw') : undefined,
      volumes: volumes.map((volume) => volume.text('Source')),
      logFile: root.text('LogPath', '') || podman || undefined,
    };
  });
}

/** Engine words for states; podman's extra ones fold into docker's. */
const STATES: Readonly<Record<string, ContainerState>> = {
  created: 'created',
  configured: 'created',
  initialized: 'created',
  running: 'running',
  paused: 'paused',
  restarting: 'restarting',
  removing: 'removing',
  stopping: 'running',
  stopped: 'exited',
  exited: 'exited',
  dead: 'dead',
};

/** The state behind an engine's word. */
export function toState(word: string): ContainerState {
  const key = word.toLowerCase();
  return (Object.hasOwn(STATES, key) ? STATES[key] : undefined) ?? 'unknown';
}

/** The zero time of Go means never. */
function toTime(text: string): string | undefined {
  return text === '' || text.startsWith('0001-') ? undefined : text;
}

function toHealth(word: string): ContainerInfo['health'] {
  // podman 4.3 has Health with Status "" when no check is defined (engines.md §2.16).
  return word === 'starting' || word === 'healthy' || word === 'unhealthy' ? word : 'none';
}

function readMount(mount: Reader): ContainerInfo['mounts'] {
  // docker lists tmpfs here, podman does not; only binds concern para. `RW` is the truth, `Mode` is not.
  if (mount.text('Type') !== 'bind') return [];
  return [{ source: mount.text('Source'), target: mount.text('Destination'), writable: mount.flag('RW') }];
}

function readPorts(ports: Reader): readonly PortMapping[] {
  return Object.keys(ports.raw).flatMap((key) => {
    const [port = '', protocol = 'tcp'] = key.split('/');
    if (protocol !== 'tcp' && protocol !== 'udp') return [];
    return ports.records(key).map((binding) => ({
      // '' on podman 4.3 means every address.
      hostIp: binding.text('HostIp', '') || '0.0.0.0',
      hostPort: Number(binding.text('HostPort')) || 0,
      containerPort: Number(port),
      protocol,
    }));
  });
}
