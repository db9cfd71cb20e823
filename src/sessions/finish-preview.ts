/** What a finish would commit, and what would go with the worktree. Reads only. */
import { specialFiles, type SpecialFile } from '../git/special-files.ts';
import { uncommittedPaths } from '../git/status.ts';
import { requireAdminDir } from '../git/worktrees.ts';
import type { FinishPlan } from './finish.ts';

/** Paths in the worktree; a directory that is new or ignored whole ends with a slash. */
export interface FinishPreview {
  readonly would_commit: readonly string[];
  readonly would_go: readonly string[];
  /** Pipes, sockets and devices, which no commit can hold: they go too. */
  readonly would_leave_out: readonly SpecialFile[];
}

/** @throws GIT_FAILED when the worktree can not be asked */
export async function previewFinish(plan: FinishPlan): Promise<FinishPreview> {
  if (plan.worktreeGone) return { would_commit: [], would_go: [], would_leave_out: [] };
  const { repo, record } = plan;
  const worktreePath = record.worktree_path;
  const worktreeAdminDir = await requireAdminDir(repo, worktreePath);
  const left = await uncommittedPaths({ repo, worktreeAdminDir, worktreePath });
  return {
    would_commit: left.map(({ path }) => path),
    would_go: plan.unheld,
    would_leave_out: plan.keepWorktree ? [] : await specialFiles(worktreePath, plan.unheld),
  };
}
