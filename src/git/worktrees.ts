/** Makes, lists and locks worktrees. The caller holds the repository's lock (facts/performance.md §5). */
import { readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ParaError } from '../errors.ts';
import type { Place } from './git.ts';
import { type Repository, place } from './repository.ts';
import { commitOf, deleteBranch, swapRef } from './refs.ts';
import { removeWorktree } from './worktree-remove.ts';
import { replaceFile } from '../sys/files.ts';

/** A worktree to be made, or that was. */
export interface NewWorktree {
  readonly repo: Repository;
  readonly path: string;
  readonly branch: string;
  /** The commit it starts from. */
  readonly base: string;
}

/** A worktree as git lists it. */
export interface Worktree {
  readonly path: string;
  readonly head: string | undefined;
  readonly branch: string | undefined;
  readonly locked: boolean;
  readonly prunable: boolean;
}

/**
 * Makes branch and worktree. `--no-track`, because parallel adds from a remote branch fight over the config
 * file otherwise. The base is trusted, so the user's own smudge filters run (LFS). `alone` holds the lock: all but
 * writing the files is done in it, which takes no time. Until they are written the worktree is locked (isHalfMade).
 * @throws GIT_FAILED
 */
export async function addWorktree(
  { repo, path, branch, base }: NewWorktree,
  alone: (work: () => Promise<string>) => Promise<string> = (work) => work(),
): Promise<void> {
  await alone(() =>
    repo.git.text({
      args: [
        'worktree',
        'add',
        '--quiet',
        '--no-track',
        '--lock',
        '--no-checkout',
        '-b',
        branch,
        '--',
        path,
        base,
      ],
      place: place(repo),
      cwd: repo.root,
    }),
  );
  const admin = await requireAdminDir(repo, path);
  await repo.git.text({
    args: ['reset', '--hard', '--quiet'],
    config: ['checkout.workers=0'],
    place: worktreePlace(repo, admin, path),
    filters: 'user',
    timeoutMs: 600_000,
  });
  await rm(join(admin, 'locked'));
}

/**
 * Makes of a worktree that is on no branch the one that `addWorktree` would make. What is killed in the middle looks as when
 * that is killed: the new place is known first, and git's own lock is on it until all of it is there. @throws GIT_FAILED
 */
export async function moveToBranch(from: string, { repo, path, branch, base }: NewWorktree): Promise<void> {
  const admin = await requireAdminDir(repo, from);
  await writeFile(join(admin, 'locked'), 'initializing\n');
  await replaceFile(join(admin, 'gitdir'), `${join(path, '.git')}\n`, 0o644);
  await rename(from, path);
  const head = await readFile(join(admin, 'HEAD'), 'utf8');
  // Its files are those of the base: git would look at each of them once more.
  if (head.trim() === base) {
    await swapRef(repo, `refs/heads/${branch}`, { before: undefined, after: base });
    await switchBranch(repo, path, branch);
  } else
    await repo.git.text({
      args: ['checkout', '--quiet', '--no-track', '-b', branch, base, '--'],
      config: ['checkout.workers=0'],
      place: worktreePlace(repo, admin, path),
      filters: 'user',
      timeoutMs: 600_000,
    });
  await rm(join(admin, 'locked'), { force: true });
}

/**
 * Makes a worktree of a branch that exists (recover). `filters` is `user` when no container could write what is on it.
 * @throws GIT_FAILED
 */
export async function attachWorktree(
  { repo, path, branch }: Omit<NewWorktree, 'base'>,
  filters: 'off' | 'user' = 'off',
): Promise<void> {
  const args = ['worktree', 'add', '--quiet', '--', path, branch];
  await repo.git.text({
    args,
    config: ['checkout.workers=0'],
    place: place(repo),
    cwd: repo.root,
    timeoutMs: 600_000,
    contents: true,
    filters,
  });
}

/** An add that is to be undone. */
export interface MadeWorktree extends NewWorktree {
  readonly branchMade: boolean;
  /** When a git that was killed began: a lock of the branch that is older is somebody else's. Without it all are. */
  readonly lockedSince?: Date;
}

/**
 * Undoes an add that was killed at any point (facts/security-reliability.md §3.2): worktree, admin directory,
 * the branch's own lock file and, when para made it and it still is at the base, the branch.
 */
export async function undoAdd(made: MadeWorktree): Promise<void> {
  await removeWorktree(made.repo, made.path);
  if (!made.branchMade) return;
  await removeOwnLock(made);
  if ((await commitOf(made.repo, `refs/heads/${made.branch}`)) === made.base)
    await deleteBranch(made.repo, made.branch, made.base);
}

async function removeOwnLock({ repo, branch, lockedSince }: MadeWorktree): Promise<void> {
  if (lockedSince === undefined) return;
  const lock = join(repo.commonDir, 'refs', 'heads', `${branch}.lock`);
  const made = (await stat(lock).catch(() => undefined))?.mtimeMs ?? 0;
  if (made >= lockedSince.getTime()) await rm(lock, { force: true });
}

/** Every worktree of the repository; the main checkout comes first. @throws GIT_FAILED */
export async function listWorktrees(repo: Repository): Promise<readonly Worktree[]> {
  const listed = await repo.git.bytes({
    args: ['worktree', 'list', '--porcelain', '-z'],
    place: place(repo),
    read: true,
  });
  return listed
    .toString('utf8')
    .split('\0\0')
    .filter((block) => block.startsWith('worktree '))
    .map(toWorktree);
}

function toWorktree(block: string): Worktree {
  const fields = new Map(
    block.split('\0').map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)]),
  );
  return {
    path: fields.get('worktree') ?? '',
    head: fields.get('HEAD'),
    branch: fields.get('branch')?.replace(/^refs\/heads\//, ''),
    locked: fields.has('locked'),
    prunable: fields.has('prunable'),
  };
}

/**
 * The directory under the common `worktrees/` that belongs to the worktree at `path`; found by what git wrote
 * there, never by the worktree's own `.git`. git names it after the worktree as it was made, unless that was taken, so one
 * look is enough for most: all are gone through for the rest alone. `likely` is what one that was moved was called.
 */
export async function adminDirOf(
  repo: Pick<Repository, 'commonDir'>,
  path: string,
  likely = basename(path),
): Promise<string | undefined> {
  const all = join(repo.commonDir, 'worktrees');
  if (await isAdminDirOf(join(all, likely), path)) return join(all, likely);
  for (const name of await readdir(all).catch(() => [])) {
    if (name !== likely && (await isAdminDirOf(join(all, name), path))) return join(all, name);
  }
  return undefined;
}

async function isAdminDirOf(admin: string, path: string): Promise<boolean> {
  const pointer = await readFile(join(admin, 'gitdir'), 'utf8').catch(() => '');
  // git can be told to write relative paths.
  return resolve(admin, pointer.replace(/\n$/, '')) === join(path, '.git');
}

/** Like adminDirOf, but there must be one. @throws GIT_FAILED */
export async function requireAdminDir(repo: Pick<Repository, 'commonDir'>, path: string): Promise<string> {
  const found = await adminDirOf(repo, path);
  if (found !== undefined) return found;
  throw new ParaError('GIT_FAILED', `${path} is not registered as a worktree`, {
    hint: `para recover ${basename(path)}`,
  });
}

/** Where git finds what is of the worktree alone that we are in: its HEAD, for one. */
export async function placeHere(repo: Repository): Promise<Place> {
  const admin = repo.currentWorktree === repo.root ? undefined : await adminDirOf(repo, repo.currentWorktree);
  return admin === undefined ? place(repo) : { gitDir: admin, commonDir: repo.commonDir };
}

/** Where git works for a session's worktree: everything explicit, so a swapped `.git` is not asked. */
export function worktreePlace(repo: Repository, admin: string, path: string): Place {
  return { gitDir: admin, commonDir: repo.commonDir, workTree: path };
}

/** True when HEAD of this git directory is the branch. Starts no process. */
export async function isHeadOn(gitDir: string, branch: string): Promise<boolean> {
  const head = await readFile(join(gitDir, 'HEAD'), 'utf8').catch(() => '');
  return head.trim() === `ref: refs/heads/${branch}`;
}

/** Puts a worktree whose files are those of the branch on that branch; no file is touched. @throws GIT_FAILED */
export async function switchBranch(repo: Repository, path: string, branch: string): Promise<void> {
  const admin = await requireAdminDir(repo, path);
  if (await isHeadOn(admin, branch)) return;
  const where = worktreePlace(repo, admin, path);
  await repo.git.text({ args: ['symbolic-ref', 'HEAD', `refs/heads/${branch}`], place: where });
}
