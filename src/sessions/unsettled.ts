/** What has to be settled by hand before a session's files can be committed as they are. */
import { join } from 'node:path';
import { ParaError } from '../errors.ts';
import { halfDoneIn, hasConflicts, type HalfDone } from '../git/half-done.ts';
import type { Look } from '../git/look.ts';
import type { Repository } from '../git/repository.ts';
import { moveToHead, type BranchMove } from '../git/session-head.ts';
import { adminDirOf } from '../git/worktrees.ts';
import type { Places, SessionRecord } from './store.ts';
import { requireNoSubmoduleWork } from './submodule-work.ts';
import { isDirectory } from '../sys/files.ts';

/** A session, to be looked at. */
export interface Looked {
  readonly repo: Repository;
  readonly places: Places;
  readonly record: SessionRecord;
}

/** What a worktree that can be committed as it is needs first, and what goes with it. */
export interface Settled {
  /** undefined: the branch is where it should be. */
  readonly move: BranchMove | undefined;
  /** Files that git ignores in submodules. */
  readonly ignored: readonly string[];
}

/**
 * Looks whether the worktree can be committed as it is, and taken away. `look`: what git sees in it, when that is known.
 * @throws REFUSED naming what is in the way and the command that settles it
 */
export async function requireSettled(session: Looked, look?: Look): Promise<Settled> {
  const { repo, record } = session;
  const { worktree_path: worktreePath, name, branch, base } = record;
  const adminDir = await adminDirOf(repo, worktreePath);
  // That one of them is gone is told by the step that needs it.
  if (adminDir === undefined || !(await isDirectory(worktreePath))) return NOTHING;
  const found = await halfDoneOf(session, adminDir);
  if (found !== undefined) throw unsettled(session, found);
  const gitlinks = look?.gitlinks;
  const ignored = await requireNoSubmoduleWork(record, { repo, adminDir, worktreePath, base, gitlinks });
  return {
    move: await moveToHead({ repo, session: name, branch, base, adminDir, worktreePath }),
    ignored,
  };
}

/** For a worktree that is gone. */
export const NOTHING: Settled = { move: undefined, ignored: [] };

/** An operation of git's under way, on the host or in the container, or files with conflicts. */
interface Unsettled {
  readonly inside: boolean;
  /** undefined: there are conflicts without one. */
  readonly operation: HalfDone | undefined;
  readonly conflicts: boolean;
}

async function halfDoneOf(
  { repo, places, record }: Looked,
  adminDir: string,
): Promise<Unsettled | undefined> {
  const sealed = record.container?.git === 'sealed' ? [join(places.docker(record.name), 'git')] : [];
  for (const dir of [adminDir, ...sealed]) {
    const operation = await halfDoneIn(dir);
    const conflicts = await hasConflicts(join(dir, 'index'), repo.objectFormat);
    if (operation !== undefined || conflicts) return { inside: dir !== adminDir, operation, conflicts };
  }
  return undefined;
}

/**
 * Moving the branch, or giving another git directory to the worktree, would cut what git has begun there off from its
 * end. @throws REFUSED naming how it is ended
 */
export async function requireNothingUnderWay(session: Looked): Promise<void> {
  const adminDir = await adminDirOf(session.repo, session.record.worktree_path);
  const found = adminDir === undefined ? undefined : await halfDoneOf(session, adminDir);
  if (found !== undefined) throw unsettled(session, found);
}

/** A word for `list`; undefined when all is settled. */
export async function unsettledWord(session: Looked): Promise<string | undefined> {
  const adminDir = await adminDirOf(session.repo, session.record.worktree_path);
  if (adminDir === undefined) return undefined;
  const found = await halfDoneOf(session, adminDir);
  if (found === undefined) return undefined;
  return found.conflicts ? 'conflict' : found.operation?.word;
}

function unsettled({ record }: Looked, { inside, operation, conflicts }: Unsettled): ParaError {
  const git = inside ? `para docker exec ${record.name} -- git` : `git -C '${record.worktree_path}'`;
  const where = inside ? 'in the container' : 'in the worktree';
  const what = operation === undefined ? 'files with conflicts' : `a ${operation.what} that is not done`;
  const also = operation !== undefined && conflicts ? ', with conflicts' : '';
  const ways = operation?.ways ?? ['add FILE'];
  const look = conflicts ? [`${git} status`] : [];
  return new ParaError('REFUSED', `there is ${what} ${where}${also}`.replace('is files', 'are files'), {
    hint: ['bring it to its end, or take it back:', ...look, ...ways.map((way) => `${git} ${way}`)].join(
      '\n',
    ),
    details: { operation: operation?.what ?? null, conflicts, where: inside ? 'container' : 'worktree' },
  });
}
