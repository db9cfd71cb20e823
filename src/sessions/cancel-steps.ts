/** The steps of `para cancel`. */
import { rm } from 'node:fs/promises';
import { hasCode } from '../errors.ts';
import { archiveRef, createArchive } from '../git/archive.ts';
import { dropRefs, objectsOf, refsUnder } from '../git/refs.ts';
import { metaRef } from '../git/sealed.ts';
import { makeMove, ownNames } from '../git/session-head.ts';
import { specialFiles } from '../git/special-files.ts';
import { takeSnapshot } from '../git/snapshot.ts';
import { sweepWorktrees, takeAway } from '../git/worktree-remove.ts';
import { adminDirOf } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { describeArchive } from './archive.ts';
import type { CancelPlan, CancelState } from './cancel.ts';
import { moveState, packFiles, stateOf, tarOf } from './keep-files.ts';
import { parseSessionName } from './name.ts';
import { lockRepository, removeRecord, saveRecord } from './store.ts';
import { bringCommitsBack, dropNetwork, removeContainer, stopContainer } from './teardown.ts';
import { commitCount } from './count.ts';
import { together } from '../sys/together.ts';

/**
 * Every step, in order. Until the archive is made each can be undone; from then on they roll forward, and a cancel
 * that was cut short is finished by typing it once more.
 */
export function cancelSteps(plan: CancelPlan): readonly Step<CancelState>[] {
  return [
    recordIntent(plan),
    stopContainer(plan),
    makeBranchAgain(plan),
    takeCommits(plan),
    keepUncommitted(plan),
    keepFiles(plan),
    archive(plan),
    removeContainer(plan),
    dropWorktree(plan),
    forget(plan),
  ];
}

function recordIntent({ places, record, operation }: CancelPlan): Step<CancelState> {
  return {
    title: 'Recording what is to be done',
    run: () => saveRecord(places, { ...record, status: 'cancelling', operation }),
    undo: async (state) => {
      if (!state.settled) await saveRecord(places, { ...record, status: 'active', operation: null });
    },
  };
}

function makeBranchAgain({ record, repo, places, remake }: CancelPlan): Step<CancelState> {
  return {
    title: 'Making the branch again',
    skip: () => (remake === undefined ? 'it is there' : undefined),
    run: async (_state, note) => {
      if (remake === undefined) return;
      await lockRepository(places, 'makes a branch', () => makeMove({ repo, branch: record.branch }, remake));
      note(remake.why);
    },
  };
}

function takeCommits(plan: CancelPlan): Step<CancelState> {
  return {
    title: 'Bringing the commits back',
    skip: () => (plan.record.container?.git === 'sealed' && !plan.archived ? undefined : 'nothing to bring'),
    run: async (state, note) => {
      try {
        state.broughtBack = (await bringCommitsBack(plan)).commits;
        note(commitCount(state.broughtBack));
      } catch (error) {
        // Commits on both sides: those from inside are in the inbox, and are archived from there.
        if (!hasCode(error, 'REFUSED')) throw error;
        note('both sides have commits; both are archived');
      }
    },
  };
}

function keepUncommitted({ record, repo, places, hasIndex, left }: CancelPlan): Step<CancelState> {
  const { name: session, worktree_path: worktreePath, branch } = record;
  return {
    title: 'Keeping what is not committed',
    skip: () => (hasIndex ? undefined : 'the worktree is gone'),
    run: async (state, note) => {
      const from = { repo, session, worktreePath, branch };
      const { commit } = await lockRepository(places, 'takes a snapshot', () =>
        takeSnapshot(from, `snapshot of ${session}, before it was cancelled`),
      );
      state.snapshot = commit;
      state.special = await specialFiles(worktreePath, left);
      note(commit === undefined ? 'nothing' : commit.slice(0, 10));
    },
  };
}

function keepFiles({ record, places, time, keep, left }: CancelPlan): Step<CancelState> {
  const tar = tarOf(places, record.name, time);
  return {
    title: 'Keeping what git ignores',
    skip: () => (keep === 'pack' ? undefined : keep === 'drop' ? 'let go, as asked' : 'nothing'),
    run: async (_state, note) => {
      await packFiles(record.worktree_path, left, tar);
      note(tar);
    },
    undo: async (state) => {
      if (!state.settled) await rm(tar, { force: true });
    },
  };
}

function archive({ record, repo, places, time, archived }: CancelPlan): Step<CancelState> {
  const { name: session, branch, base } = record;
  return {
    title: 'Archiving the session',
    skip: () => (archived ? 'done by an earlier cancel' : undefined),
    run: (state, note) =>
      lockRepository(places, 'archives a session', async () => {
        const ref = archiveRef(session, time);
        const names = [`refs/heads/${branch}`, ref].map((name) => `${name}^{commit}`);
        const adminDir = await adminDirOf(repo, record.worktree_path);
        const own = adminDir === undefined ? [] : await ownNames(adminDir);
        const [found, others] = await together([
          objectsOf(repo, [...names, ...own.map((name) => `${name}^{commit}`)]),
          refsUnder(repo, [`refs/para/snap/${session}/`, `refs/para/inbox/${session}/`]),
        ]);
        const [tip = base, before, ...ownCommits] = found;
        const snapshot = state.snapshot;
        const about = describeArchive({
          record: { ...record, status: 'active', operation: null },
          tip,
          snapshot,
        });
        const commits = [
          tip,
          ...(snapshot === undefined ? [] : [snapshot]),
          ...others.map(({ commit }) => commit),
          ...ownCommits.filter((commit) => commit !== undefined),
        ];
        await createArchive({ repo, session, time, commits, about }, before);
        state.settled = true;
        note(time);
      }),
  };
}

function dropWorktree({ record, repo, places }: CancelPlan): Step<CancelState> {
  const { name: session, branch } = record;
  return {
    title: 'Removing the worktree',
    run: async () => {
      await lockRepository(places, 'removes a worktree', async () => {
        await takeAway(repo, record.worktree_path);
        const all = [metaRef(session), `refs/para/snap/${session}/`, `refs/para/inbox/${session}/`];
        await dropRefs(repo, await refsUnder(repo, [`refs/heads/${branch}`, ...all]));
      });
      await sweepWorktrees(repo);
    },
  };
}

function forget(plan: CancelPlan): Step<CancelState> {
  return {
    title: 'Finishing up',
    run: async (_state, note) => {
      const { places, record, time } = plan;
      await moveState(places.docker(record.name), stateOf(places, record.name, time));
      await removeRecord(places, parseSessionName(record.name));
      await dropNetwork(plan, note);
    },
  };
}
