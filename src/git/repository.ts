/** Finds the repository: the same one from a sub-directory, a worktree or a session whose `.git` was swapped. */
import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { ParaError } from '../errors.ts';
import { type Captured, succeeded } from '../sys/run.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { type Git, type Place, firstFatalLine, gitFailed } from './git.ts';

/** What para knows of a repository; all paths are absolute and real. */
export interface Repository {
  readonly git: Git;
  /** The main checkout. */
  readonly root: string;
  readonly commonDir: string;
  /** First 8 hex digits of sha256(commonDir); part of every container name. */
  readonly id: string;
  readonly objectFormat: 'sha1' | 'sha256';
  readonly refFormat: 'files' | 'reftable';
  readonly shallow: boolean;
  /** Commit of the main checkout; undefined before the first commit. */
  readonly headCommit: string | undefined;
  /** Branch of the main checkout; undefined when detached. */
  readonly headBranch: string | undefined;
  /** The worktree that holds the directory it was opened from. */
  readonly currentWorktree: string;
}

/** git run on the repository itself, with no work tree. */
export function place(repo: Repository): Place {
  return { gitDir: repo.commonDir };
}

/** What is in the name of every container of a repository. */
export function repositoryId(commonDir: string): string {
  return createHash('sha256').update(commonDir).digest('hex').slice(0, 8);
}

/** Where the sessions' worktrees are. */
export function worktreesDir(repo: Pick<Repository, 'root'>): string {
  return join(repo.root, '.para', 'worktrees');
}

/**
 * Opens the repository that holds `cwd`. Inside `<root>/.para/worktrees/<s>/` the path decides, not the
 * worktree's `.git`, which the container may have removed or swapped (A01–A03). Inside a submodule, the
 * submodule is the repository.
 * @throws NOT_A_REPOSITORY, GIT_REFUSED (bare, no main checkout, newline in the path, unknown format).
 */
export async function openRepository(git: Git, cwd: string): Promise<Repository> {
  const here = await realpath(cwd);
  const session = await sessionAbove(here);
  const found = await discover(git, session?.root ?? aroundDotGit(here));
  const [settings, headBranch] = await Promise.all([
    layoutSettings(git, found.commonDir),
    found.headCommit === undefined ? undefined : branchOfHead(git, found.commonDir),
  ]);
  const root = await mainCheckout(found, settings.get('core.worktree'));
  return {
    git,
    root,
    commonDir: found.commonDir,
    id: repositoryId(found.commonDir),
    objectFormat: found.objectFormat,
    refFormat: settings.get('extensions.refstorage') === 'reftable' ? 'reftable' : 'files',
    shallow: found.shallow,
    headCommit: found.headCommit,
    headBranch,
    currentWorktree: session?.worktree ?? found.topLevel ?? root,
  };
}

/** Inside `.git` the checkout around it is meant; git itself takes such a directory for a bare repository. */
function aroundDotGit(path: string): string {
  return /^(.+?)\/\.git(?:\/|$)/.exec(path)?.[1] ?? path;
}

/** The repository's own settings that say where things are. Most have none, which the file tells as well as git. */
async function layoutSettings(git: Git, commonDir: string): Promise<ReadonlyMap<string, string>> {
  const file = join(commonDir, 'config');
  // The name of a setting has no other spelling, and is never cut in two (git-config(1), Syntax).
  const text = await readFile(file, 'latin1').catch(() => undefined);
  if (text !== undefined && !/worktree|refstorage/i.test(text)) return new Map();
  const names = '^(core\\.worktree|extensions\\.refstorage)$';
  const args = ['config', '--file', file, '-z', '--get-regexp', names];
  const entries = textOf(await git.attempt({ args, read: true })).split('\0');
  return new Map(entries.map((entry) => entry.split('\n', 2) as [string, string]));
}

/** The branch that the main checkout is on; its HEAD is a file (gitrepository-layout(5)), unless git keeps refs elsewhere. */
async function branchOfHead(git: Git, commonDir: string): Promise<string | undefined> {
  const text = await readFile(join(commonDir, 'HEAD'), 'utf8').catch(() => '');
  const branch = /^ref: refs\/heads\/(.+)\n$/.exec(text)?.[1];
  if (branch !== undefined && branch !== '.invalid') return branch;
  const args = ['rev-parse', '--symbolic-full-name', 'HEAD'];
  const answer = await git.attempt({ args, place: { gitDir: commonDir }, read: true });
  return /^refs\/heads\/(.+)\n$/.exec(textOf(answer))?.[1];
}

function textOf(captured: Captured): string {
  return Buffer.from(captured.stdoutBytes).toString('utf8');
}

/** The outermost `<root>/.para/worktrees/<s>` above `path` whose root is a checkout. */
async function sessionAbove(path: string): Promise<{ root: string; worktree: string } | undefined> {
  for (const match of path.matchAll(/\/\.para\/worktrees\/[^/]+(?=\/|$)/g)) {
    const root = path.slice(0, match.index);
    const dotGit = await stat(join(root, '.git')).catch(() => undefined);
    if (dotGit !== undefined) return { root, worktree: root + match[0] };
  }
  return undefined;
}

interface Discovered {
  readonly commonDir: string;
  readonly gitDir: string;
  readonly topLevel: string | undefined;
  readonly objectFormat: 'sha1' | 'sha256';
  readonly shallow: boolean;
  /** Of the main checkout, wherever we are. */
  readonly headCommit: string | undefined;
}

async function discover(git: Git, directory: string): Promise<Discovered> {
  const facts = ['--is-bare-repository', '--is-shallow-repository', '--show-object-format'];
  const paths = ['--git-common-dir', '--git-dir', '--show-toplevel'];
  // Last, because git stops where there is none yet.
  const head = ['--verify', 'main-worktree/HEAD^{commit}'];
  const answer = await git.attempt({
    args: ['rev-parse', '--path-format=absolute', ...facts, ...paths, ...head],
    cwd: directory,
    read: true,
  });
  const [bare, shallow, format, ...lines] = textOf(answer).replace(/\n$/, '').split('\n');
  if (bare === 'true') throw bareRefused(directory);
  // Inside .git there is no top level: git says so, and no more.
  const headCommit = succeeded(answer) ? lines.pop() : undefined;
  const [common, gitDir, topLevel, ...rest] = lines;
  if (common === undefined || gitDir === undefined) throw notOpened(directory, answer);
  if (rest.length > 0 || !lines.every((line) => isAbsolute(line))) {
    throw new ParaError('GIT_REFUSED', 'the path of this repository holds a line break', {
      hint: 'move the repository to a path without one',
    });
  }
  return {
    commonDir: await realpath(common),
    gitDir: await realpath(gitDir),
    topLevel,
    objectFormat: format === 'sha256' ? 'sha256' : 'sha1',
    shallow: shallow === 'true',
    headCommit,
  };
}

function bareRefused(directory: string): ParaError {
  return new ParaError(
    'GIT_REFUSED',
    `${directory} is a bare repository: para needs a checkout to put .para/ into`,
    {
      hint: 'git clone it, and run para in the clone',
    },
  );
}

function notOpened(directory: string, answer: Captured): ParaError {
  if (answer.spawnError !== undefined) return gitFailed(['rev-parse'], answer);
  const line = firstFatalLine(answer);
  if (/safe\.bareRepository|must be run in a work tree/i.test(line)) return bareRefused(directory);
  const [, owned] = /dubious ownership in repository at '(.+)'/.exec(line) ?? [];
  if (owned !== undefined)
    return new ParaError('GIT_REFUSED', `git does not trust ${owned}, as it belongs to another user`, {
      hint: `If you do:\ngit config --global --add safe.directory ${shellQuote(owned)}`,
    });
  if (/repository (extension|format|version)|unknown extension/i.test(line))
    return new ParaError('GIT_REFUSED', `this git can not read the repository: ${line}`, {
      hint: 'install a newer git',
    });
  if (/not a git repository/i.test(line))
    return new ParaError('NOT_A_REPOSITORY', `${directory} is not in a git repository`, {
      hint: 'cd into one, or: git init',
    });
  return new ParaError('GIT_FAILED', `git can not open the repository: ${line}`);
}

/** The main checkout of a common directory: `core.worktree` (submodule), else the directory around `.git`. */
async function mainCheckout(found: Discovered, worktree: string | undefined): Promise<string> {
  if (worktree !== undefined) return realpath(resolve(found.commonDir, worktree));
  if (basename(found.commonDir) === '.git') return dirname(found.commonDir);
  if (found.gitDir === found.commonDir && found.topLevel !== undefined) return found.topLevel;
  throw new ParaError('GIT_REFUSED', `the main checkout of ${found.commonDir} can not be found from here`, {
    hint: 'run para in the main checkout',
  });
}
