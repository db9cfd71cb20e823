/**
 * Work in the submodules that are checked out in a session's worktree. Their git directories are below the one that git
 * keeps for the worktree, and go with it. No container can write there; the `.git` in a submodule's directory it can
 * replace, so that is read as data, and git runs only where it points at such a directory.
 */
import { readdir, realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { succeeded } from '../sys/run.ts';
import type { Place } from './git.ts';
import { type Repository, place as repositoryPlace } from './repository.ts';
import { readRegular } from '../sys/untrusted.ts';
import { worktreePlace } from './worktrees.ts';
import { isThere } from '../sys/files.ts';

/** A worktree whose submodules are asked about. */
export interface WithSubmodules {
  readonly repo: Repository;
  readonly adminDir: string;
  readonly worktreePath: string;
  /** The commit the session started from: what it names is known elsewhere. */
  readonly base: string;
  /** Paths of the submodules, when they are known. */
  readonly gitlinks?: readonly string[] | undefined;
}

/** What a submodule has that is nowhere else. */
export interface SubmoduleWork {
  readonly path: string;
  readonly why: string;
  /** Its git directory, and that of the main checkout's submodule of this name; undefined when there is none. */
  readonly gitDir: string | undefined;
  readonly mainGitDir: string | undefined;
}

/** What would go with the submodules of a worktree. */
export interface InSubmodules {
  readonly work: readonly SubmoduleWork[];
  /** Files that git ignores in them. */
  readonly ignored: readonly string[];
}

/** True when there may be submodules: cheap, for `list`. */
export async function maySubmodules({ adminDir, worktreePath }: WithSubmodules): Promise<boolean> {
  const signs = [join(adminDir, 'modules'), join(worktreePath, '.gitmodules')];
  return (await Promise.all(signs.map(isThere))).includes(true);
}

/** Looks through the submodules of a worktree, and those in them. Changes nothing. @throws GIT_FAILED */
export async function inSubmodules(where: WithSubmodules): Promise<InSubmodules> {
  const { repo, adminDir, worktreePath } = where;
  const found = { work: [] as SubmoduleWork[], ignored: [] as string[] };
  const top = worktreePlace(repo, adminDir, worktreePath);
  const level = { repo, root: worktreePath, modules: join(adminDir, 'modules'), place: top };
  await lookInto({ ...level, gitlinks: where.gitlinks }, found);
  const modules = await gitDirsBelow(join(adminDir, 'modules'));
  if (modules.length === 0) return found;
  const known = await gitlinksOf(repo, ['ls-tree', '-r', '-z', where.base], repositoryPlace(repo));
  for (const gitDir of modules) {
    const name = relative(join(adminDir, 'modules'), gitDir);
    const twin = join(repo.commonDir, 'modules', name);
    const mainGitDir = (await isThere(join(twin, 'HEAD'))) ? twin : undefined;
    const base = known.map(({ oid }) => oid);
    if (await isKnown(repo, { gitDir, mainGitDir, base })) continue;
    const path = name.replaceAll(`${sep}modules${sep}`, sep);
    found.work.push({ path, why: 'has commits that are nowhere else', gitDir, mainGitDir });
  }
  return found;
}

interface Level {
  readonly repo: Repository;
  /** The worktree of the session. */
  readonly root: string;
  /** Where git has the git directories of this level's submodules. */
  readonly modules: string;
  readonly place: Place & { readonly workTree?: string | undefined };
  readonly gitlinks?: readonly string[] | undefined;
}

async function lookInto(
  level: Level,
  found: { readonly work: SubmoduleWork[]; readonly ignored: string[] },
): Promise<void> {
  const { repo, root, modules, place } = level;
  const links = level.gitlinks ?? (await gitlinksOf(repo, ['ls-files', '-s', '-z'], place)).map(pathOf);
  for (const path of links) {
    const workTree = join(place.workTree ?? '', path);
    const shown = relative(root, workTree);
    const note = (why: string, gitDir?: string): void => {
      found.work.push({ path: shown, why, gitDir, mainGitDir: undefined });
    };
    // Gone, or a link: then git tells of it as a changed file.
    if ((await realpath(workTree).catch(() => undefined)) !== workTree) continue;
    const gitDir = await gitDirOf(workTree, modules);
    if (gitDir === 'none') {
      if ((await readdir(workTree).catch(() => [])).length > 0) note('has files, but is not checked out');
    } else if (gitDir === 'foreign') note('has a git directory that is not where git puts it');
    else {
      const inside = { gitDir, workTree };
      const { changed, ignored } = await changesIn(repo, inside);
      if (changed > 0) note(`has ${String(changed)} changes that are not committed`, gitDir);
      found.ignored.push(...ignored.map((name) => join(shown, name)));
      await lookInto({ repo, root, modules: join(gitDir, 'modules'), place: inside }, found);
    }
  }
}

function pathOf({ path }: { readonly path: string }): string {
  return path;
}

/** Where the `.git` of a submodule points, if that is a git directory of git's own making. */
async function gitDirOf(workTree: string, modules: string): Promise<string> {
  const dotGit = join(workTree, '.git');
  if (!(await isThere(dotGit))) return 'none';
  const text = (await readRegular(dotGit, 8192))?.toString('utf8') ?? '';
  const target = resolve(workTree, /^gitdir: (.+?)\n?$/s.exec(text)?.[1] ?? '.');
  const real = await realpath(target).catch(() => undefined);
  return real === target && target.startsWith(modules + sep) ? target : 'foreign';
}

async function gitlinksOf(
  { git }: Repository,
  args: readonly string[],
  place: Place,
): Promise<readonly { readonly oid: string; readonly path: string }[]> {
  const listed = (await git.bytes({ args, place, read: true })).toString('utf8');
  return [...listed.matchAll(/(?:^|\0)160000 (?:commit )?([0-9a-f]+)(?: \d)?\t([^\0]*)(?=\0)/g)].map(
    ([, oid = '', path = '']) => ({ oid, path }),
  );
}

async function changesIn(
  { git }: Repository,
  place: Place,
): Promise<{ readonly changed: number; readonly ignored: readonly string[] }> {
  const args = ['status', '--porcelain=v1', '-z', '--no-renames', '--ignored', '--ignore-submodules=all'];
  const listed = await git.bytes({ args, place, read: true, contents: true });
  const entries = listed.toString('utf8').split('\0');
  const changed = entries.filter((entry) => entry !== '' && !entry.startsWith('!! ')).length;
  return {
    changed,
    ignored: entries.filter((entry) => entry.startsWith('!! ')).map((entry) => entry.slice(3)),
  };
}

/** Git directories of submodules, at every depth; a submodule's name may have slashes. */
async function gitDirsBelow(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory()) continue;
    const path = join(directory, entry.name);
    const isGit = (await isThere(join(path, 'HEAD'))) && (await isThere(join(path, 'objects')));
    if (isGit) found.push(path);
    found.push(...(await gitDirsBelow(isGit ? join(path, 'modules') : path)));
  }
  return found;
}

/** True when every commit is at a remote, in the main checkout's submodule, or named by the base. In doubt it is not. */
async function isKnown(
  { git }: Repository,
  of: { readonly gitDir: string; readonly mainGitDir: string | undefined; readonly base: readonly string[] },
): Promise<boolean> {
  const { gitDir, mainGitDir } = of;
  const elsewhere = [...of.base];
  if (mainGitDir !== undefined) {
    const args = ['for-each-ref', '--format=%(objectname)'];
    elsewhere.push(...(await git.text({ args, place: alone(mainGitDir), read: true })).split('\n'));
  }
  const own = ['HEAD', '--branches', '--glob=refs/stas[h]'];
  const answer = await git.attempt({
    args: ['rev-list', '--max-count=1', ...own, '--not', '--remotes', '--ignore-missing', '--stdin'],
    // A name that is not here counts for nothing.
    input: elsewhere.flatMap((oid) => (oid === '' ? [] : [`^${oid}\n`])).join(''),
    place: alone(gitDir),
    read: true,
    env: mainGitDir === undefined ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: join(mainGitDir, 'objects') },
  });
  return succeeded(answer) && answer.stdoutBytes.length === 0;
}

/** git in a directory whose configured worktree may be gone: it must not try to go there. */
function alone(gitDir: string): Place {
  return { gitDir, workTree: gitDir };
}
