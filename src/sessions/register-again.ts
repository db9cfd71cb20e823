/** A worktree that git has lost while a verb on its session was half done: the verb goes on with all that is in it. */
import type { Repository } from '../git/repository.ts';
import { makeMove, remakeBranch } from '../git/session-head.ts';
import { register } from '../git/worktree-mend.ts';
import { adminDirOf } from '../git/worktrees.ts';
import { isDirectory } from '../sys/files.ts';
import { lockRepository, type Places, type SessionRecord } from './store.ts';

/** Makes git know it again, and its branch; of an active session `recover` does that. The caller holds its lock. */
export async function registerAgain(
  repo: Repository,
  { places, record }: { readonly places: Places; readonly record: SessionRecord },
): Promise<void> {
  const { name: session, status, worktree_path: path, branch, base } = record;
  if (status !== 'finishing' && status !== 'cancelling') return;
  if (!(await isDirectory(path))) return;
  if ((await adminDirOf(repo, path)) !== undefined) return;
  await lockRepository(places, 'mends a worktree', async () => {
    const move = await remakeBranch({ repo, session, branch, base, adminDir: undefined });
    if (move !== undefined) await makeMove({ repo, branch }, move);
    await register({ repo, session, path, branch, base });
  });
}
