/** Paths of a worktree, as bytes: what is gone, what is there, and what hides another repository. */
import { lstat } from 'node:fs/promises';
import { ParaError } from '../errors.ts';
import { isThere } from '../sys/files.ts';
import { specialKind } from './special-files.ts';

const SLASH = 0x2f;

/**
 * Tells changed paths that are files (or links) from those that are no longer there: deleted, turned into a
 * directory, or into a pipe, socket or device, or behind a directory that became a link (which git would refuse to stage).
 */
export async function tellApart(
  root: string,
  changed: readonly Buffer[],
): Promise<{ gone: readonly Buffer[]; present: readonly Buffer[] }> {
  const gone: Buffer[] = [];
  const present: Buffer[] = [];
  const behindLink = linkTest(root);
  for (const path of changed) {
    const found = await lstat(within(root, path)).catch(() => undefined);
    const submodule =
      found?.isDirectory() === true &&
      (await isThere(within(root, Buffer.concat([path, Buffer.from('/.git')]))));
    const isHeld = found !== undefined && specialKind(found) === undefined;
    const there = isHeld && (!found.isDirectory() || submodule) && !(await behindLink(path));
    (there ? present : gone).push(path);
  }
  return { gone, present };
}

/** A memoised test: does a directory on the way to this path turn out to be a link? */
function linkTest(root: string): (path: Buffer) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  const test = (path: Buffer): Promise<boolean> => {
    const at = path.lastIndexOf(SLASH);
    if (at < 0) return Promise.resolve(false);
    const parent = path.subarray(0, at);
    const key = parent.toString('latin1');
    const found = known.get(key) ?? test(parent).then(async (above) => above || isLink(within(root, parent)));
    known.set(key, found);
    return found;
  };
  return test;
}

async function isLink(path: Buffer): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true;
}

function within(root: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), path]);
}

/**
 * Names that git takes into no index, and passes over without an error: those that some file system takes for `.git`
 * (verify_path in git's read-cache.c, is_ntfs_dotgit in its path.c).
 */
const LIKE_DOT_GIT = /^(?:\.git|git~1)[ .]*(?:[:\\].*)?$/is;

/** The part of a path that no commit can hold: a directory with a trailing slash, or the file. */
function unholdable(path: Buffer): Buffer | undefined {
  const parts = path.toString('latin1').split('/');
  const at = parts.findIndex((part) => LIKE_DOT_GIT.test(part));
  if (at < 0) return undefined;
  const isLast = at === parts.length - 1;
  return Buffer.from(parts.slice(0, at + 1).join('/') + (isLast ? '' : '/'), 'latin1');
}

/**
 * What of the worktree no commit can hold, sorted: directories that are repositories of their own, with a trailing
 * slash, and what is named as git names its own.
 */
export async function nestedRepositories(
  root: string,
  others: readonly Buffer[],
  tracked: readonly Buffer[],
): Promise<readonly Buffer[]> {
  const nested = new Map(
    others.filter((path) => path.at(-1) === SLASH).map((path) => [path.toString('latin1'), path]),
  );
  for (const path of others.map(unholdable))
    if (path !== undefined) nested.set(path.toString('latin1'), path);
  for (const directory of directoriesOf([...others, ...tracked])) {
    const path = Buffer.concat([directory, Buffer.of(SLASH)]);
    if (await isThere(within(root, Buffer.concat([path, Buffer.from('.git')]))))
      nested.set(path.toString('latin1'), path);
  }
  return [...nested.values()].sort((a, b) => a.compare(b));
}

/** The paths that are in none of the directories (with a trailing slash), and are none of the files. */
export function outside(left: readonly Buffer[], paths: readonly Buffer[]): readonly Buffer[] {
  return paths.filter(
    (path) =>
      !left.some((one) =>
        one.at(-1) === SLASH ? path.subarray(0, one.length).equals(one) : path.equals(one),
      ),
  );
}

/**
 * Refuses repositories inside the worktree: they would become gitlinks whose commits are nowhere else.
 * @throws REFUSED with the list
 */
export function refuseNested(paths: readonly string[]): void {
  if (paths.length === 0) return;
  throw new ParaError(
    'REFUSED',
    `the worktree holds other git repositories, or what is named like one: ${paths
      .slice(0, 5)
      .map((path) => JSON.stringify(path))
      .join(', ')}`,
    {
      hint: 'remove their .git, rename them, or list them in .gitignore',
      details: { paths },
    },
  );
}

function directoriesOf(paths: readonly Buffer[]): Iterable<Buffer> {
  const found = new Map<string, Buffer>();
  for (const path of paths) {
    for (let at = path.lastIndexOf(SLASH); at > 0; at = path.lastIndexOf(SLASH, at - 1)) {
      const directory = path.subarray(0, at);
      const key = directory.toString('latin1');
      if (found.has(key)) break;
      found.set(key, directory);
    }
  }
  return found.values();
}
