/** Decides all about a session's container: reads settings and docker.json, and changes nothing. */
import type { Config } from '../config/defaults.ts';
import type { Engine } from '../docker/driver.ts';
import { fitsImage } from '../docker/image-pattern.ts';
import { unenforcedLimits } from '../docker/limits.ts';
import type { DockerService } from '../docker/service.ts';
import { containerName, resolveSpec, type ContainerWish } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { topLevelNames } from '../git/tree.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { planContainer, recordedCheck, type ContainerFlags, type Settings } from './container-plan.ts';
import type { DockerAsked } from './docker-file.ts';
import { CONFIG_FILE, DOCKER_FILE } from './asking-files.ts';
import { hostEffects, type HostEffect } from './host-effects.ts';
import { withNotedMounts } from './mounts.ts';
import type { SessionName } from './name.ts';
import type { ImageSource } from './project.ts';
import type { Places, SessionRecord } from './store.ts';
import type { SourceContext } from './secret-values.ts';
import { findSshAgent, requireLendable } from './ssh-agent.ts';
import { approvedPaths, readApprovals, requireApproved } from './trust.ts';
import { canBeKept } from './warm-spec.ts';
import { chooseSecrets, recordedSecrets, rotatingOf, vaultOf, type Vault } from './vault.ts';

/** The container's part of a plan. */
export interface ContainerPlan {
  readonly wish: ContainerWish;
  readonly imageSource: ImageSource;
  readonly engine: Engine;
  readonly service: DockerService;
  readonly git: 'sealed' | 'off';
  readonly vault: Vault;
  /** Limits that the engine does not hold the container to. */
  readonly notEnforced: readonly string[];
  /** SHA-256 of the docker.json that it is made from. */
  readonly dockerFile: string | undefined;
  /** --pin */
  readonly pin: boolean;
  /** One that is kept ready would do. */
  readonly warm: boolean;
}

/** The command that shows what the files of a base ask for, and asks. */
export function trustCommand(base: string | undefined): string {
  return `para docker trust${base === undefined ? '' : ` --base ${shellQuote(base)}`}`;
}

/** What deciding needs of the App. */
export interface DecideContext extends TrustContext, SourceContext {
  readonly caller: { readonly uid: number; readonly gid: number };
  engine(): Promise<Engine>;
  docker(): Promise<DockerService>;
}

/** What asking for approvals needs of the App. */
export interface TrustContext {
  /** Where approvals are kept. */
  readonly trustDir: string;
}

/** All that a container's plan is made from. */
export interface Decision {
  readonly repo: Repository;
  readonly places: Places;
  readonly settings: Settings;
  readonly session: SessionName;
  readonly base: string;
  readonly operation: string;
  readonly flags: ContainerFlags;
  /** The docker.json that counts; `names`: what is at the top of the base. */
  readonly dockerFile: (names: readonly string[]) => Promise<DockerAsked | undefined>;
  /** The command that asks a person for approval. */
  readonly trust: string;
  /** Of a container that is made again; else settings and docker.json say which secrets it gets. */
  readonly vault?: Vault | undefined;
}

/** Decides what container it is; asks for an engine, and changes nothing. @throws ParaError */
export async function decideContainer(context: DecideContext, decision: Decision): Promise<ContainerPlan> {
  const { repo, base, settings, trust } = decision;
  const { config, own, project } = settings;
  const names = await topLevelNames(repo, base);
  const asked = await decision.dockerFile(names);
  const planned = planContainer(decision.flags, {
    ...{ ...decision, file: asked?.file, topLevelNames: names },
    ...{ home: context.home, caller: context.caller },
  });
  const { mountContext, image } = planned.wish;
  requireOwnImage(own, image);
  const effects = await hostEffects({
    ...{ own, project: project?.config, file: asked?.file, mountContext },
    networkFlags: decision.flags.network,
  });
  const approved = await requireTrust(context, { repo, settings, effects, asked, command: trust });
  const place = { home: context.home, root: repo.root };
  const vault =
    decision.vault ?? vaultOf(context, await chooseSecrets(own.secrets, place, asked?.file.secrets));
  const held = { hasSecrets: vault.secrets.length > 0, logins: rotatingOf(vault) };
  const engine = await context.engine();
  const sshAgent = decision.flags.sshAgent ? await agentOf(context, engine, planned.wish) : undefined;
  const wanted = { ...planned.wish, ...held, sshAgent, mountContext: { ...mountContext, approved } };
  const wish = await withNotedMounts(wanted, engine, decision.places);
  // Also a check: a mount that is refused stops the start before anything is made.
  await resolveSpec(wish, engine, []);
  const { git, limits } = config.docker;
  const notEnforced = unenforcedLimits(engine.capabilities, limits);
  const { imageSource } = planned;
  const service = await context.docker();
  return {
    wish,
    imageSource,
    engine,
    service,
    git,
    vault,
    notEnforced,
    dockerFile: asked?.sha256,
    pin: decision.flags.pin,
    warm: own.docker.warm_pool > 0 && canBeKept({ wish, git, pin: decision.flags.pin }),
  };
}

/** The ssh agent that it can be lent. @throws MOUNT_INVALID, MOUNT_REFUSED */
async function agentOf(
  context: DecideContext,
  engine: Engine,
  { session, stateDir }: ContainerWish,
): Promise<string> {
  requireLendable(engine);
  return findSshAgent(context, { session, stateDir });
}

interface Trusting {
  readonly repo: Repository;
  readonly settings: Pick<Settings, 'project'>;
  readonly effects: readonly HostEffect[];
  readonly asked?: DockerAsked | undefined;
  readonly command?: string;
}

/** @returns the host paths that may be mounted. @throws REFUSED for what nobody has approved */
export async function requireTrust(
  { trustDir }: TrustContext,
  { repo, settings, effects, asked, command = trustCommand(undefined) }: Trusting,
): Promise<readonly string[]> {
  if (effects.length === 0) return [];
  const approvals = await readApprovals(trustDir, repo.root);
  const hashes = { [CONFIG_FILE]: settings.project?.sha256, [DOCKER_FILE]: asked?.sha256 };
  requireApproved(approvals, { effects, hashes, command });
  return approvedPaths(approvals);
}

/** @throws REFUSED for an image that the user's settings do not name, when they take no other */
function requireOwnImage({ docker }: Config, image: string): void {
  if (docker.allow_custom_images) return;
  const named = [docker.default_image, ...Object.values(docker.image_mappings)];
  if (named.includes(image) || fitsImage(docker.allowed_images ?? [], image)) return;
  throw new ParaError('REFUSED', `your settings take no image but their own, and ${image} is none of them`, {
    hint: `para config set docker.allowed_images ${shellQuote(JSON.stringify([...(docker.allowed_images ?? []), image]))}`,
  });
}

/** The container's part of a record. */
export function containerRecord(plan: ContainerPlan): NonNullable<SessionRecord['container']> {
  const { wish, engine } = plan;
  return {
    name: containerName(wish.repoId, wish.session),
    engine: engine.driver.name,
    binary: engine.binary,
    endpoint: engine.endpoint,
    image: wish.image,
    image_source: plan.imageSource,
    network: wish.network.mode === 'none' ? 'none' : wish.network.name,
    ...restrictedRecord(wish.network),
    ...(wish.sshAgent === undefined ? {} : { ssh_agent: true as const }),
    hardening: wish.hardening,
    git: plan.git,
    made_with: {
      env: wish.env,
      ports: [...wish.ports],
      volumes: [...wish.volumes],
      cpus: wish.cpus,
      memory_bytes: wish.memoryBytes,
      pids: wish.pids,
      docker_file: plan.dockerFile ?? null,
      ...recordedCheck(wish.health),
      ...recordedSecrets(plan.vault),
    },
  };
}

function restrictedRecord(
  network: ContainerWish['network'],
): Pick<NonNullable<SessionRecord['container']>, 'restricted'> {
  if (network.mode !== 'restricted') return {};
  return { restricted: { egress: network.egress, allowed_domains: [...network.allow] } };
}
