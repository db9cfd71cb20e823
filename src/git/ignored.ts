import type { Repository } from './repository.ts';
import { requireAdminDir, worktreePlace } from './worktrees.ts';

/**
 * What git ignores in a worktree, whole directories as one entry: no commit holds these, so whoever removes the
 * worktree has to say so. @throws GIT_FAILED
 */
export async function ignoredFiles(repo: Repository, worktreePath: string): Promise<readonly string[]> {
  const where = worktreePlace(repo, await requireAdminDir(repo, worktreePath), worktreePath);
  const args = [
    'ls-files',
    '-z',
    '--others',
    '--ignored',
    '--exclude-standard',
    '--directory',
    '--no-empty-directory',
  ];
  const listed = await repo.git.bytes({ args, place: where, read: true });
  return listed
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}
