/** What is not committed in a worktree, and how far a branch is. Runs no code of the worktree. */
import { commitsBetween } from './ancestry.ts';
import { worktreePlace } from './worktrees.ts';
import type { Repository } from './repository.ts';

/** Counts of paths; one path can be both staged and modified. */
export interface WorktreeChanges {
  readonly staged: number;
  readonly modified: number;
  readonly untracked: number;
  readonly conflicted: number;
}

/** Counts what is not committed. @throws GIT_FAILED */
export async function worktreeChanges(where: {
  readonly repo: Repository;
  readonly worktreeAdminDir: string;
  readonly worktreePath: string;
}): Promise<WorktreeChanges> {
  const args = [
    'status',
    '--porcelain=v2',
    '-z',
    '--no-renames',
    '--ignore-submodules=all',
    '--untracked-files=normal',
  ];
  const place = worktreePlace(where.repo, where.worktreeAdminDir, where.worktreePath);
  const listed = await where.repo.git.bytes({ args, place, read: true, contents: true });
  const entries = listed.toString('utf8').split('\0');
  const count = (test: (entry: string) => boolean): number => entries.filter(test).length;
  return {
    staged: count((entry) => /^1 [^.]/.test(entry)),
    modified: count((entry) => /^1 .[^.]/.test(entry)),
    untracked: count((entry) => entry.startsWith('? ')),
    conflicted: count((entry) => entry.startsWith('u ')),
  };
}

/** How many commits the branch has that `base` has not. @throws GIT_FAILED */
export async function aheadOf(repo: Repository, base: string, branch: string): Promise<number> {
  return commitsBetween(repo, base, `refs/heads/${branch}`);
}
