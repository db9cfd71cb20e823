/** The steps of `para finish`. */
import { ParaError } from '../errors.ts';
import { forgetSession } from '../git/bring-back.ts';
import { pushBranch } from '../git/push.ts';
import { branchExists, commitOf, deleteBranch, swapRef } from '../git/refs.ts';
import { makeMove, remakeBranch } from '../git/session-head.ts';
import { commitAll } from '../git/stage.ts';
import { sweepWorktrees, takeAway } from '../git/worktree-remove.ts';
import { requireAdminDir, switchBranch } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { keepFiles, keepUncommitted } from './finish-keep.ts';
import type { FinishPlan, FinishState } from './finish.ts';
import { triggersOrWhy } from './host-triggers.ts';
import { newOperation } from './operation.ts';
import {
  everContained,
  lockRepository,
  removeContainerFiles,
  saveRecord,
  type SessionRecord,
} from './store.ts';
import { bringCommitsBack, dropNetwork, removeContainer, stopContainer } from './teardown.ts';
import { refuseUncommitted } from './uncommitted.ts';
import { requireSettled } from './unsettled.ts';
import { commitCount } from './count.ts';

/**
 * Every step, in order. They roll forward: each may be run again, so a `finish` that was cut short is finished
 * by typing it once more. Work is committed before anything is taken away.
 */
export function finishSteps(plan: FinishPlan): readonly Step<FinishState>[] {
  return [
    recordIntent(plan),
    stopContainer(plan),
    takeHead(plan),
    takeCommits(plan),
    keepUncommitted(plan),
    keepFiles(plan),
    commitRest(plan),
    nameBranch(plan),
    push(plan),
    removeContainer(plan),
    dropWorktree(plan),
    recordReview(plan),
  ];
}

function recordIntent(plan: FinishPlan): Step<FinishState> {
  return {
    title: 'Recording what is to be done',
    run: async () => {
      const { operation: id, at, wish } = plan;
      const operation = await newOperation('finish', { id, at, wish });
      await saveRecord(plan.places, { ...plan.record, status: 'finishing', operation });
    },
    undo: async (state) => {
      if (!state.settled) await saveRecord(plan.places, { ...plan.record, operation: null });
    },
  };
}

function takeHead(plan: FinishPlan): Step<FinishState> {
  const { record, repo, places, service, worktreeGone } = plan;
  return {
    title: 'Looking for work in progress',
    skip: () => (worktreeGone ? 'the worktree is gone' : undefined),
    run: async (state, note) => {
      // While the container was stopped, it may have gone on.
      const { move, ignored } =
        service === undefined ? plan.settled : await requireSettled({ repo, places, record });
      state.unheld = ignored;
      const { branch, worktree_path: path } = record;
      await lockRepository(places, 'moves a branch', async () => {
        if (move !== undefined) await makeMove({ repo, branch }, move);
        // What is committed from here on moves HEAD too: a finish that is cut short finds both at one commit.
        await switchBranch(repo, path, branch);
      });
      if (move === undefined) return;
      state.remarks.push(move.why);
      note(move.after.slice(0, 10));
    },
  };
}

function takeCommits(plan: FinishPlan): Step<FinishState> {
  const sealed = plan.record.container?.git === 'sealed';
  return {
    title: 'Bringing the commits back',
    skip: () => (sealed ? undefined : 'nothing to bring'),
    run: async (state, note) => {
      if (plan.worktreeGone && (await areCommitsBack(plan))) return;
      const brought = await bringCommitsBack(plan);
      if (brought.headAway !== undefined) throw headAwayInside(plan.record, brought.headAway);
      if (brought.takenFrom !== undefined) {
        const head = brought.takenFrom === 'HEAD' ? 'detached' : `on ${brought.takenFrom}`;
        state.remarks.push(
          `in the container, HEAD was ${head}; its commits are on ${plan.record.branch} now`,
        );
      }
      state.broughtBack = brought.commits;
      note(commitCount(state.broughtBack));
    },
  };
}

/**
 * Without its worktree a session may still have commits in its container's git directory, and no branch to take them:
 * then that is made again. False unless an earlier finish came as far as giving the branch its new name.
 */
async function areCommitsBack({ record, repo, places, target, again }: FinishPlan): Promise<boolean> {
  const { name: session, branch, base } = record;
  if (await branchExists(repo, branch)) return false;
  if (again && target !== branch && (await branchExists(repo, target))) return true;
  await lockRepository(places, 'makes a branch', async () => {
    const move = await remakeBranch({ repo, session, branch, base, adminDir: undefined });
    if (move !== undefined) await makeMove({ repo, branch }, move);
  });
  return false;
}

/** The files are those of HEAD: committed on the branch they would take back what it has. */
function headAwayInside({ name, branch }: SessionRecord, head: string): ParaError {
  const git = `para docker exec ${name} -- git`;
  return new ParaError(
    'REFUSED',
    `in the container, HEAD is at ${head.slice(0, 60)}, not on ${branch}, and does not contain it`,
    {
      hint: `go back to the branch, and take over what it has not got:\n${git} switch ${branch}\n${git} merge ${head}`,
      details: { branch, head },
    },
  );
}

function commitRest(plan: FinishPlan): Step<FinishState> {
  return {
    title: 'Committing what is left',
    run: async (state, note) => {
      if (plan.worktreeGone) await takeTip(plan, state);
      else await commitWorktree(plan, state);
      state.settled = true;
      note(
        plan.worktreeGone
          ? 'the worktree is gone'
          : state.committed === undefined
            ? 'nothing was left'
            : state.tip.slice(0, 10),
      );
      const looked = await triggersOrWhy(plan.repo, plan.record.base, state.tip);
      state.triggers = looked.triggers;
      if (looked.why !== undefined) state.remarks.push(looked.why);
    },
  };
}

/** Of a worktree that was removed by hand, or where an earlier finish of this session came further than this. */
async function takeTip({ record, repo, target, again }: FinishPlan, state: FinishState): Promise<void> {
  const there = again ? [record.branch, target] : [record.branch];
  const tips = await Promise.all(there.map((branch) => commitOf(repo, `refs/heads/${branch}`)));
  state.tip = tips.find((tip) => tip !== undefined) ?? state.tip;
}

async function commitWorktree(plan: FinishPlan, state: FinishState): Promise<void> {
  const { record, places, repo, message } = plan;
  const { worktree_path: worktreePath, branch } = record;
  const worktreeAdminDir = await requireAdminDir(repo, worktreePath);
  await refuseUncommitted(plan, worktreeAdminDir);
  state.committed = await lockRepository(places, 'commits', () =>
    commitAll({
      ...{ repo, worktreeAdminDir, worktreePath, branch, message },
      filters: everContained(record) ? 'refuse' : 'user',
      leaveNested: !plan.keepWorktree,
    }),
  );
  state.tip = state.committed ?? (await commitOf(repo, `refs/heads/${branch}`)) ?? state.tip;
}

function nameBranch({ record, repo, places, target }: FinishPlan): Step<FinishState> {
  return {
    title: 'Naming the branch',
    skip: () => (target === record.branch ? `stays ${target}` : undefined),
    run: (state) =>
      lockRepository(places, 'names a branch', async () => {
        const there = await commitOf(repo, `refs/heads/${target}`);
        if (there !== state.tip)
          await swapRef(repo, `refs/heads/${target}`, { before: undefined, after: state.tip });
      }),
  };
}

/** A push that fails loses nothing: the branch is here, and the rest goes on (issue: it says how to retry). */
function push({ record, repo, target, remote, pushAsked }: FinishPlan): Step<FinishState> {
  return {
    title: 'Pushing',
    skip: (state) =>
      remote === undefined
        ? 'no remote, or not asked for'
        : state.tip === record.base && !pushAsked
          ? 'nothing was changed'
          : undefined,
    run: async (state, note) => {
      try {
        await pushBranch(repo, { branch: target, remote: remote ?? '' });
        state.pushed = remote;
        note(`${remote ?? ''} ${target}`);
      } catch (error) {
        if (!(error instanceof ParaError) || error.code !== 'PUSH_FAILED') throw error;
        state.pushError = error;
        note('failed; the branch is kept here');
      }
    },
  };
}

function dropWorktree({ record, repo, places, target, keepWorktree }: FinishPlan): Step<FinishState> {
  return {
    title: keepWorktree ? 'Leaving the worktree on the branch' : 'Removing the worktree',
    run: async (state) => {
      await lockRepository(places, 'removes a worktree', async () => {
        if (keepWorktree) await switchBranch(repo, record.worktree_path, target);
        else await takeAway(repo, record.worktree_path);
        if (target !== record.branch && (await branchExists(repo, record.branch)))
          await deleteBranch(repo, record.branch, state.tip);
      });
      if (!keepWorktree) await sweepWorktrees(repo);
    },
  };
}

function recordReview(plan: FinishPlan): Step<FinishState> {
  const { record, places, repo, target } = plan;
  return {
    title: 'Recording the result',
    run: async (_state, note) => {
      await removeContainerFiles(places, record.name);
      await forgetSession(repo, record.name);
      // Until then a finish that was cut short is finished by another one.
      const done = { branch: target, status: 'review', operation: null, container: null } as const;
      await saveRecord(places, { ...record, ...done });
      await dropNetwork(plan, note);
    },
  };
}
