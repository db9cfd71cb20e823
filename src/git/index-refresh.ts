/** Makes a worktree's index follow its branch, so that status shows exactly what is not committed; keeps what was staged. */
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { succeeded } from '../sys/run.ts';
import type { Repository } from './repository.ts';
import { commitOf } from './refs.ts';
import { headOf } from './session-head.ts';
import { adminDirOf, isHeadOn, worktreePlace } from './worktrees.ts';

/** A worktree and the branch it may be on. */
export interface Indexed {
  readonly repo: Repository;
  readonly path: string;
  readonly branch: string;
}

/** Beside the index, from before the branch moves until the index has followed: the commit that the index is of. */
const MARK = 'para-index-of';

/**
 * The commit that the index of a worktree is of, whose files may be gone: the branch may have moved since.
 * @returns undefined when neither mark nor HEAD says
 */
export async function commitOfIndex(repo: Repository, adminDir: string): Promise<string | undefined> {
  const marked = (await readFile(join(adminDir, MARK), 'utf8').catch(() => '')).trim();
  return marked === '' ? (await headOf(repo, adminDir)).commit : commitOf(repo, marked);
}

/** To be called before the branch moves away from `commit`: a move that is cut short is followed later. */
export async function markIndex(worktree: Indexed, commit: string): Promise<void> {
  const admin = await onBranch(worktree);
  // An older mark is right: the index has not followed since.
  if (admin !== undefined && !existsSync(join(admin, MARK))) await writeFile(join(admin, MARK), commit);
}

/**
 * Lets the index follow a branch that has moved to `tip` since it was marked; files are not touched, and what the user had
 * staged stays staged. What was staged of a path that has moved too gives way, after `keep`. @throws GIT_FAILED
 */
export async function followBranch(
  worktree: Indexed & { readonly tip: string },
  keep: () => Promise<void>,
): Promise<void> {
  const { repo, path, tip: after } = worktree;
  const admin = await filesOnBranch(worktree);
  const before = admin && (await readFile(join(admin, MARK), 'utf8').catch(() => undefined));
  if (admin === undefined || before === undefined) return;
  const where = worktreePlace(repo, admin, path);
  if (after !== before) {
    const merge = { args: ['read-tree', '-i', '-m', before, after], place: where, contents: true };
    if (!succeeded(await repo.git.attempt(merge))) {
      await keep();
      await followByPath(worktree, admin, { before, after });
    }
    // Exit code 1 only says that some file differs.
    await repo.git.attempt({ args: ['update-index', '-q', '--refresh'], place: where, contents: true });
  }
  await rm(join(admin, MARK), { force: true });
}

/** Reads the branch's tree into the index, for a worktree whose own index is gone. @throws GIT_FAILED */
export async function refreshIndex(worktree: Indexed): Promise<void> {
  const { repo, path, branch } = worktree;
  const admin = await filesOnBranch(worktree);
  if (admin === undefined) return;
  const place = worktreePlace(repo, admin, path);
  await repo.git.text({ args: ['read-tree', '--reset', `refs/heads/${branch}`], place, contents: true });
  // Exit code 1 only says that some file differs.
  await repo.git.attempt({ args: ['update-index', '-q', '--refresh'], place, contents: true });
}

/** The same, when the files are there too: an index follows only what can be compared with it. */
async function filesOnBranch(worktree: Indexed): Promise<string | undefined> {
  return existsSync(worktree.path) ? onBranch(worktree) : undefined;
}

/** The admin directory, when its HEAD is on the branch; the worktree's files may be gone. */
async function onBranch({ repo, path, branch }: Indexed): Promise<string | undefined> {
  const admin = await adminDirOf(repo, path);
  if (admin === undefined) return undefined;
  return (await isHeadOn(admin, branch)) ? admin : undefined;
}

/** The new tree, with what was staged of paths that are the same in both. */
async function followByPath(
  { repo, path }: Indexed,
  admin: string,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<void> {
  const place = worktreePlace(repo, admin, path);
  const fields = async (...args: string[]): Promise<readonly string[]> =>
    (await repo.git.bytes({ args, place, contents: true })).toString('latin1').split('\0').slice(0, -1);
  const staged = await fields('diff-index', '--cached', '--raw', '-z', '--no-renames', '--no-abbrev', before);
  const moved = new Set(await fields('diff-tree', '-r', '-z', '--name-only', '--no-renames', before, after));
  const lines: string[] = [];
  for (let i = 0; i + 1 < staged.length; i += 2) {
    // `:100644 100755 <oid> <oid> M`, then the path.
    const [, mode = '0', , oid = ''] = (staged[i] ?? '').split(' ');
    const name = staged[i + 1] ?? '';
    if (!moved.has(name)) lines.push(`${mode === '000000' ? '0' : mode} ${oid}\t${name}\0`);
  }
  await repo.git.bytes({ args: ['read-tree', '--reset', after], place, contents: true });
  if (lines.length === 0) return;
  const input = Buffer.from(lines.join(''), 'latin1');
  await repo.git.bytes({ args: ['update-index', '-z', '--index-info'], input, place, contents: true });
}
