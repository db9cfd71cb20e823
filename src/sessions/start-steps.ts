/** The steps of `para start`, each with its undo. */
import { join } from 'node:path';
import type { ContainerSpec } from '../docker/driver.ts';
import { resolveSpec } from '../docker/spec.ts';
import { hasCode } from '../errors.ts';
import { forgetSession } from '../git/bring-back.ts';
import { createSealed, maskGit } from '../git/sealed.ts';
import { addWorktree, undoAdd } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { closedSteps } from './closed-steps.ts';
import type { ContainerHost, ContainerState } from './container-state.ts';
import { prepareInside } from './inside.ts';
import { requireMountsUnmoved } from './mounts.ts';
import { networkLabels, sharedName } from './network-made.ts';
import { isNetworkKept } from './network.ts';
import { requireClosed } from './proxy.ts';
import { waitUntilReady } from './ready.ts';
import { asRegistered, registerContainer } from './registry.ts';
import { asPinned, pinImage } from './pin-image.ts';
import { rememberSession } from './rebuild.ts';
import type { ContainerPlan } from './container-decision.ts';
import type { StartPlan } from './start.ts';
import { lockRepository, removeRecord, saveRecord, type SessionRecord } from './store.ts';
import { removeTree } from '../sys/remove-tree.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { startWithSecrets } from './vault.ts';
import { asTaken, takeContainer, takeInside, takeWarm, takeWorktree } from './warm-claim.ts';

/** What all steps hand to each other. */
export interface StartState extends ContainerState {
  record: SessionRecord;
}

/** The state before the first step. */
export function newStartState(plan: StartPlan): StartState {
  return { gitMounts: [], networkMade: false, nameTaken: false, record: plan.record };
}

/** Every step of the plan, in order; `setup` is what belongs to the start and comes last. */
export function startSteps(
  plan: StartPlan,
  setup: readonly Step<StartState>[] = [],
): readonly Step<StartState>[] {
  return [
    recordIntent(plan),
    ...(plan.container?.warm === true ? [takeWarm(plan, plan.container)] : []),
    createWorktree(plan),
    ...(plan.container === undefined ? [] : containerSteps(plan, plan.container)),
    ...setup,
    recordDone(plan),
  ];
}

function recordIntent(plan: StartPlan): Step<StartState> {
  return {
    title: 'Recording the session',
    run: async (state) => {
      await saveRecord(plan.places, state.record);
      const common = plan.container?.git === 'sealed' ? plan.base : undefined;
      await rememberSession(plan.repo, state.record, common);
      state.isPinned = common !== undefined;
    },
    undo: async (_state, left) => {
      // The record says whose it is, and the next para settles it: an engine that hung may still be making it.
      if (left.length > 0) return;
      await forgetSession(plan.repo, plan.session);
      await removeRecord(plan.places, plan.session);
    },
    leftover: () => `rm ${shellQuote(plan.places.record(plan.session))}`,
  };
}

function createWorktree(plan: StartPlan): Step<StartState> {
  const { repo, branch, base, worktree } = plan;
  const request = { repo, path: worktree, branch, base };
  return {
    title: 'Creating the worktree',
    run: async (state, note) => {
      note(`${branch} at ${base.slice(0, 10)}`);
      if (state.warm !== undefined) return takeWorktree(plan, state.warm);
      if (plan.container !== undefined)
        state.imageThere = plan.container.service.imageExists(plan.container.wish.image);
      const files = addWorktree(request, (work) => lockRepository(plan.places, 'creates a worktree', work));
      // What the engine said, or why not, is for the step that needs the image.
      await Promise.allSettled([files, state.imageThere]);
      await files;
    },
    undo: () =>
      lockRepository(plan.places, 'removes a worktree', () => undoAdd({ ...request, branchMade: true })),
    leftover: () =>
      `git worktree remove --force ${shellQuote(worktree)} && git branch -D ${shellQuote(branch)}`,
  };
}

/** The steps that make a container and start it, and one that prepares the host's side of it. */
export function containerSteps(
  plan: ContainerHost,
  container: ContainerPlan,
  seal: Step<ContainerState> = sealGit(plan, container),
): readonly Step<ContainerState>[] {
  return [
    pullImage(container),
    ...(container.pin ? [pinImage(plan, container)] : []),
    createNetwork(plan, container),
    seal,
    ...closedSteps(plan, container),
    createContainer(plan, container),
    startContainer(plan, container),
  ];
}

function pullImage({ service, wish }: ContainerPlan): Step<ContainerState> {
  return {
    title: 'Getting the image',
    skip: ({ warm }) => (warm === undefined ? undefined : 'its container is made'),
    run: async (state, note) => {
      note(wish.image);
      await service.ensureImage(wish.image, note, await state.imageThere);
    },
  };
}

function createNetwork(plan: ContainerHost, { service, wish }: ContainerPlan): Step<ContainerState> {
  const name = sharedName(wish.network);
  return {
    title: 'Creating the network',
    skip: () => (name === '' || name === 'bridge' ? 'none to create' : undefined),
    run: async (state, note) => {
      // Docker makes two networks of one name when two ask at once, and then finds neither.
      state.networkMade = await lockRepository(plan.places, 'creates the network', () =>
        service.ensureNetwork(name, networkLabels(wish.repoId), () => (state.networkMade = true)),
      ).catch((error: unknown) => {
        // A call that was cut off may have made it all the same; one that was refused has not.
        state.networkMade &&= hasCode(error, 'INTERRUPTED') || hasCode(error, 'DEADLINE');
        throw error;
      });
      note(state.networkMade ? name : `${name} is there`);
    },
    undo: async (state) => {
      if (state.networkMade && !(await isNetworkKept(plan.places, plan.record)))
        await service.removeNetwork(name);
    },
    leftover: () => `${service.engine.driver.name} network rm ${name}`,
  };
}

function sealGit(plan: ContainerHost, container: ContainerPlan): Step<ContainerState> {
  const dir = container.wish.stateDir;
  return {
    title: 'Preparing what the container sees',
    run: async (state) => {
      await prepareInside(dir, container.wish.sshAgent);
      const git = join(dir, 'git');
      if (container.git === 'off') {
        state.gitMounts = [await maskGit(git)];
        return;
      }
      const { repo, session, branch, base, worktree } = plan;
      const { isPinned = false } = state;
      const request = { repo, session, branch, base, worktreePath: worktree, dir: git, isPinned };
      const sealed = await createSealed(request);
      state.gitMounts = sealed.mounts;
      if (state.warm !== undefined) await takeInside(plan, state.warm);
    },
    undo: () => removeTree(dir),
    leftover: () => `rm -rf ${shellQuote(dir)}`,
  };
}

function createContainer(plan: ContainerHost, container: ContainerPlan): Step<ContainerState> {
  const name = plan.record.container?.name ?? '';
  return {
    title: 'Creating the container',
    run: async (state, note) => {
      note(name);
      if (state.warm !== undefined) {
        await takeContainer(plan, container, state);
        return;
      }
      const wish = { ...container.wish, image: state.pinned ?? container.wish.image };
      const spec = await resolveSpec(wish, container.engine, state.gitMounts, state.place);
      try {
        state.containerId = await container.service.createContainer(spec);
      } catch (error) {
        state.nameTaken = hasCode(error, 'NAME_CONFLICT');
        if (!state.nameTaken || !(await neverRan(container, spec))) throw error;
        await container.service.removeContainer(name);
        state.nameTaken = false;
        state.containerId = await container.service.createContainer(spec);
      }
    },
    // One that was there before is somebody's work.
    undo: async (state) => {
      if (!state.nameTaken) await container.service.removeContainer(name);
    },
    leftover: () => `${container.engine.driver.name} rm -f ${name}`,
  };
}

/**
 * True for a container of this session that an earlier start asked for: it came when that para had died and all else
 * was taken back, or its client died too, and left the name without a container. Nobody can have worked in one that
 * never ran.
 */
async function neverRan({ service }: ContainerPlan, { name, labels }: ContainerSpec): Promise<boolean> {
  const there = await service.status(name);
  if (there === undefined) return true;
  if (there.state !== 'created') return false;
  return ['para.repo', 'para.session'].every((label) => there.labels[label] === labels[label]);
}

function startContainer(plan: ContainerHost, container: ContainerPlan): Step<ContainerState> {
  const name = plan.record.container?.name ?? '';
  return {
    title: 'Starting the container',
    run: async (state) => {
      const { containerId: id = '', published: ports = container.wish.ports } = state;
      const { service, vault, wish } = container;
      if (plan.record.container !== null) {
        await requireMountsUnmoved(plan.record.container, plan.places, plan.record.name);
        await requireClosed(service, plan.record.container);
      }
      await startWithSecrets(vault, { service, container: name, stateDir: wish.stateDir }, async () => {
        await service.startContainer(name);
        await waitUntilReady(container, name);
      });
      const told = {
        id,
        state: 'running',
        startedAt: new Date().toISOString(),
        ports,
      } as const;
      await registerContainer(plan.places.state, asRegistered(asPinned(plan.record, state), told));
    },
  };
}

function recordDone(plan: StartPlan): Step<StartState> {
  return {
    title: 'Finishing up',
    run: async (state) => {
      state.record = { ...asTaken(asPinned(plan.record, state), state), status: 'active', operation: null };
      await saveRecord(plan.places, state.record);
    },
  };
}
