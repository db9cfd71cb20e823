/** Finishing a session: its work becomes a branch ready for review, everything else is taken away. */
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import type { Config } from '../config/defaults.ts';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { bringBack } from '../git/bring-back.ts';
import { ignoredFiles } from '../git/ignored.ts';
import { pushBranch, pushRemote } from '../git/push.ts';
import { branchExists, checkBranchName, commitOf, deleteBranch, swapRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { commitAll } from '../git/stage.ts';

import { removeWorktree } from '../git/worktree-remove.ts';
import { requireAdminDir } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { findSession, type FindContext } from './find.ts';
import { lockRepository, saveRecord, type Places, type SessionRecord } from './store.ts';

/** Seconds a container gets to stop by itself. */
const STOP_GRACE = 10;

/** What a person asked for. */
export interface FinishRequest {
  readonly message: string;
  readonly session: string | undefined;
  readonly branch: string | undefined;
  /** undefined: as `git.push` says. */
  readonly push: boolean | undefined;
  readonly keepContainer: boolean;
}

/** What finishing needs of the App. */
export interface FinishContext extends FindContext {
  config(): Promise<{ readonly config: Config }>;
  dockerFor(engine: EngineName): Promise<DockerService>;
  now(): Date;
  newId(): string;
}

/** Everything decided; nothing changed yet. */
export interface FinishPlan {
  readonly record: SessionRecord;
  readonly places: Places;
  readonly repo: Repository;
  readonly message: string;
  readonly target: string;
  readonly remote: string | undefined;
  readonly service: DockerService | undefined;
  readonly keepContainer: boolean;
  readonly now: Date;
  readonly operation: string;
}

/** What the steps found out. */
export interface FinishState {
  tip: string;
  broughtBack: number;
  committed: string | undefined;
  pushed: string | undefined;
  pushError: ParaError | undefined;
  /** Files git ignores that went with the worktree. */
  ignored: readonly string[];
}

/** Reads all there is to know and decides. @throws ParaError for whatever is in the way */
export async function planFinish(context: FinishContext, request: FinishRequest): Promise<FinishPlan> {
  const message = request.message.trim();
  if (message === '') throw new ParaError('USAGE', 'the commit message is empty', { hint: 'para finish "What was done"' });
  const { places, record } = await findSession(context, request.session);
  if (record.status === 'review') throw alreadyFinished(record);
  const repo = await context.repository();
  const target = request.branch ?? record.branch;
  if (target !== record.branch) await checkTarget(repo, target);
  const { config } = await context.config();
  return {
    record,
    places,
    repo,
    message,
    target,
    remote: await chooseRemote(repo, request.push, config.git.push),
    service: record.container === null ? undefined : await context.dockerFor(record.container.engine),
    keepContainer: request.keepContainer,
    now: context.now(),
    operation: context.newId(),
  };
}

/** The state before the first step. */
export function newFinishState(plan: FinishPlan): FinishState {
  return { tip: plan.record.base, broughtBack: 0, committed: undefined, pushed: undefined, pushError: undefined, ignored: [] };
}

/**
 * Every step, in order. They roll forward: each may be run again, so a `finish` that was cut short is finished
 * by typing it once more. Work is committed before anything is taken away.
 */
export function finishSteps(plan: FinishPlan): readonly Step<FinishState>[] {
  return [recordIntent(plan), stopContainer(plan), bringCommitsBack(plan), commitRest(plan), nameBranch(plan), push(plan), removeContainer(plan), dropWorktree(plan), recordReview(plan)];
}

async function checkTarget(repo: Repository, branch: string): Promise<void> {
  await checkBranchName(repo, branch);
  if (await branchExists(repo, branch)) throw new ParaError('NAME_INVALID', `the branch ${branch} exists already`, { hint: `-b ${branch}-2` });
}

async function chooseRemote(repo: Repository, flag: boolean | undefined, setting: Config['git']['push']): Promise<string | undefined> {
  if (flag === false || (flag === undefined && setting === 'never')) return undefined;
  const remote = await pushRemote(repo);
  if (remote === undefined && (flag === true || setting === 'always')) {
    throw new ParaError('PUSH_FAILED', 'this repository has no remote to push to', { hint: 'git remote add origin URL\nor: para finish --no-push …' });
  }
  return remote;
}

function recordIntent(plan: FinishPlan): Step<FinishState> {
  const operation = { id: plan.operation, kind: 'finish' as const, pid: process.pid, at: plan.now.toISOString() };
  return { title: 'Recording what is to be done', run: () => saveRecord(plan.places, { ...plan.record, status: 'finishing', operation }) };
}

function stopContainer({ record, service }: FinishPlan): Step<FinishState> {
  return {
    title: 'Stopping the container',
    skip: () => (service === undefined ? 'no container' : undefined),
    run: async (_state, note) => {
      note(record.container?.name ?? '');
      const name = record.container?.name ?? '';
      if ((await service?.status(name)) !== undefined) await service?.stopContainer(name, STOP_GRACE);
    },
  };
}

function bringCommitsBack({ record, places, repo }: FinishPlan): Step<FinishState> {
  return {
    title: 'Bringing the commits back',
    skip: () => (record.container?.git === 'sealed' ? undefined : 'nothing to bring'),
    run: async (state, note) => {
      const sealedDir = join(places.docker(record.name), 'git');
      const back = await lockRepository(places, 'brings commits back', () =>
        bringBack({ repo, session: record.name, sealedDir, branch: record.branch, worktreePath: record.worktree_path }),
      );
      state.broughtBack = back.commits;
      note(`${String(back.commits)} commits`);
    },
  };
}

function commitRest({ record, places, repo, message }: FinishPlan): Step<FinishState> {
  return {
    title: 'Committing what is left',
    run: async (state, note) => {
      const { worktree_path: worktreePath, branch } = record;
      state.ignored = await ignoredFiles(repo, worktreePath);
      const worktreeAdminDir = await requireAdminDir(repo, worktreePath);
      state.committed = await lockRepository(places, 'commits', () => commitAll({ repo, worktreeAdminDir, worktreePath, branch, message }));
      state.tip = (await commitOf(repo, `refs/heads/${branch}`)) ?? state.tip;
      note(state.committed === undefined ? 'nothing was left' : state.tip.slice(0, 10));
    },
  };
}

function nameBranch({ record, repo, places, target }: FinishPlan): Step<FinishState> {
  return {
    title: 'Naming the branch',
    skip: () => (target === record.branch ? `stays ${target}` : undefined),
    run: (state) => lockRepository(places, 'names a branch', () => swapRef(repo, `refs/heads/${target}`, { before: undefined, after: state.tip })),
  };
}

/** A push that fails loses nothing: the branch is here, and the rest goes on (issue: it says how to retry). */
function push({ repo, target, remote }: FinishPlan): Step<FinishState> {
  return {
    title: 'Pushing',
    skip: () => (remote === undefined ? 'no remote, or not asked for' : undefined),
    run: async (state, note) => {
      try {
        state.pushed = await pushBranch(repo, target);
        note(`${state.pushed} ${target}`);
      } catch (error) {
        if (!(error instanceof ParaError) || error.code !== 'PUSH_FAILED') throw error;
        state.pushError = error;
        note('failed; the branch is kept here');
      }
    },
  };
}

function removeContainer({ record, service, keepContainer }: FinishPlan): Step<FinishState> {
  return {
    title: 'Removing the container',
    skip: () => (service === undefined ? 'no container' : keepContainer ? 'kept, as asked' : undefined),
    run: async () => service?.removeContainer(record.container?.name ?? ''),
  };
}

function dropWorktree({ record, repo, places, target }: FinishPlan): Step<FinishState> {
  return {
    title: 'Removing the worktree',
    run: (state) =>
      lockRepository(places, 'removes a worktree', async () => {
        await removeWorktree(repo, record.worktree_path);
        if (target !== record.branch) await deleteBranch(repo, record.branch, state.tip);
      }),
  };
}

function recordReview({ record, places, target, keepContainer }: FinishPlan): Step<FinishState> {
  return {
    title: 'Recording the result',
    run: async () => {
      await saveRecord(places, { ...record, branch: target, status: 'review', operation: null, container: keepContainer ? record.container : null });
      if (!keepContainer) await rm(places.docker(record.name), { recursive: true, force: true });
    },
  };
}

function alreadyFinished(record: SessionRecord): ParaError {
  return new ParaError('REFUSED', `the session ${record.name} is finished already`, { hint: `Its work is on the branch ${record.branch}:\ngit log ${record.branch}` });
}
