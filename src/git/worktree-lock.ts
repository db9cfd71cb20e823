/** The lock that git keeps on a worktree: a person's, by which it stays, and the one while it is made. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { type Repository, place } from './repository.ts';
import { adminDirOf, type NewWorktree, requireAdminDir } from './worktrees.ts';

/** True when it was stopped while it was made: until its files are there, it is locked. */
export async function isHalfMade(repo: Pick<Repository, 'commonDir'>, path: string): Promise<boolean> {
  const admin = await adminDirOf(repo, path);
  if (admin === undefined) return false;
  return isMaking(await readFile(join(admin, 'locked'), 'utf8').catch(() => ''));
}

/** What git writes into the lock of a worktree that it is making, and of one that it was told to lock (addWorktree). */
function isMaking(reason: string): boolean {
  return ['initializing', 'added with --lock'].includes(reason.trim());
}

/**
 * Looks whether somebody has locked the worktree (`git worktree lock`), so that it stays; the lock while one is
 * made is not meant. @throws REFUSED
 */
export async function requireUnlocked(repo: Pick<Repository, 'commonDir'>, path: string): Promise<void> {
  const admin = await adminDirOf(repo, path);
  if (admin === undefined) return;
  const reason = await readFile(join(admin, 'locked'), 'utf8').catch(() => undefined);
  if (reason === undefined || isMaking(reason)) return;
  const why = reason.trim() === '' ? '' : `: ${reason.trim().slice(0, 200)}`;
  throw new ParaError('REFUSED', `the worktree ${path} is locked${why}`, {
    hint: `When it may go: git worktree unlock ${shellQuote(path)}`,
  });
}

/** Keeps `git worktree prune`, whoever runs it, away from this worktree. */
export async function lockWorktree(repo: Repository, path: string, reason: string): Promise<void> {
  await writeFile(
    join(await requireAdminDir(repo, path), 'locked'),
    `${reason.replaceAll(/[\r\n]+/g, ' ')}\n`,
  );
}

/** The opposite of lockWorktree; no error when it was not locked. */
export async function unlockWorktree(repo: Repository, path: string): Promise<void> {
  const admin = await adminDirOf(repo, path);
  if (admin !== undefined) await rm(join(admin, 'locked'), { force: true });
}

/** Makes a worktree on no branch, and keeps `git worktree prune` away from it. @throws GIT_FAILED */
export async function addDetached(
  { repo, path, base }: Omit<NewWorktree, 'branch'>,
  reason: string,
): Promise<void> {
  await repo.git.text({
    args: ['worktree', 'add', '--quiet', '--detach', '--', path, base],
    config: ['checkout.workers=0'],
    place: place(repo),
    cwd: repo.root,
    filters: 'user',
    timeoutMs: 600_000,
  });
  await lockWorktree(repo, path, reason);
}
