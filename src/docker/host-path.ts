/** Paths of the host, as they are and where links lead. */
import { realpath } from 'node:fs/promises';
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
