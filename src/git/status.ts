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

interface Where {
  readonly repo: Repository;
  readonly worktreeAdminDir: string;
  readonly worktreePath: string;
  /** `user` for a worktree that no container ever had; see GitCall. */
  readonly filters?: 'off' | 'user' | undefined;
}

/** Counts what is not committed. @throws GIT_FAILED */
export async function worktreeChanges(where: Where): Promise<WorktreeChanges> {
  const entries = await statusEntries(where);
  const count = (test: (entry: string) => boolean): number => entries.filter(test).length;
  return {
    staged: count((entry) => /^1 [^.]/.test(entry)),
    modified: count((entry) => /^1 .[^.]/.test(entry)),
    untracked: count((entry) => entry.startsWith('? ')),
    conflicted: count((entry) => entry.startsWith('u ')),
  };
}

/** A path whose state is not committed. */
export interface Uncommitted {
  readonly path: string;
  /** All of it is in the index. */
  readonly staged: boolean;
}

/** What is not committed, by path; a directory that is untracked whole ends with a slash. @throws GIT_FAILED */
export async function uncommittedPaths(where: Where): Promise<readonly Uncommitted[]> {
  return (await statusEntries(where)).flatMap((entry) => {
    if (entry.startsWith('? ')) return [{ path: entry.slice(2), staged: false }];
    // `1 XY` and six more words, `u XY` and eight more, then the path (git-status, porcelain v2).
    const [, kind, inTree, path] = /^([1u]) .(.) (?:\S+ ){6}(.*)$/s.exec(entry) ?? [];
    if (kind === undefined || path === undefined) return [];
    return [
      kind === '1'
        ? { path, staged: inTree === '.' }
        : { path: path.replace(/^\S+ \S+ /, ''), staged: false },
    ];
  });
}

async function statusEntries(where: Where): Promise<readonly string[]> {
  const args = [
    'status',
    '--porcelain=v2',
    '-z',
    '--no-renames',
    '--ignore-submodules=all',
    '--untracked-files=normal',
  ];
  const place = worktreePlace(where.repo, where.worktreeAdminDir, where.worktreePath);
  const listed = await where.repo.git.bytes({
    args,
    place,
    read: true,
    contents: true,
    filters: where.filters,
  });
  return listed.toString('utf8').split('\0');
}

/** How many commits the branch has that `base` has not. @throws GIT_FAILED */
export async function aheadOf(repo: Repository, base: string, branch: string): Promise<number> {
  return commitsBetween(repo, base, `refs/heads/${branch}`);
}
