/**
 * Snapshots: uncommitted work as a commit under `refs/para/snap/<session>/<n>`, taken before anything destructive
 * (facts/security-reliability.md §3.3). Neither the worktree nor its index is touched.
 *
 * It holds bytes as they are in the worktree, past every filter: it is for this repository alone, never to be pushed.
 *
 * The commit's tree is everything in the worktree; its parents are the tip and a commit of what was staged, as in
 * git-stash(1), so that a restore brings back what was staged as staged and the rest as not.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { ParaError } from '../errors.ts';
import { PARA_IDENTITY } from './identity.ts';
import { type Repository, place } from './repository.ts';
import { commitOf, objectsOf, swapRef } from './refs.ts';
import { commitOfIndex } from './index-refresh.ts';
import { headOfWorktree } from './session-head.ts';
import { stageAll, stageIndex } from './stage.ts';
import { requireAdminDir, worktreePlace } from './worktrees.ts';
import { isThere } from '../sys/files.ts';

/** A session's worktree and the branch it is on. */
export interface SessionWorktree {
  readonly repo: Repository;
  readonly session: string;
  readonly worktreePath: string;
  readonly branch: string;
}

/** What was kept, and what could not be. */
export interface Snapshot {
  /** undefined: nothing was uncommitted. */
  readonly ref: string | undefined;
  readonly commit: string | undefined;
  /** Nested repositories; they are not in it. */
  readonly nested: readonly string[];
}

/** Where a session's snapshots are. */
export function snapshotRef(session: string, n: number): string {
  return `refs/para/snap/${session}/${String(n)}`;
}

/** Keeps what is staged, and reads no file of the worktree, in which a container may be at work. @throws GIT_FAILED */
export function snapshotOfStaged(from: SessionWorktree, why: string): Promise<Snapshot> {
  return keep(from, why, 'staged');
}

/**
 * Keeps what is not committed; of a worktree whose directory is gone, what was staged. Nobody else may be writing in
 * it: git follows a link that takes the place of a file, or of a directory, between looking at it and reading it. Works while somebody holds
 * `index.lock`. A snapshot equal to the last one is not taken again. @throws GIT_FAILED
 */
export async function takeSnapshot(from: SessionWorktree, why: string): Promise<Snapshot> {
  return keep(from, why, (await isThere(from.worktreePath)) ? 'all' : 'staged');
}

async function keep(from: SessionWorktree, why: string, what: 'all' | 'staged'): Promise<Snapshot> {
  const { repo, session, worktreePath, branch } = from;
  const worktreeAdminDir = await requireAdminDir(repo, worktreePath);
  const ofIndex = what === 'staged' ? await commitOfIndex(repo, worktreeAdminDir) : undefined;
  const known = ofIndex ?? `refs/heads/${branch}`;
  const head = headOfWorktree(worktreeAdminDir);
  const [at, tree, atHead, treeOfHead, first] = await objectsOf(repo, [
    ...[`${known}^{commit}`, `${known}^{tree}`, `${head}^{commit}`, `${head}^{tree}`],
    `${snapshotRef(session, 1)}^{commit}`,
  ]);
  const [tip, base] = at === undefined ? [atHead, treeOfHead] : [at, tree];
  if (tip === undefined) throw new ParaError('GIT_FAILED', `the branch ${branch} does not exist`);
  const indexFile = join(worktreeAdminDir, `index.para-${randomUUID()}`);
  try {
    const { index, all, nested } =
      what === 'staged'
        ? await stageIndex(repo, worktreeAdminDir, { indexFile, tip })
        : await stageAll(
            { repo, worktreeAdminDir, worktreePath, filters: 'raw' },
            { indexFile, tip, asStaged: true },
          );
    if (all === base && (index ?? base) === base) return { ref: undefined, commit: undefined, nested };
    const staged = await commitTree(repo, index ?? base ?? all, [tip], `${why}: what was staged`);
    const commit = await commitTree(repo, all, [tip, staged], why);
    return { ref: await publish(repo, session, { commit, first }), commit, nested };
  } finally {
    await rm(indexFile, { force: true });
  }
}

async function commitTree(
  repo: Repository,
  tree: string,
  parents: readonly string[],
  message: string,
): Promise<string> {
  return repo.git.text({
    args: ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-m', `para: ${message}`],
    place: place(repo),
    env: PARA_IDENTITY,
  });
}

/** Gives it the next free number, or the last one's when that holds the same. `first`: what is at number 1. */
async function publish(
  repo: Repository,
  session: string,
  { commit, first }: { readonly commit: string; readonly first: string | undefined },
): Promise<string> {
  for (let n = 1, last: string | undefined; ; n += 1) {
    const ref = snapshotRef(session, n);
    const there = n === 1 ? first : await commitOf(repo, ref);
    if (there === undefined) {
      if (last !== undefined && (await isSameWork(repo, last, commit))) return snapshotRef(session, n - 1);
      await swapRef(repo, ref, { before: undefined, after: commit });
      return ref;
    }
    last = there;
  }
}

/** True when two snapshots hold the same, staged and not, on the same commit. */
export async function isSameWork(repo: Repository, one: string, other: string): Promise<boolean> {
  const parts = (commit: string): string[] => [`${commit}^{tree}`, `${commit}^1`, `${commit}^2^{tree}`];
  const found = await objectsOf(repo, [...parts(one), ...parts(other)]);
  return !found.includes(undefined) && [0, 1, 2].every((part) => found[part] === found[part + 3]);
}

/**
 * Puts a snapshot's work back into a worktree that is clean and on the snapshot's first parent: files, what was
 * staged as staged, what was deleted as deleted. @throws GIT_FAILED
 */
export async function restoreSnapshot(repo: Repository, worktreePath: string, commit: string): Promise<void> {
  const where = worktreePlace(repo, await requireAdminDir(repo, worktreePath), worktreePath);
  const run = (args: readonly string[]): Promise<string> =>
    repo.git.text({ args, place: where, contents: true, timeoutMs: 600_000 });
  // With the first parent's tree: what the snapshot has not got is deleted, all else is written. Not -m, which asks
  // whether files are as checked out: of one that went through a filter git can not tell without it.
  await run(['read-tree', '-u', '--reset', `${commit}^1`, commit]);
  await run(['read-tree', `${commit}^2`]);
  await repo.git.attempt({ args: ['update-index', '-q', '--refresh'], place: where, contents: true });
}
