/** Decides what container a session gets: settings, then docker.json, then flags (design.md §4). */
import type { DockerFile, SessionRecord } from '../config/generated/types.ts';
import type { LoadedConfig, NetworkSettings } from '../config/load.ts';
import { parseSize } from '../config/size.ts';
import type { HealthCheck, PortMapping } from '../docker/driver.ts';
import { parseImageReference } from '../docker/image-ref.ts';
import type { MountRequest } from '../docker/mounts.ts';
import { containerName, type ContainerWish, type RestrictedNetwork } from '../docker/spec.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { LOOPBACK, toMount } from './host-effects.ts';
import { decideNetwork, networkSources, type NetworkFlags } from './network-plan.ts';
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
  /** Take the image by its digest, now and whenever it is made again. */
  readonly pin: boolean;
  /** Lend it the person's ssh agent. Nothing but the command line may ask for that. */
  readonly sshAgent: boolean;
}

/** The settings of all files, of the user alone, and what the project adds. */
export type Settings = Pick<LoadedConfig, 'config' | 'own' | 'project'>;

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

/** The wish, and where its image came from. @throws USAGE for an image name that is none */
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
    ...{ hasSecrets: false, logins: [], sshAgent: undefined },
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

/** The user's settings and the flags are a person's wish; the project's settings and docker.json the repository's. */
function volumes(
  flags: ContainerFlags,
  { settings: { config, project }, file }: ContainerFacts,
): readonly MountRequest[] {
  const origin = project?.config.docker?.default_volumes === undefined ? 'person' : 'repository';
  return [
    ...config.docker.default_volumes.map((volume) => toMount(volume, origin)),
    ...(file?.volumes ?? []).map((volume) => toMount(volume, 'repository')),
    ...flags.volumes,
  ];
}

type FilePort = NonNullable<DockerFile['ports']>[number];

function filePort({
  host_port: hostPort,
  container_port: containerPort,
  host_ip: ip,
}: FilePort): PortMapping {
  return { hostIp: ip ?? LOOPBACK, hostPort, containerPort, protocol: 'tcp' };
}

/**
 * One network per repository: sessions of one repository see each other, others do not (design.md §7). A restricted
 * session has one of its own. What the repository asks beyond the user's settings is an effect (host-effects.ts).
 */
function network(
  flags: ContainerFlags,
  { settings, file, repo, session }: ContainerFacts,
): ContainerWish['network'] {
  const { own, project } = settings;
  const { mode, allow } = decideNetwork(flags.network, networkSources(own, project?.config, file));
  if (mode === 'none') return { mode };
  const { create_custom_network: custom, custom_network_name: name } = settings.config.docker.network;
  const shared = custom ? `${name}-${repo.id}` : 'bridge';
  if (mode === 'bridge') return { mode, name: shared };
  const ours = restrictedBy(own.docker.network);
  return { mode, name: containerName(repo.id, session), egress: shared, allow, ...ours };
}

/** What of a restricted network is the user's to say, each time that it is made. */
export function restrictedBy(
  own: NetworkSettings,
): Pick<RestrictedNetwork, 'subnetPool' | 'selfTest' | 'proxyImage'> {
  const { subnet_pool: subnetPool, self_test: selfTest, proxy_image: image } = own;
  return { subnetPool, selfTest, proxyImage: image === null ? undefined : parseImageReference(image) };
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
