/** Makes the container of a session again: one that was removed by hand, or lost with its repository's place. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkSettings } from '../config/load.ts';
import type { EngineName, Mount } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { containerName, type ContainerWish } from '../docker/spec.ts';
import { commitOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { createSealed, maskGit, sealedMounts } from '../git/sealed.ts';
import type { Step } from '../pipeline/step.ts';
import { containerRecord, decideContainer, type ContainerPlan } from './container-decision.ts';
import { checkOf, restrictedBy, type Settings } from './container-plan.ts';
import { forgetHealth } from './health-file.ts';
import { prepareInside } from './inside.ts';
import { withNotedMounts } from './mounts.ts';
import { parseSessionName } from './name.ts';
import { committedDockerFile } from './docker-file.ts';
import type { StartPlan } from './start.ts';
import type { ContainerState } from './container-state.ts';
import { containerSteps } from './start-steps.ts';
import type { Places, SessionRecord } from './store.ts';
import { approvedPaths, readApprovals } from './trust.ts';
import { vaultOfRecord, type VaultContext } from './vault.ts';

/** What it needs of the App. */
export interface AgainContext extends VaultContext {
  readonly caller: { readonly uid: number; readonly gid: number };
  readonly trustDir: string;
  config(): Promise<Settings>;
  dockerFor(engine: EngineName): Promise<DockerService>;
  newId(): string;
}

/** A session as it is once its container is there. */
export interface Again {
  readonly record: SessionRecord;
  readonly steps: readonly Step<ContainerState>[];
}

/**
 * As it was made before, on the engine of before; what an older record does not tell is as the settings say now. What was committed in the lost
 * container is kept: its git directory is on the host, and is used again.
 * @throws DAEMON_NOT_AVAILABLE, MOUNT_REFUSED …
 */
export async function containerAgain(
  context: AgainContext,
  session: { readonly repo: Repository; readonly places: Places; readonly record: SessionRecord },
): Promise<Again | undefined> {
  const { repo, places, record } = session;
  const before = record.container;
  if (before === null) return undefined;
  const base = (await commitOf(repo, `refs/heads/${record.branch}`)) ?? record.base;
  const decided = await decideAgain(context, { ...session, before, base });
  const approved = approvedPaths(await readApprovals(context.trustDir, repo.root));
  const own = (await context.config()).own.docker.network;
  const asItWas = asBefore(decided.wish, before, { own, approved });
  const wish = await withNotedMounts(asItWas, decided.engine, places);
  const dockerFile = before.made_with?.docker_file ?? decided.dockerFile;
  const container = { ...decided, wish, git: before.git, dockerFile };
  const after = {
    ...record,
    container: {
      ...containerRecord(container),
      image_source: before.image_source,
      ...(before.pinned_from === undefined ? {} : { pinned_from: before.pinned_from }),
    },
  };
  const plan: StartPlan = {
    ...{ session: parseSessionName(record.name), branch: record.branch, base },
    ...{ worktree: record.worktree_path, repo, places, record: after, container },
  };
  return { record: after, steps: containerSteps(plan, container, prepare(plan, container)) };
}

type Before = NonNullable<SessionRecord['container']>;

/** A record that says what the container was made with is all that counts: what files say now may be an agent's. */
async function decideAgain(
  context: AgainContext,
  found: {
    readonly repo: Repository;
    readonly places: Places;
    readonly record: SessionRecord;
    readonly before: Before;
    readonly base: string;
  },
): Promise<ContainerPlan> {
  const { repo, places, record, before, base } = found;
  const service = await context.dockerFor(before.engine);
  const settings = await context.config();
  const isKnown = before.made_with !== undefined;
  return decideContainer(
    {
      ...{ home: context.home, env: context.env, runner: context.runner },
      ...{ caller: context.caller, trustDir: context.trustDir },
      engine: () => Promise.resolve(service.engine),
      docker: () => Promise.resolve(service),
    },
    {
      ...{ repo, places, base, operation: context.newId(), trust: `para docker trust` },
      settings: isKnown ? { config: settings.own, own: settings.own, project: undefined } : settings,
      dockerFile: async (names) => (isKnown ? undefined : committedDockerFile(repo, record.base, names)),
      session: parseSessionName(record.name),
      vault: isKnown ? await vaultOfRecord(context, before) : undefined,
      flags: {
        ...{ image: before.image, env: {}, ports: [], volumes: [] },
        ...{ cpus: undefined, memoryBytes: undefined },
        pin: false,
        sshAgent: before.ssh_agent === true,
        // As it was, see networkBefore.
        network: { mode: 'none', allowDomains: [] },
      },
    },
  );
}

/** What a container has whatever the files say by now. */
interface Kept {
  readonly own: NetworkSettings;
  /** Host paths that a person has approved. */
  readonly approved: readonly string[];
}

function asBefore(wish: ContainerWish, before: Before, { own, approved }: Kept): ContainerWish {
  const { made_with: made, hardening } = before;
  const network = networkBefore(wish, before, own);
  if (made === undefined) return { ...wish, network };
  const { env, ports, volumes, cpus, memory_bytes: memoryBytes, pids, health_check: check } = made;
  return {
    ...wish,
    ...{ env, ports, volumes, cpus, memoryBytes, pids, hardening, network },
    health: checkOf(check),
    mountContext: { ...wish.mountContext, approved },
  };
}

/** No wider than it was, whatever the files say by now. A network of its own is named after what it is now. */
function networkBefore(
  { repoId, session }: ContainerWish,
  { network: name, restricted }: Before,
  own: NetworkSettings,
): ContainerWish['network'] {
  if (name === 'none') return { mode: 'none' };
  if (restricted === undefined) return { mode: 'bridge', name };
  const { egress, allowed_domains: allow } = restricted;
  const closed = containerName(repoId, session);
  return { ...{ mode: 'restricted', name: closed, egress, allow }, ...restrictedBy(own) };
}

/** Keeps what is there: commits that were not brought back yet are in it. */
function prepare(plan: StartPlan, { git, wish }: ContainerPlan): Step<ContainerState> {
  const { repo, places, session, branch, base, worktree: worktreePath } = plan;
  const stateDir = places.docker(session);
  const dir = join(stateDir, 'git');
  return {
    title: 'Preparing what the container sees',
    run: async (state) => {
      await prepareInside(stateDir, wish.sshAgent);
      await forgetHealth(stateDir);
      await rm(join(stateDir, 'out', 'ready'), { force: true });
      state.gitMounts = await gitMounts();
    },
  };
  async function gitMounts(): Promise<readonly Mount[]> {
    const mask = await maskGit(dir);
    if (git === 'off') return [mask];
    if (existsSync(join(dir, 'HEAD'))) return sealedMounts(repo, dir);
    return (await createSealed({ repo, session, branch, base, worktreePath, dir })).mounts;
  }
}
