/** Settings, the session's docker.json and flags become one frozen ContainerSpec (design.md §7). */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ParaError } from '../errors.ts';
import type { ContainerSpec, Engine, HealthCheck, Mount, PortMapping } from './driver.ts';
import { withoutIpv6 } from './ipv6.ts';
import { refuseNested } from './mount-paths.ts';
import { resolveMount, type MountContext, type MountRequest } from './mounts.ts';

/** The kind of version of labels and layout that para writes. */
export const LABEL_SCHEMA = '1';

/** And the name of a login that is renewed where it is used, for whoever else is about to get it. */
export const LOGIN_LABEL = 'para.login.';

/** Paths inside the container; fixed, so that nothing a repository says can move them. */
export const INSIDE = {
  workspace: '/workspace',
  home: '/para/home',
  out: '/run/para/out',
  /** What the host hands in: read-only. */
  cmd: '/run/para/cmd',
  /** What programs in the container print. */
  logs: '/run/para/logs',
  /** A tmpfs of the caller's, empty at each start. */
  secrets: '/run/secrets',
  /** On the PATH of nearly every image. */
  status: '/usr/local/bin/para-status',
  /** The person's ssh agent, where they lend it. */
  sshAgent: '/run/para/ssh-agent.sock',
} as const;

/** In the session's container state: leads to where the ssh agent is now. Engines follow it at each start (all tried). */
export const SSH_AGENT_LINK = 'ssh-agent.sock';

/** A network of the session's own, out of which leads nothing but a proxy. */
export interface RestrictedNetwork {
  readonly mode: 'restricted';
  readonly name: string;
  /** The network that the proxy goes out by; sessions of a repository share it. */
  readonly egress: string;
  /** Canonical entries of the allow-list (proxy/host-rule.ts); none allows nothing. */
  readonly allow: readonly string[];
  /** The /16 of which the session gets sixteen addresses. */
  readonly subnetPool: string;
  readonly selfTest: boolean;
  /** An image that has node, instead of the one that para makes. */
  readonly proxyImage: string | undefined;
}

/** Where a restricted container is in its network. */
export interface ClosedPlace {
  readonly proxy: string;
  readonly address: string;
}

/** The proxy's port; what a session publishes can be any other one. */
export const PROXY_PORT = 3128;

/** All that a container is made of, before anything is checked against the engine. */
export interface ContainerWish {
  readonly repoId: string;
  readonly session: string;
  readonly operation: string;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly MountRequest[];
  readonly ports: readonly PortMapping[];
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
  readonly network: ContainerSpec['network'] | RestrictedNetwork;
  readonly hardening: ContainerSpec['hardening'];
  readonly health?: HealthCheck | undefined;
  /** It has secrets: they get a place in its memory. */
  readonly hasSecrets: boolean;
  /** Names of those that are logins which are renewed where they are used. */
  readonly logins: readonly string[];
  /** The socket of the person's ssh agent, for one that is lent it. */
  readonly sshAgent: string | undefined;
  /** Host directory of the session's container state. */
  readonly stateDir: string;
  readonly mountContext: MountContext;
  readonly caller: { readonly uid: number; readonly gid: number };
}

/** The container's main process: a file that para puts there before each start (sessions/runner-script.ts). */
const RUNNER = ['sh', `${INSIDE.cmd}/runner.sh`];

/** `para-<repo>-<session>`: deterministic, so that a half-made one is found again. */
export function containerName(repoId: string, session: string): string {
  return `para-${repoId}-${session}`;
}

/**
 * Checks the mounts and freezes the whole. `gitMounts` overlay the worktree's `.git`; `place` is a restricted container's:
 * until there is one it has no network at all. @throws MOUNT_*, USAGE
 */
export async function resolveSpec(
  wish: ContainerWish,
  engine: Pick<Engine, 'driver' | 'capabilities' | 'endpoint'>,
  gitMounts: readonly Mount[],
  place?: ClosedPlace,
): Promise<ContainerSpec> {
  const context = mountContextOn(engine, wish);
  const asked = await Promise.all(wish.volumes.map((volume) => resolveMount(volume, context)));
  refuseNested(asked, context.others ?? []);
  const mounts = withWorkspace(asked, wish.mountContext.worktree).concat(gitMounts, ownMounts(wish));
  refuseDuplicates(
    mounts.map((mount) => mount.target),
    'mounted twice',
  );
  refusePorts(wish);
  const spec = {
    name: containerName(wish.repoId, wish.session),
    hostname: wish.session,
    image: wish.image,
    workdir: INSIDE.workspace,
    env: {
      ...wish.env,
      HOME: INSIDE.home,
      PARA_SESSION: wish.session,
      PARA_WORKSPACE: INSIDE.workspace,
      PARA_STATUS_DIR: INSIDE.out,
      PARA_COMMAND_DIR: INSIDE.cmd,
      ...(wish.sshAgent === undefined ? {} : { SSH_AUTH_SOCK: INSIDE.sshAgent }),
      ...(place === undefined ? {} : proxyEnv(place)),
    },
    mounts,
    // Engines take no notice of ports on a closed network (security §2.1): the proxy has them.
    ports: wish.network.mode === 'restricted' ? [] : wish.ports,
    memoryBytes: wish.memoryBytes,
    cpus: wish.cpus,
    pids: wish.pids,
    network: madeNetwork(wish.network, place),
    sysctls: wish.network.mode === 'restricted' ? withoutIpv6() : undefined,
    user: engine.driver.userMapping(wish.caller, engine.capabilities),
    hardening: wish.hardening,
    command: RUNNER,
    health: engineCheck(wish, engine),
    secrets: wish.hasSecrets ? INSIDE.secrets : undefined,
  };
  return deepFreeze({ ...spec, labels: labels(wish, spec) });
}

/** What sources of mounts are resolved against, on this engine. */
export function mountContextOn(
  { endpoint, capabilities }: Pick<Engine, 'capabilities' | 'endpoint'>,
  { mountContext }: Pick<ContainerWish, 'mountContext'>,
): MountContext {
  return { ...mountContext, endpoint, storage: capabilities.storageRoot };
}

function madeNetwork(network: ContainerWish['network'], place?: ClosedPlace): ContainerSpec['network'] {
  if (network.mode !== 'restricted') return network;
  return place === undefined ? { mode: 'none' } : { mode: 'closed', name: network.name, ...place };
}

/** What programs look for; some only in capitals, some only not. */
function proxyEnv({ proxy }: ClosedPlace): Readonly<Record<string, string>> {
  const url = `http://${proxy}:${String(PROXY_PORT)}`;
  const all = { HTTP_PROXY: url, HTTPS_PROXY: url, ALL_PROXY: url, NO_PROXY: 'localhost,127.0.0.1,::1' };
  const lower = Object.entries(all).map(([key, value]): [string, string] => [key.toLowerCase(), value]);
  // Node's own fetch asks none of them by itself (Node 24, and 22.21).
  return { ...all, ...Object.fromEntries(lower), NODE_USE_ENV_PROXY: '1' };
}

/** One port of the host for two, and what a proxy can not publish. @throws USAGE */
function refusePorts({ network, ports }: ContainerWish): void {
  refuseDuplicates(
    ports
      .filter((port) => port.hostPort > 0)
      .map((port) => `${port.hostIp}:${String(port.hostPort)}/${port.protocol}`),
    'published twice',
  );
  if (network.mode !== 'restricted') return;
  for (const { containerPort, protocol } of ports) {
    const port = String(containerPort);
    if (protocol === 'udp')
      throw new ParaError(
        'USAGE',
        `a restricted session can not publish ${port}/udp: its proxy passes on TCP alone`,
        {
          hint: 'Leave the port out, or take --network bridge.',
        },
      );
    if (containerPort === PROXY_PORT)
      throw new ParaError(
        'USAGE',
        `a restricted session can not publish ${port}: that is its proxy's own port`,
        {
          hint: 'Let the program in it listen on another one.',
        },
      );
  }
}

/** What para and the container hand each other. */
function ownMounts({ stateDir, sshAgent }: ContainerWish): Mount[] {
  // Read-only: one can connect all the same, and not change who else may.
  const agent = { source: join(stateDir, SSH_AGENT_LINK), target: INSIDE.sshAgent, readOnly: true };
  return [
    ...(sshAgent === undefined ? [] : [agent]),
    { source: join(stateDir, 'home'), target: INSIDE.home, readOnly: false },
    { source: join(stateDir, 'out'), target: INSIDE.out, readOnly: false },
    { source: join(stateDir, 'cmd'), target: INSIDE.cmd, readOnly: true },
    { source: join(stateDir, 'logs'), target: INSIDE.logs, readOnly: false },
    { source: join(stateDir, 'cmd', 'para-status'), target: INSIDE.status, readOnly: true },
  ];
}

/** What the engine does not run para runs itself (sessions/health-check.ts). */
function engineCheck(
  { health }: ContainerWish,
  { capabilities }: Pick<Engine, 'capabilities'>,
): ContainerSpec['health'] {
  return capabilities.healthDriver === 'engine' ? health : undefined;
}

function labels(wish: ContainerWish, spec: object): Record<string, string> {
  return {
    'para.schema': LABEL_SCHEMA,
    'para.repo': wish.repoId,
    'para.session': wish.session,
    'para.role': 'dev',
    'para.op': wish.operation,
    ...Object.fromEntries(wish.logins.map((name) => [`${LOGIN_LABEL}${name}`, '1'])),
    'para.spec': createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 16),
  };
}

/** The worktree is always there, at /workspace and writable unless the settings say read-only. */
function withWorkspace(mounts: readonly Mount[], worktree: string): Mount[] {
  const misplaced = mounts.find((mount) => mount.target === INSIDE.workspace && mount.source !== worktree);
  if (misplaced !== undefined)
    throw new ParaError(
      'MOUNT_REFUSED',
      `only the worktree is mounted at ${INSIDE.workspace}, not ${misplaced.source}`,
      { hint: 'Choose another target.' },
    );
  const workspace = mounts.find((mount) => mount.target === INSIDE.workspace) ?? {
    source: worktree,
    target: INSIDE.workspace,
    readOnly: false,
  };
  return [workspace, ...mounts.filter((mount) => mount !== workspace)];
}

function refuseDuplicates(values: readonly string[], what: string): void {
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined)
    throw new ParaError('USAGE', `${twice} is ${what}`, {
      hint: 'Each may be given once: look at the flags, .para/docker.json and default_volumes.',
    });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
