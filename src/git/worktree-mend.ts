/** Puts a worktree right that was removed, moved or cut off by hand. The caller holds the repository's lock. */
import { lstat, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { commitOf, objectsOf, refsUnder } from './refs.ts';
import { refreshIndex } from './index-refresh.ts';
import { type Repository, place } from './repository.ts';
import { restoreSnapshot, takeSnapshot } from './snapshot.ts';
import { removeWorktree } from './worktree-remove.ts';
import { adminDirOf, attachWorktree, requireAdminDir } from './worktrees.ts';

/** A session's worktree, where it should be. */
export interface Mendable {
  readonly repo: Repository;
  readonly session: string;
  readonly path: string;
  readonly branch: string;
  readonly base: string;
}

/**
 * Makes the worktree again from the branch, with the last snapshot when that was taken at the branch's tip, or what was
 * staged when it was removed.
 * @returns the snapshot that was put back
 */
export async function remakeWorktree(worktree: Mendable): Promise<string | undefined> {
  const { repo, session, path, branch } = worktree;
  const before = (await refsUnder(repo, [`refs/para/snap/${session}/`])).at(-1)?.commit;
  const staged = await keepStaged(worktree);
  await removeWorktree(repo, path);
  await attachWorktree({ repo, path, branch });
  const tip = await commitOf(repo, `refs/heads/${branch}`);
  for (const snapshot of [before, staged]) {
    if (snapshot === undefined || (await commitOf(repo, `${snapshot}^1`)) !== tip) continue;
    // One with a second parent is a snapshot; others are old tips.
    const [index, since] = await objectsOf(repo, [`${snapshot}^2^{tree}`, `${staged ?? ''}^2^{tree}`]);
    if (index === undefined) continue;
    // What was staged since is more than an older snapshot has.
    if (staged !== undefined && index !== since) continue;
    await restoreSnapshot(repo, path, snapshot);
    return snapshot;
  }
  return undefined;
}

/** It goes with git's own directory for the worktree. @returns the snapshot; undefined: nothing was staged */
async function keepStaged({ repo, session, path, branch }: Mendable): Promise<string | undefined> {
  if ((await adminDirOf(repo, path)) === undefined) return undefined;
  const why = `what was staged in ${session}, whose worktree is gone`;
  return (await takeSnapshot({ repo, session, worktreePath: path, branch }, why)).commit;
}

/** Moves a worktree back from where it was put, and says so to git. @throws REFUSED when it can not be moved */
export async function moveBack({ repo, path }: Mendable, from: string): Promise<void> {
  const admin = (await adminDirOf(repo, path)) ?? (await requireAdminDir(repo, from));
  await mkdir(dirname(path), { recursive: true });
  await rename(from, path).catch((cause: unknown) => {
    throw new ParaError('REFUSED', `${from} can not be moved back to ${path}`, {
      hint: `mv ${shellQuote(from)} ${shellQuote(path)}`,
      cause,
    });
  });
  await connect(path, admin);
}

/** Makes the worktree known to git that lies at `path`; its files are left alone, and nothing is staged. */
export async function register({ repo, path, branch }: Mendable): Promise<void> {
  const scratch = join(dirname(path), `.${basename(path)}.register`);
  await rm(scratch, { recursive: true, force: true });
  await repo.git.text({
    args: ['worktree', 'add', '--quiet', '--no-checkout', '--force', '--', scratch, branch],
    place: place(repo),
    cwd: repo.root,
  });
  await connect(path, await requireAdminDir(repo, scratch));
  await rm(scratch, { recursive: true, force: true });
  await refreshIndex({ repo, path, branch });
}

/** The worktree's `.git` and git's own directory for it name each other again. Something else at `.git` is put aside. */
export async function connect(path: string, admin: string): Promise<void> {
  const pointer = join(path, '.git');
  const there = await lstat(pointer).catch(() => undefined);
  if (there !== undefined && !there.isFile()) await rename(pointer, await putAside(path));
  // In place, and only when it has to be: a container may have a mount on it, which goes with the file.
  await writeOnce(pointer, `gitdir: ${admin}\n`);
  await writeOnce(join(admin, 'gitdir'), `${pointer}\n`);
}

async function writeOnce(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFile(path, text);
}

/** Beside the state, not in the worktree: there it would be committed. */
async function putAside(path: string): Promise<string> {
  const kept = join(dirname(dirname(path)), 'state', 'kept');
  await mkdir(kept, { recursive: true });
  return join(await mkdtemp(join(kept, `${basename(path)}-`)), 'git');
}

/** Gives a branch its name back, in the worktrees that are on it too. @throws GIT_FAILED */
export async function renameBranch(repo: Repository, from: string, to: string): Promise<void> {
  await repo.git.text({ args: ['branch', '-m', '--', from, to], place: place(repo), cwd: repo.root });
}
