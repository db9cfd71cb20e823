/** Makes the container of a session again: one that was removed by hand, or lost with its repository's place. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkSettings } from '../config/load.ts';
import type { EngineName, Mount } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import type { ContainerWish } from '../docker/spec.ts';
import { commitOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { createSealed, maskGit, sealedMounts } from '../git/sealed.ts';
import type { Step } from '../pipeline/step.ts';
import { checkOf, type Settings } from './container-plan.ts';
import { forgetHealth } from './health-file.ts';
import { prepareInside } from './inside.ts';
import { parseSessionName } from './name.ts';
import { containerRecord, decideContainer, type StartPlan } from './start.ts';
import { containerSteps, type ContainerState } from './start-steps.ts';
import type { Places, SessionRecord } from './store.ts';

/** What it needs of the App. */
export interface AgainContext {
  readonly home: string;
  readonly caller: { readonly uid: number; readonly gid: number };
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
  const service = await context.dockerFor(before.engine);
  const base = (await commitOf(repo, `refs/heads/${record.branch}`)) ?? record.base;
  const settings = await context.config();
  const decided = await decideContainer(
    {
      home: context.home,
      caller: context.caller,
      engine: () => Promise.resolve(service.engine),
      docker: () => Promise.resolve(service),
    },
    {
      ...{ repo, places, base, operation: context.newId() },
      settings,
      session: parseSessionName(record.name),
      flags: {
        ...{ image: before.image, env: {}, ports: [], volumes: [] },
        ...{ cpus: undefined, memoryBytes: undefined },
        // As it was, see networkBefore.
        network: { mode: 'none', allowDomains: [] },
      },
    },
  );
  const wish = asBefore(decided.wish, before, settings.ownNetwork);
  const container = { ...decided, wish, git: before.git };
  const after = {
    ...record,
    container: { ...containerRecord(container), image_source: before.image_source },
  };
  const plan: StartPlan = {
    ...{ session: parseSessionName(record.name), branch: record.branch, base },
    ...{ worktree: record.worktree_path, repo, places, record: after, container },
  };
  return { record: after, steps: containerSteps(plan, container, prepare(plan, before.git)) };
}

function asBefore(
  wish: ContainerWish,
  before: NonNullable<SessionRecord['container']>,
  own: NetworkSettings,
): ContainerWish {
  const { made_with: made, hardening } = before;
  const network = networkBefore(before, own);
  if (made === undefined) return { ...wish, network };
  const { env, ports, volumes, cpus, memory_bytes: memoryBytes, pids, health_check: check } = made;
  const same = { env, ports, volumes, cpus, memoryBytes, pids };
  return { ...wish, ...same, ...{ hardening, health: checkOf(check), network } };
}

/** No wider than it was, whatever the files say by now. */
function networkBefore(
  { network: name, made_with: made }: NonNullable<SessionRecord['container']>,
  own: NetworkSettings,
): ContainerWish['network'] {
  if (name === 'none') return { mode: 'none' };
  const allow = made?.allowed_domains;
  if (allow === undefined) return { mode: 'bridge', name };
  return { mode: 'restricted', name, allow, subnetPool: own.subnet_pool, selfTest: own.self_test };
}

/** Keeps what is there: commits that were not brought back yet are in it. */
function prepare(plan: StartPlan, git: 'sealed' | 'off'): Step<ContainerState> {
  const { repo, places, session, branch, base, worktree: worktreePath } = plan;
  const stateDir = places.docker(session);
  const dir = join(stateDir, 'git');
  return {
    title: 'Preparing what the container sees',
    run: async (state) => {
      await prepareInside(stateDir);
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
