/** Decides what container a session gets: settings, then docker.json, then flags (design.md §4). */
import type { DockerFile, SessionRecord } from '../config/generated/types.ts';
import type { LoadedConfig } from '../config/load.ts';
import { parseSize } from '../config/size.ts';
import type { HealthCheck, PortMapping } from '../docker/driver.ts';
import { parseImageReference } from '../docker/image-ref.ts';
import type { MountRequest } from '../docker/mounts.ts';
import { containerName, type ContainerWish } from '../docker/spec.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { decideNetwork, networkSources, refuseWider, type NetworkFlags } from './network-plan.ts';
import { chooseImage, projectType, type ImageSource } from './project.ts';
import type { Places } from './store.ts';

/** What the command line asks of the container; undefined where nothing was said. */
export interface ContainerFlags {
  readonly image: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly PortMapping[];
  readonly volumes: readonly MountRequest[];
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly network: NetworkFlags;
}

/** The settings, and whose word of the network is whose. */
export type Settings = Pick<LoadedConfig, 'config' | 'ownNetwork' | 'projectNetwork'>;

/** Everything else the decision needs. */
export interface ContainerFacts {
  readonly repo: { readonly root: string; readonly id: string };
  readonly session: string;
  readonly operation: string;
  readonly places: Places;
  readonly settings: Settings;
  readonly file: DockerFile | undefined;
  readonly topLevelNames: readonly string[];
  readonly home: string;
  readonly caller: { readonly uid: number; readonly gid: number };
}

/** The wish, and where its image came from. @throws USAGE for an image name that is none, REFUSED */
export function planContainer(
  flags: ContainerFlags,
  facts: ContainerFacts,
): { readonly wish: ContainerWish; readonly imageSource: ImageSource } {
  const { settings, file } = facts;
  const { config } = settings;
  const { image, source } = chooseImage({
    flag: flags.image,
    file: file?.image,
    mappings: config.docker.image_mappings,
    project: projectType(facts.topLevelNames),
    fallback: config.docker.default_image,
  });
  const limits = config.docker.default_resource_limits;
  const wish: ContainerWish = {
    repoId: facts.repo.id,
    session: facts.session,
    operation: facts.operation,
    image: parseImageReference(image),
    env: { ...config.docker.default_environment, ...file?.environment, ...flags.env },
    volumes: volumes(flags, facts),
    ports: [...(file?.ports ?? []).map(filePort), ...flags.ports],
    memoryBytes:
      flags.memoryBytes ??
      (typeof limits.memory_limit === 'string' ? parseSize(limits.memory_limit) : limits.memory_limit),
    cpus: flags.cpus ?? limits.cpu_limit,
    pids: limits.pids_limit,
    network: network(flags, facts),
    hardening: config.docker.hardening,
    health: healthCheck(file?.health_check),
    stateDir: facts.places.docker(facts.session),
    mountContext: {
      worktree: facts.places.worktree(facts.session),
      repo: facts.repo.root,
      home: facts.home,
      allowed: config.docker.allowed_mounts,
    },
    caller: facts.caller,
  };
  return { wish, imageSource: source };
}

/** The settings' own volumes and the flags' are a person's wish; those of docker.json are the repository's. */
function volumes(flags: ContainerFlags, { settings, file }: ContainerFacts): readonly MountRequest[] {
  const mount = (
    volume: { source: string; target: string; read_only?: boolean },
    origin: MountRequest['origin'],
  ): MountRequest => ({
    source: volume.source,
    target: volume.target,
    readOnly: volume.read_only ?? false,
    origin,
  });
  return [
    // A project's config.json is committed, so it counts as the repository's word too.
    ...settings.config.docker.default_volumes.map((volume) => mount(volume, 'repository')),
    ...(file?.volumes ?? []).map((volume) => mount(volume, 'repository')),
    ...flags.volumes,
  ];
}

function filePort(port: { readonly host_port: number; readonly container_port: number }): PortMapping {
  return {
    hostIp: '127.0.0.1',
    hostPort: port.host_port,
    containerPort: port.container_port,
    protocol: 'tcp',
  };
}

/**
 * One network per repository: sessions of one repository see each other, others do not (design.md §7). A restricted
 * session has one of its own. @throws REFUSED for what the repository asks beyond the user's settings
 */
function network(
  flags: ContainerFlags,
  { settings, file, repo, session }: ContainerFacts,
): ContainerWish['network'] {
  const { mode, allow, effects } = decideNetwork(flags.network, networkSources(settings, file));
  refuseWider(effects);
  if (mode === 'none') return { mode };
  const { create_custom_network: custom, custom_network_name: name } = settings.config.docker.network;
  if (mode === 'bridge') return { mode, name: custom ? `${name}-${repo.id}` : 'bridge' };
  const { subnet_pool: subnetPool, self_test: selfTest } = settings.ownNetwork;
  return { mode, name: containerName(repo.id, session), allow, subnetPool, selfTest };
}

/** What is left out is as the engines have it. */
function healthCheck(asked: DockerFile['health_check']): HealthCheck | undefined {
  if (asked === undefined) return undefined;
  const { command } = asked;
  return {
    command: typeof command === 'string' ? command : command.map(shellQuote).join(' '),
    intervalSeconds: asked.interval_seconds ?? 30,
    timeoutSeconds: asked.timeout_seconds ?? 30,
    retries: asked.retries ?? 3,
    startPeriodSeconds: asked.start_period_seconds ?? 0,
  };
}

type Made = NonNullable<NonNullable<SessionRecord['container']>['made_with']>;

/** A check as the session's record has it; nothing for none. */
export function recordedCheck(check: HealthCheck | undefined): Pick<Made, 'health_check'> {
  if (check === undefined) return {};
  return {
    health_check: {
      command: check.command,
      interval_seconds: check.intervalSeconds,
      timeout_seconds: check.timeoutSeconds,
      retries: check.retries,
      start_period_seconds: check.startPeriodSeconds,
    },
  };
}

/** The check that a record tells of. */
export function checkOf(recorded: Made['health_check']): HealthCheck | undefined {
  if (recorded === undefined) return undefined;
  return {
    command: recorded.command,
    intervalSeconds: recorded.interval_seconds,
    timeoutSeconds: recorded.timeout_seconds,
    retries: recorded.retries,
    startPeriodSeconds: recorded.start_period_seconds,
  };
}
