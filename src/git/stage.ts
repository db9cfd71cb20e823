/**
 * Commits everything in a worktree by plumbing, because `git add` may run code of a nested repository (A05).
 * ("Rules for git" 3, facts/security-reliability.md §1.3)
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { GitCall, Place } from './git.ts';
import { worktreePlace } from './worktrees.ts';
import { type Repository, place } from './repository.ts';
import { objectsOf, swapRef } from './refs.ts';
import { callerIdentity } from './sealed.ts';
import { withoutFiltered } from './filtered-paths.ts';
import { copyFreshIndex, copyIndex, dropFreshIndexes } from './fresh-index.ts';
import { lookAt, type Look } from './look.ts';
import { nestedRepositories, outside, refuseNested, tellApart } from './stage-paths.ts';

/** What to commit, and where. */
export interface CommitRequest {
  readonly repo: Repository;
  readonly worktreeAdminDir: string;
  readonly worktreePath: string;
  readonly branch: string;
  readonly message: string;
  /**
   * Clean filters of the user: `user` runs them as `git add` does, which is for a worktree that no container ever
   * had; `refuse` (the default) runs none, and stages no file that has one.
   */
  readonly filters?: 'user' | 'refuse';
  /** Nested repositories are left out, for the caller has kept them. */
  readonly leaveNested?: boolean;
}

const DEADLINE_MS = 600_000;

/**
 * Commits all changes on the session's branch and returns the commit; undefined when there are none.
 * @throws REFUSED for nested repositories and files with a filter, GIT_FAILED (no identity, the branch moved meanwhile).
 */
export async function commitAll(request: CommitRequest): Promise<string | undefined> {
  const { repo, branch, worktreeAdminDir } = request;
  const ref = `refs/heads/${branch}`;
  const [tip, before] = await objectsOf(repo, [`${ref}^{commit}`, `${ref}^{tree}`]);
  if (tip === undefined) throw new ParaError('GIT_FAILED', `the branch ${branch} does not exist`);
  const indexFile = join(worktreeAdminDir, `index.para-${String(process.pid)}`);
  try {
    const { all: tree, nested } = await stageAll({ filters: 'refuse', ...request }, { indexFile, tip });
    if (request.leaveNested !== true) refuseNested(nested);
    if (tree === before) return undefined;
    const commit = await commitTree(request, tree, tip);
    await swapRef(repo, ref, { before: tip, after: commit });
    await rename(indexFile, join(worktreeAdminDir, 'index'));
    return commit;
  } finally {
    await rm(indexFile, { force: true });
    await dropFreshIndexes(worktreeAdminDir);
  }
}

/** A worktree's contents as trees. */
export interface Staged {
  /** What the index held; undefined while it holds conflicts, and when it was not asked for. */
  readonly index: string | undefined;
  /** Everything in the worktree but what git ignores, and but nested repositories. */
  readonly all: string;
  /** Directories that are repositories of their own, with a trailing slash. */
  readonly nested: readonly string[];
}

/** Where a worktree's files are staged: never in its own index. */
interface Scratch {
  readonly indexFile: string;
  readonly tip: string;
  /** Also the tree of what was staged before. */
  readonly asStaged?: boolean;
}

/**
 * Writes the trees of a worktree, using `indexFile` as a scratch index; the worktree's own index, which somebody may
 * hold locked, stays as it is. Nested repositories are named and left out. @throws GIT_FAILED
 */
export async function stageAll(
  request: Omit<CommitRequest, 'branch' | 'message' | 'filters'> & {
    /** `raw`: the bytes as they are, for what is never pushed. */
    readonly filters: 'user' | 'refuse' | 'raw';
  },
  { indexFile, tip, asStaged = false }: Scratch,
): Promise<Staged> {
  const { repo, worktreeAdminDir, worktreePath } = request;
  const filters = request.filters === 'user' ? 'user' : 'off';
  const where: Place = { ...worktreePlace(repo, worktreeAdminDir, worktreePath), indexFile };
  const run = (args: readonly string[], input?: Buffer): Promise<Buffer> =>
    repo.git.bytes({ args, input, place: where, contents: true, filters, timeoutMs: DEADLINE_MS });
  const writeTree = async (): Promise<string> => (await run(['write-tree'])).toString('utf8').trim();
  const worktree = { repo, worktreeAdminDir, worktreePath, filters } as const;
  if (!(await copyFreshIndex(worktree, indexFile))) await run(['read-tree', tip]);
  const look = await lookAt(repo.git, { place: where, filters, timeoutMs: DEADLINE_MS, changed: true });
  const index = asStaged && !look.conflicts ? await writeTree() : undefined;
  const nested = await nestedRepositories(worktreePath, look.others, look.tracked);
  const { gone, present } = await tellApart(worktreePath, outside(nested, look.changed));
  const all = [...present, ...outside(nested, look.others)];
  const added = request.filters === 'refuse' ? await withoutFiltered(repo, where, all) : all;
  await feed(run, ['update-index', '-z', '--force-remove', '--stdin'], gone);
  await feed(run, ['update-index', '-z', '--add', '--remove', '--replace', '--stdin'], added);
  const isAsStaged = index !== undefined && gone.length + added.length === 0;
  return {
    index,
    all: isAsStaged ? index : await writeTree(),
    nested: nested.map((path) => path.toString('utf8')),
  };
}

/**
 * The same of a worktree whose files are gone: all is what the index holds, and of a path with conflicts what was there
 * before them. @throws GIT_FAILED when the index can not be read, or names objects that are gone
 */
export async function stageIndex(
  repo: Repository,
  gitDir: string,
  scratch: { readonly indexFile: string; readonly tip: string },
): Promise<Staged> {
  try {
    const tree = await indexTree(repo, gitDir, scratch);
    return { index: tree, all: tree, nested: [] };
  } catch (error) {
    if (!hasCode(error, 'GIT_FAILED')) throw error;
    const index = join(gitDir, 'index');
    throw new ParaError('GIT_FAILED', `the index of a worktree that is gone can not be read: ${index}`, {
      hint: `To let go what was staged there:\nrm ${shellQuote(index)}`,
      cause: error,
    });
  }
}

async function indexTree(
  repo: Repository,
  gitDir: string,
  { indexFile, tip }: { readonly indexFile: string; readonly tip: string },
): Promise<string> {
  // Of the admin directory, which may be half removed, only the index is asked for.
  const where: Place = { ...place(repo), indexFile };
  if (!(await copyIndex(gitDir, indexFile))) await repo.git.text({ args: ['read-tree', tip], place: where });
  const listed = await repo.git.bytes({ args: ['ls-files', '-z', '-u'], place: where });
  // `100644 <oid> <stage>`, then the path; stage 2 is ours (git-ls-files(1)). What has no mode is taken out.
  const lines = listed
    .toString('latin1')
    .split('\0')
    .slice(0, -1)
    .map((line) => /^(\d+) (\w+) (\d)(\t.*)$/s.exec(line) ?? []);
  const out = lines.map(([, , oid, , path]) => `0 ${oid ?? ''}${path ?? ''}\0`);
  const ours = lines.filter(([, , , stage]) => stage === '2');
  const back = ours.map(([, mode, oid, , path]) => `${mode ?? ''} ${oid ?? ''}${path ?? ''}\0`);
  const input = Buffer.from([...out, ...back].join(''), 'latin1');
  if (lines.length > 0)
    await repo.git.bytes({ args: ['update-index', '-z', '--index-info'], input, place: where });
  return repo.git.text({ args: ['write-tree'], place: where });
}

/** Nested repositories of a worktree that git does not ignore, with a trailing slash. */
export async function nestedIn(
  worktreePath: string,
  { others, tracked }: Pick<Look, 'others' | 'tracked'>,
): Promise<readonly string[]> {
  const nested = await nestedRepositories(worktreePath, others, tracked);
  return nested.map((path) => path.toString('utf8'));
}

async function feed(
  run: (args: readonly string[], input: Buffer) => Promise<Buffer>,
  args: readonly string[],
  paths: readonly Buffer[],
): Promise<void> {
  if (paths.length > 0) await run(args, Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)])));
}

/** Only under a name that the user gave: git would else make one up of the machine's. */
async function commitTree({ repo, message }: CommitRequest, tree: string, tip: string): Promise<string> {
  const call: GitCall = {
    args: ['commit-tree', tree, '-p', tip, '-F', '-'],
    input: message.endsWith('\n') ? message : `${message}\n`,
    place: place(repo),
    cwd: repo.root,
  };
  try {
    return await repo.git.text({ ...call, config: ['user.useConfigOnly=true'] });
  } catch (error) {
    if (!hasCode(error, 'GIT_FAILED')) throw error;
    if ((await callerIdentity(repo)) !== undefined) return repo.git.text(call);
    throw new ParaError('GIT_FAILED', 'git does not know who you are, so it can not commit', {
      hint: 'git config --global user.name "Your Name"\ngit config --global user.email you@example.com',
    });
  }
}
