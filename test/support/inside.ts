/** git as it would run in a session's container, on the host: for tests that have no engine. */
import { join } from 'node:path';
import type { TempRepo } from './temp-repo.ts';

/** Runs git in the session's sealed directory, with the repository's objects where the container has them mounted. */
export function gitInside(repo: TempRepo, session: string, ...args: readonly string[]): string {
  const worktree = join(repo.root, '.para/worktrees', session);
  return repo.run([...args], {
    cwd: worktree,
    env: {
      GIT_DIR: join(repo.root, '.para/state/docker', session, 'git'),
      GIT_WORK_TREE: worktree,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: join(repo.root, '.git/objects'),
    },
  });
}
