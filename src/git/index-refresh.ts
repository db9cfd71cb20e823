/** Makes a worktree's index agree with its branch, so that status shows exactly what is not committed. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Repository } from './repository.ts';
import { adminDirOf, worktreePlace } from './worktrees.ts';

/**
 * Reads the branch's tree into the index and refreshes it; files are not touched. Does nothing when the
 * worktree is gone or is on another branch. Stat data of unchanged entries is kept, so nothing is rehashed.
 * @throws GIT_FAILED
 */
export async function refreshIndex(
  repo: Repository,
  { path, branch }: { path: string; branch: string },
): Promise<void> {
  const admin = await adminDirOf(repo, path);
  if (admin === undefined || !existsSync(path)) return;
  const head = await readFile(join(admin, 'HEAD'), 'utf8').catch(() => '');
  if (head.trim() !== `ref: refs/heads/${branch}`) return;
  const where = worktreePlace(repo, admin, path);
  await repo.git.text({
    args: ['read-tree', '--reset', `refs/heads/${branch}`],
    place: where,
    contents: true,
  });
  // Exit code 1 only says that some file differs.
  await repo.git.attempt({ args: ['update-index', '-q', '--refresh'], place: where, contents: true });
}
