/** Giving a container to a session that has none; the worktree stays as it is all the while. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { dropPins } from '../git/bring-back.ts';
import { commitOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { isHeadOn, requireAdminDir } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { containerRecord, decideContainer, type ContainerPlan } from './container-decision.ts';
import type { ContainerFlags } from './container-plan.ts';
import { chooseDockerFile } from './docker-file.ts';
import { findSession, type FindContext, type Found } from './find.ts';
import { parseSessionName } from './name.ts';
import { isNetworkKept, sharedNetwork } from './network.ts';
import { newOperation } from './operation.ts';
import { removeClosed } from './proxy.ts';
import { rememberSession } from './rebuild.ts';
import { asPinned } from './pin-image.ts';
import type { ContainerHost, ContainerState } from './container-state.ts';
import { containerSteps } from './start-steps.ts';
import type { StartContext } from './start.ts';
import {
  loadRecord,
  lockSession,
  removeContainerFiles,
  requireOwnPlaces,
  saveRecord,
  type SessionRecord,
} from './store.ts';
import { requireActive } from './sync.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { readApprovals } from './trust.ts';
import { requireNothingUnderWay } from './unsettled.ts';

/** What giving a container needs of the App. */
export interface AdoptContext extends StartContext, FindContext {
  repository(): Promise<Repository>;
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/** What a person asked for. */
export interface AdoptRequest {
  readonly session: string;
  readonly flags: ContainerFlags;
}

/** Everything decided; nothing changed yet. `base` is the branch's tip. */
export interface AdoptPlan extends ContainerHost {
  readonly container: ContainerPlan;
  /** The record as it was. */
  readonly before: SessionRecord;
  /** A docker.json that was changed since the session began, and that nobody approved. */
  readonly isFileChanged: boolean;
}

/** True when an earlier one was cut short. */
export function isHalfAdopted({ operation }: SessionRecord): boolean {
  return operation?.kind === 'docker start';
}

/** Reads all there is to know and decides. @throws REFUSED, and whatever is in the way of a container */
export async function planAdopt(context: AdoptContext, request: AdoptRequest): Promise<AdoptPlan> {
  const { places, record } = await findSession(context, request.session);
  requireActive(record);
  const [repo, settings] = await Promise.all([context.repository(), context.config()]);
  await requireOwnPlaces(places);
  const { branch, worktree_path: worktree } = record;
  await requireNothingUnderWay({ repo, places, record: { ...record, container: null } });
  const base = await requireOnBranch(repo, record);
  const session = parseSessionName(record.name);
  const operation = await newOperation('docker start', { id: context.newId(), at: context.now() });
  const chosen = await chooseDockerFile(repo, record, await readApprovals(context.trustDir, repo.root));
  const container = await decideContainer(context, {
    ...{ repo, places, settings, session, base, operation: operation.id, flags: request.flags },
    dockerFile: () => Promise.resolve(chosen.asked),
    trust: `para docker trust ${session}`,
  });
  return Object.freeze({
    ...{ session, branch, base, worktree, repo, places, container },
    isFileChanged: chosen.isChanged,
    before: { ...record, container: null, operation: null },
    record: { ...record, operation, container: containerRecord(container) },
  });
}

/** The tip of the branch, which must be what is checked out: the container gets to see that. @throws REFUSED */
async function requireOnBranch(
  repo: Repository,
  { name, branch, worktree_path: path }: SessionRecord,
): Promise<string> {
  const isOn = await isHeadOn(await requireAdminDir(repo, path), branch);
  const tip = await commitOf(repo, `refs/heads/${branch}`);
  if (tip !== undefined && isOn) return tip;
  throw new ParaError('REFUSED', `the worktree of ${name} is not on its branch ${branch}`, {
    hint: `cd ${shellQuote(path)} && git switch ${shellQuote(branch)}`,
  });
}

/**
 * Hands `work` the plan under the session's lock; or undefined when the container is there after all, made by another
 * para in the meantime or by one that was cut short later than it knew. @throws as planAdopt, BUSY
 */
export async function withAdoptPlan(
  context: AdoptContext,
  request: AdoptRequest,
  work: (plan: AdoptPlan) => Promise<void>,
): Promise<AdoptPlan | undefined> {
  const { places, record } = await findSession(context, request.session);
  const lock = 'gives the session a container';
  return lockSession(places, record.name, lock, async () => {
    const now = (await loadRecord(places, record.name)) ?? record;
    const settled = isHalfAdopted(now) ? await settleAdoption(context, { places, record: now }) : now;
    if (settled.container !== null) return undefined;
    const plan = await planAdopt(context, request);
    await work(plan);
    return plan;
  });
}

/**
 * Settles one that was cut short, while the caller holds the session's lock: forward when the container came up, since
 * somebody may have worked in it; else all is taken back.
 */
export async function settleAdoption(
  context: Pick<AdoptContext, 'repository' | 'dockerFor'>,
  { places, record }: Found,
): Promise<SessionRecord> {
  const { container, operation } = record;
  const ready = await stat(join(places.docker(record.name), 'out', 'ready')).catch(() => undefined);
  if (container === null || ready !== undefined) return save({ ...record, operation: null });
  const service = await context.dockerFor(container.engine);
  // One of that name that another start made is somebody's work.
  const there = await service.status(container.name);
  const isOurs = there?.labels['para.op'] === operation?.id;
  if (there !== undefined && isOurs) await service.removeContainer(container.name);
  if (there === undefined || isOurs) await removeClosed(service, container);
  if (!(await isNetworkKept(places, record))) await service.removeNetwork(sharedNetwork(container));
  await removeContainerFiles(places, record.name);
  await dropPins(await context.repository(), record.name);
  return save({ ...record, container: null, operation: null });

  async function save(settled: SessionRecord): Promise<SessionRecord> {
    await saveRecord(places, settled);
    return settled;
  }
}

/** The state before the first step. */
export function newAdoptState(): ContainerState {
  return { gitMounts: [], networkMade: false, nameTaken: false };
}

/** Every step, in order. */
export function adoptSteps(plan: AdoptPlan): readonly Step<ContainerState>[] {
  const { places, record, before } = plan;
  return [
    {
      title: 'Recording what is to be done',
      run: () => saveRecord(places, record),
      undo: async (_state, left) => {
        // Else it is settled by the next para: what an engine that hung was making may come later.
        if (left.length === 0) await saveRecord(places, before);
      },
    },
    ...containerSteps(plan, plan.container),
    {
      title: 'Finishing up',
      run: async (state) => {
        const made = asPinned(record, state);
        await rememberSession(plan.repo, made);
        await saveRecord(places, { ...made, operation: null });
      },
    },
  ];
}
