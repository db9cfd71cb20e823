/**
 * Where a session's branch is, and where its worktree's HEAD is. They can differ: somebody worked on a detached HEAD or
 * on another branch, or the session's branch was deleted. What is committed at the end goes on the session's branch,
 * so all that HEAD has must be on it first.
 */
import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ParaError } from '../errors.ts';
import { succeeded } from '../sys/run.ts';
import { isAncestor } from './ancestry.ts';
import { inboxRef } from './sealed.ts';
import type { Place } from './git.ts';
import { commitOf, swapRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { isHeadOn } from './worktrees.ts';

/** A session's branch and its worktree. */
export interface SessionBranch {
  readonly repo: Repository;
  readonly session: string;
  readonly branch: string;
  /** The commit it started from. */
  readonly base: string;
  readonly adminDir: string;
  readonly worktreePath: string;
}

/** A step that the branch has to take before anything is committed on it. */
export interface BranchMove {
  readonly before: string | undefined;
  readonly after: string;
  /** What happened, in words. */
  readonly why: string;
}

/** What HEAD of a worktree is; `commit` is undefined on a branch without one. */
export interface Head {
  readonly ref: string | undefined;
  readonly commit: string | undefined;
}

/** HEAD of the worktree of a git directory, as a name that the repository itself understands (gitrevisions(7)). */
export function headOfWorktree(adminDir: string): string {
  return `worktrees/${basename(adminDir)}/HEAD`;
}

/** HEAD of the git directory that git keeps for a worktree. */
export async function headOf(repo: Repository, adminDir: string): Promise<Head> {
  const place: Place = { gitDir: adminDir, commonDir: repo.commonDir };
  const ask = async (...args: string[]): Promise<string | undefined> => {
    const answer = await repo.git.attempt({ args, place, read: true });
    return succeeded(answer) ? Buffer.from(answer.stdoutBytes).toString('utf8').trim() : undefined;
  };
  return {
    ref: await ask('symbolic-ref', '-q', 'HEAD'),
    commit: await ask('rev-parse', '-q', '--verify', 'HEAD^{commit}'),
  };
}

/** What makes a branch again that is gone; undefined when it is there. */
export async function remakeBranch(
  where: Omit<SessionBranch, 'adminDir' | 'worktreePath'> & { readonly adminDir: string | undefined },
): Promise<BranchMove | undefined> {
  const { repo, branch, session, base, adminDir } = where;
  if ((await commitOf(repo, `refs/heads/${branch}`)) !== undefined) return undefined;
  const fromHead =
    adminDir === undefined ? [] : [(await headOf(repo, adminDir)).commit, await lastHead(adminDir)];
  const known = [...fromHead, inboxRef(session), base];
  for (const candidate of known) {
    const after = candidate === undefined ? undefined : await commitOf(repo, candidate);
    if (after !== undefined)
      return {
        before: undefined,
        after,
        why: `the branch ${branch} was gone; it is there again, at ${after.slice(0, 10)}`,
      };
  }
  throw new ParaError('REFUSED', `the branch ${branch} is gone, and so is every commit it was at`, {
    hint: `git branch ${branch} COMMIT`,
  });
}

/** The commit that HEAD was at last, from its own log. */
async function lastHead(adminDir: string): Promise<string | undefined> {
  const log = await readFile(join(adminDir, 'logs', 'HEAD'), 'utf8').catch(() => '');
  return log
    .split('\n')
    .map((line) => /^[0-9a-f]+ ([0-9a-f]{40,64}) /.exec(line)?.[1])
    .filter((oid) => oid !== undefined && !/^0+$/.test(oid))
    .at(-1);
}

/**
 * What the branch needs to have all that HEAD has; undefined when it has. @throws REFUSED when HEAD is beside or behind
 * it: then the files are not those of the branch, and a commit of them would take back what is on it.
 */
export async function moveToHead(where: SessionBranch): Promise<BranchMove | undefined> {
  const { repo, branch, adminDir } = where;
  const before = await commitOf(repo, `refs/heads/${branch}`);
  if (before === undefined) return remakeBranch(where);
  if (await isHeadOn(adminDir, branch)) return undefined;
  const head = await headOf(repo, adminDir);
  if (head.commit === before) return undefined;
  if (head.commit === undefined || !(await isAncestor(repo, before, head.commit)))
    throw headElsewhere(where, head);
  const place = head.ref === undefined ? 'detached' : `on ${shortName(head.ref)}`;
  return {
    before,
    after: head.commit,
    why: `HEAD was ${place}; its commits are on ${branch} now`,
  };
}

/** Makes the move. @throws GIT_FAILED when the branch moved meanwhile */
export async function makeMove(
  { repo, branch }: Pick<SessionBranch, 'repo' | 'branch'>,
  { before, after }: BranchMove,
): Promise<void> {
  await swapRef(repo, `refs/heads/${branch}`, { before, after });
}

function shortName(ref: string): string {
  return ref.replace(/^refs\/heads\//, '');
}

function headElsewhere({ branch, worktreePath }: SessionBranch, { ref, commit }: Head): ParaError {
  const name = ref === undefined ? commit?.slice(0, 10) : shortName(ref);
  const git = `git -C '${worktreePath}'`;
  const merge = commit === undefined ? '' : `\n${git} merge ${name ?? ''}`;
  return new ParaError(
    'REFUSED',
    `HEAD of the worktree is ${ref === undefined ? 'detached at' : 'on'} ${name ?? 'no commit'}, not on ${branch}, and does not contain it`,
    {
      hint: `go back to the branch, and take over what it has not got:\n${git} switch ${branch}${merge}`,
      details: { branch, head: ref ?? commit ?? null },
    },
  );
}

const KEPT = ['HEAD', 'ORIG_HEAD', 'MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'MERGE_AUTOSTASH'];
const IN_REBASE = ['orig-head', 'autostash', 'stopped-sha'];

/**
 * Names of the commits that may be nowhere but in a worktree's own git directory: where HEAD is, what an operation that is
 * under way has put aside, refs of this worktree alone. They go with it. Not each of them is there.
 */
export async function ownNames(adminDir: string): Promise<readonly string[]> {
  const files = [
    ...KEPT,
    ...['rebase-merge', 'rebase-apply'].flatMap((in_) => IN_REBASE.map((f) => join(in_, f))),
  ];
  for (const below of ['refs/bisect', 'refs/worktree', 'refs/rewritten'])
    for (const name of await readdir(join(adminDir, below)).catch(() => [])) files.push(join(below, name));
  const texts = await Promise.all(
    files.map((file) => readFile(join(adminDir, file), 'utf8').catch(() => '')),
  );
  const oids = texts.flatMap((text) => text.split('\n')).filter((line) => /^[0-9a-f]{40,64}$/.test(line));
  return [headOfWorktree(adminDir), ...new Set(oids)];
}
