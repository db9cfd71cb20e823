/** Paths of the host, as they are and where links lead. */
import { lstat, realpath, readlink } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

/** True for the directory itself and what is below it; both absolute, without a slash at their end. */
export function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(root === '/' ? '/' : root + sep);
}

/** Links resolved, as far as there is anything. */
export async function real(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await real(parent), path.slice(parent.length));
  }
}

/** The first link by which an absolute path leads elsewhere, and what is written in it. */
export async function firstLink(
  path: string,
): Promise<{ readonly link: string; readonly to: string } | undefined> {
  const parent = dirname(path);
  if (parent === path) return undefined;
  const above = await firstLink(parent);
  if (above !== undefined) return above;
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink() !== true) return undefined;
  return { link: path, to: await readlink(path).catch(() => '') };
}
