import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A git that goes on without its para is half done for a moment: `worktree add` first writes a HEAD of zeros, which git
 * itself calls broken (builtin/worktree.c). What fails then is looked at once more.
 */
export async function secondLook<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch {
    await sleep(1_000);
    return look();
  }
}
