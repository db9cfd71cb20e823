/** How much of a session's work is not committed, or is nowhere but in its worktree. */
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { worktreeChanges } from '../git/status.ts';
import { inSubmodules, maySubmodules } from '../git/submodules.ts';
import { requireAdminDir } from '../git/worktrees.ts';
import { everContained, type SessionRecord } from './store.ts';

/** Paths, and submodules with work; undefined when the worktree or git's own directory for it is gone. */
export async function countChanges(repo: Repository, record: SessionRecord): Promise<number | undefined> {
  const { worktree_path: worktreePath, base } = record;
  try {
    const adminDir = await requireAdminDir(repo, worktreePath);
    const filters = everContained(record) ? 'off' : 'user';
    const changes = await worktreeChanges({ repo, worktreeAdminDir: adminDir, worktreePath, filters });
    const where = { repo, adminDir, worktreePath, base };
    const { work } = (await maySubmodules(where)) ? await inSubmodules(where) : { work: [] };
    const submodules = new Set(work.map(({ path }) => path)).size;
    return changes.staged + changes.modified + changes.untracked + changes.conflicted + submodules;
  } catch (error) {
    if (error instanceof ParaError) return undefined;
    throw error;
  }
}
