/** Removes a session's worktree, whatever the container made of it. */
import { randomUUID } from 'node:crypto';
import { readFile, readdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { ParaError } from '../errors.ts';
import { type Repository, worktreesDir } from './repository.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { ignoreAbsent } from '../sys/files.ts';
import { removeTree } from '../sys/remove-tree.ts';

/**
 * Removes the directory (links are unlinked, never followed) and the admin directories that name exactly this
 * worktree; `git worktree prune` is not run, it would judge the others too. Safe to repeat.
 * @throws REFUSED for a path outside `<root>/.para/worktrees`, GIT_FAILED when files can not be removed.
 */
export async function removeWorktree(repo: Repository, path: string): Promise<void> {
  await takeAway(repo, path);
  await sweepWorktrees(repo);
}

/**
 * The part of it that is done at once, and needs the repository's lock: to git and to everybody the worktree is gone, and
 * its files wait to be deleted. @throws REFUSED as above
 */
export async function takeAway(repo: Repository, path: string): Promise<void> {
  await assertInside(repo, path);
  // A rename: what is at `path` is whole or gone, however this ends.
  await rename(path, join(worktreesDir(repo), goneName())).catch(ignoreAbsent);
  const all = join(repo.commonDir, 'worktrees');
  for (const name of await readdir(all).catch(() => [])) {
    const pointer = await readFile(join(all, name, 'gitdir'), 'utf8').catch(() => '');
    if (resolve(all, name, pointer.replace(/\n$/, '')) === join(path, '.git'))
      await removeAdminDir(join(all, name));
  }
}

/** What it is known by comes last: a removal that is cut short is found again. */
async function removeAdminDir(admin: string): Promise<void> {
  for (const name of await readdir(admin))
    if (name !== 'gitdir') await rm(join(admin, name), { recursive: true, force: true });
  await rm(admin, { recursive: true, force: true });
}

const GONE = '.gone';

function goneName(): string {
  return `.${randomUUID()}${GONE}`;
}

/**
 * Deletes the files of worktrees that were taken away, also by a para that was cut short. Needs no lock: of two that find
 * the same one, the rename lets one have it. @throws GIT_FAILED when files can not be removed
 */
export async function sweepWorktrees(repo: Pick<Repository, 'root'>): Promise<void> {
  const home = worktreesDir(repo);
  for (const name of await readdir(home).catch(() => [])) {
    if (!name.startsWith('.') || !name.endsWith(GONE)) continue;
    const mine = join(home, goneName());
    const isMine = await rename(join(home, name), mine).then(
      () => true,
      () => false,
    );
    if (isMine) await remove(mine);
  }
}

async function assertInside(repo: Repository, path: string): Promise<void> {
  const home = worktreesDir(repo);
  const inside = relative(home, resolve(path));
  const parent = await realpath(dirname(path)).catch(() => dirname(path));
  const realHome = await realpath(home).catch(() => home);
  const ok =
    inside !== '' &&
    !inside.startsWith('..') &&
    resolve(path) === path &&
    realHome === home &&
    `${parent}/`.startsWith(`${home}/`);
  if (!ok) throw new ParaError('REFUSED', `${path} is not a session's worktree: para removes nothing there`);
}

async function remove(path: string): Promise<void> {
  await removeTree(path).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ParaError('GIT_FAILED', `the worktree can not be removed: ${why}`, {
      hint: `sudo rm -rf ${shellQuote(path)}`,
      cause,
    });
  });
}
