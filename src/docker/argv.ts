/** Pieces of argv that mean the same to docker and podman (facts/engines.md §7). Pure: data in, strings out. */
import type {
  ContainerNetwork,
  ContainerSpec,
  ExecRequest,
  Limits,
  HealthCheck,
  LogsRequest,
  Mount,
  PortMapping,
  UserMapping,
} from './driver.ts';

/** `--mount` for each bind; never `-v`, which creates a missing source as root (engines.md §2.4). */
export function mountArgs(mounts: readonly Mount[]): string[] {
  return mounts.flatMap((mount) => ['--mount', mountValue(mount)]);
}

function mountValue(mount: Mount): string {
  // `readonly`, not `ro`: the only spelling that all recorded versions take (engines.md §7).
  const tail = mount.readOnly ? ',readonly' : '';
  return `type=bind,${csv(`source=${mount.source}`)},${csv(`target=${mount.target}`)}${tail}`;
}

/** A field of the engines' CSV: always quoted, since both take it and a path may hold `,` or `"` or a newline. */
function csv(field: string): string {
  return `"${field.replaceAll('"', '""')}"`;
}

/** `-p` for each port. `127.0.0.1::80` asks for a free host port; `127.0.0.1:0:80` fails on podman (§2.10). */
export function portArgs(ports: readonly PortMapping[]): string[] {
  return ports.flatMap((port) => {
    const ip = port.hostIp.includes(':') ? `[${port.hostIp}]` : port.hostIp;
    const host = port.hostPort === 0 ? '' : String(port.hostPort);
    const suffix = port.protocol === 'tcp' ? '' : `/${port.protocol}`;
    return ['-p', `${ip}:${host}:${String(port.containerPort)}${suffix}`];
  });
}

/** `--label k=v` for each label. */
export function labelArgs(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
}

/** `import` of the archive on stdin. */
export function importArgs(reference: string, labels: Readonly<Record<string, string>> = {}): string[] {
  const changes = Object.entries(labels).flatMap(([key, value]) => ['--change', `LABEL ${key}=${value}`]);
  return ['import', ...changes, '-', reference];
}

/** `-e K=V` for each variable; never a secret, since argv and `inspect` show it. */
export function envArgs(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
}

/** `--filter label=k=v` for each label: AND on every engine (engines.md §7). */
export function labelFilterArgs(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    '--filter',
    value === '' ? `label=${key}` : `label=${key}=${value}`,
  ]);
}

/** Memory, CPU and process limits; 0 means "no limit asked". */
export function limitArgs(spec: Pick<ContainerSpec, 'memoryBytes' | 'cpus' | 'pids'>): string[] {
  return [
    ...(spec.pids > 0 ? ['--pids-limit', String(spec.pids)] : []),
    ...(spec.memoryBytes > 0 ? ['--memory', String(spec.memoryBytes)] : []),
    ...(spec.cpus > 0 ? ['--cpus', String(spec.cpus)] : []),
  ];
}

/** `update`; with the swap that `create` gives for this memory, since docker refuses more memory than memory and swap. */
export function updateArgs(container: string, { memoryBytes = 0, cpus = 0, pids = 0 }: Limits): string[] {
  const swap = memoryBytes > 0 ? ['--memory-swap', String(memoryBytes * 2)] : [];
  return ['update', ...limitArgs({ memoryBytes, cpus, pids }), ...swap, '--', container];
}

/** Capabilities, new privileges, and in `strict` the read-only root. Seccomp stays the engine's default. */
export function hardeningArgs(hardening: ContainerSpec['hardening']): string[] {
  if (hardening === 'off') return [];
  const closed = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
  return hardening === 'strict' ? [...closed, '--read-only', '--tmpfs', TMP] : closed;
}

/**
 * The place of the secrets: in memory, 0700, and the caller's own. `owner` is how the engine is told whose it is, since
 * docker takes uid and gid, podman takes neither and has `U` (both tried).
 */
export function secretsArgs(at: string | undefined, owner: string): string[] {
  if (at === undefined) return [];
  return ['--tmpfs', `${at}:rw,nosuid,nodev,noexec,size=1m,mode=0700${owner}`];
}

/** 1777 so that the caller's uid can write; no size-less tmpfs, which could take half of the memory. */
const TMP = '/tmp:rw,nosuid,nodev,size=512m,mode=1777';

/** How files written inside come to belong to the caller (engines.md §5). */
export function userArgs(user: UserMapping): string[] {
  switch (user.kind) {
    case 'user':
      return ['--user', `${String(user.uid)}:${String(user.gid)}`];
    case 'keep-id':
      return ['--userns', 'keep-id'];
    case 'root-is-caller':
      return [];
  }
}

/** The network: none, or one by name; a second one is said otherwise by each engine. */
export function networkArgs(network: ContainerNetwork): string[] {
  const args = ['--network', network.mode === 'none' ? 'none' : network.name];
  if (network.mode !== 'closed') return args;
  // Nothing answers there: the engine's own resolver would ask the host's (CVE-2024-29018). The proxy has a name all the same.
  const names = ['--dns', '127.0.0.1', '--add-host', `para-proxy:${network.proxy}`];
  return [...args, '--ip', network.address, ...names];
}

/** Settings of the kernel in the container's namespaces. */
function sysctlArgs(sysctls: ContainerSpec['sysctls'] = {}): string[] {
  return Object.entries(sysctls).flatMap(([key, value]) => ['--sysctl', `${key}=${value}`]);
}

/** Where what it prints is kept; journald or `none` as the default driver would leave `logs` empty (engines.md §5). */
function logArgs({ logMegabytes }: ContainerSpec): string[] {
  const most = logMegabytes === undefined ? [] : ['--log-opt', `max-size=${String(logMegabytes)}m`];
  return ['--log-driver', 'json-file', ...most];
}

/** The health check, for an engine that runs it; the flags are the same on both. */
export function healthArgs(health: HealthCheck | undefined): string[] {
  if (health === undefined) return [];
  return [
    ...['--health-cmd', health.command],
    ...['--health-interval', `${String(health.intervalSeconds)}s`],
    ...['--health-timeout', `${String(health.timeoutSeconds)}s`],
    ...['--health-retries', String(health.retries)],
    ...['--health-start-period', `${String(health.startPeriodSeconds)}s`],
  ];
}

/** The part of `create` that is the same everywhere; `dialect` holds what only one engine takes. */
export function createArgs(spec: ContainerSpec, dialect: readonly string[]): string[] {
  return [
    'create',
    // An own pull step gives one source of image errors; podman retries even localhost/… (security §1.2).
    ...['--pull', 'never'],
    // Reaps zombies and passes TERM on: without it `stop` waits its whole grace (engines.md §2.6).
    '--init',
    ...['--name', spec.name, '--hostname', spec.hostname, '--workdir', spec.workdir],
    ...labelArgs(spec.labels),
    ...hardeningArgs(spec.hardening),
    ...limitArgs(spec),
    ...['--ipc', 'private'],
    ...dialect,
    ...logArgs(spec),
    // para decides about restarts; podman's policy does not survive a reboot (engines.md §5).
    ...['--restart', 'no'],
    ...healthArgs(spec.health),
    ...userArgs(spec.user),
    ...networkArgs(spec.network),
    ...sysctlArgs(spec.sysctls),
    ...mountArgs(spec.mounts),
    ...portArgs(spec.ports),
    ...envArgs(spec.env),
    // The image's own entrypoint would take para's command for its arguments.
    ...['--entrypoint', spec.command[0] ?? 'sh'],
    // Nothing after this is read as a flag, whatever the image is called.
    '--',
    spec.image,
    ...spec.command.slice(1),
  ];
}

/** `exec`; `-t` only when asked, since docker fails without a TTY (engines.md §1.2 NoTty). */
export function execArgs(request: ExecRequest): string[] {
  return [
    'exec',
    ...(request.stdin ? ['-i'] : []),
    ...(request.tty ? ['-t'] : []),
    ...(request.workdir === undefined ? [] : ['-w', request.workdir]),
    ...envArgs(request.env ?? {}),
    '--',
    request.container,
    ...request.argv,
  ];
}

/** `logs`; `tail` only as a number: `all` fails on podman (engines.md §2.11). */
export function logsArgs(request: LogsRequest): string[] {
  return [
    'logs',
    ...(request.follow ? ['-f'] : []),
    ...(request.timestamps ? ['--timestamps'] : []),
    ...(request.tail === undefined ? [] : ['--tail', String(request.tail)]),
    ...(request.since === undefined ? [] : ['--since', request.since]),
    '--',
    request.container,
  ];
}
