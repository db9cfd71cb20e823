/** The steps of `para finish` that keep what its commit will not hold. */
import { rm } from 'node:fs/promises';
import { ignoredFiles } from '../git/ignored.ts';
import { specialFiles } from '../git/special-files.ts';
import { takeSnapshot } from '../git/snapshot.ts';
import { adminDirOf } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { archiveTime } from './archive.ts';
import { requireKept, type FinishPlan, type FinishState } from './finish.ts';
import { packFiles, tarOf } from './keep-files.ts';
import { lockRepository } from './store.ts';

/** Staged and not, as the bytes are: what is committed is all of it at once, and past the user's filters. */
export function keepUncommitted(plan: FinishPlan): Step<FinishState> {
  const { record, repo, places, worktreeGone } = plan;
  const { name: session, branch, worktree_path: worktreePath } = record;
  return {
    title: 'Keeping what is not committed',
    run: async (state, note) => {
      if (worktreeGone && (await adminDirOf(repo, worktreePath)) === undefined) {
        note('the worktree is gone');
        return;
      }
      const { ref, nested } = await lockRepository(places, 'takes a snapshot', () =>
        takeSnapshot(
          { repo, session, branch, worktreePath },
          `snapshot of ${session}, before it was finished`,
        ),
      );
      state.nested = nested;
      note(ref ?? 'nothing');
      if (worktreeGone && ref !== undefined)
        state.remarks.push(`What was staged in the worktree is kept: git stash apply ${ref}`);
      if (!worktreeGone && !plan.keepWorktree) state.special = await specialFiles(worktreePath, plan.unheld);
    },
  };
}

/** What git ignores, and nested repositories: packed, or let go, as was asked. */
export function keepFiles(plan: FinishPlan): Step<FinishState> {
  const { record, repo, places, at } = plan;
  const tar = tarOf(places, record.name, archiveTime(at.toISOString()));
  return {
    title: 'Keeping what git ignores',
    skip: () =>
      plan.worktreeGone ? 'the worktree is gone' : plan.keepWorktree ? 'the worktree stays' : undefined,
    run: async (state, note) => {
      // Until the container was stopped, more may have come.
      const ignored = plan.service === undefined ? [] : await ignoredFiles(repo, record.worktree_path);
      state.unheld =
        plan.service === undefined ? plan.unheld : [...ignored, ...state.nested, ...state.unheld];
      const keep = requireKept(plan, state.unheld);
      if (keep === 'pack') {
        await packFiles(record.worktree_path, state.unheld, tar);
        state.kept = tar;
      }
      note(keep === 'pack' ? tar : keep === 'drop' ? 'let go, as asked' : 'nothing');
    },
    undo: async (state) => {
      if (!state.settled) await rm(tar, { force: true });
    },
  };
}
