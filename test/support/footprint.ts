/** All that para could leave in a repository: files, refs, worktrees, the index. */
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TempRepo } from './temp-repo.ts';

/** Every file with its content, in a form that tests compare. Only git's own object files and logs are left out. */
export function footprint(repo: TempRepo): readonly string[] {
  return readdirSync(repo.root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({ entry, path: relative(repo.root, join(entry.parentPath, entry.name)) }))
    .filter(({ path }) => !/^\.git\/(?:objects|logs)\//.test(path))
    .map(({ entry, path }) => `${path} ${contentOf(join(repo.root, path), entry)}`)
    .sort();
}

function contentOf(path: string, entry: Dirent): string {
  if (entry.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  const bytes = readFileSync(path);
  // para's own hiding of its directories stays, once it is there.
  if (path.endsWith('/info/exclude')) return bytes.toString().replace(/^.*\.para\/.*\n/gm, '');
  return bytes.length < 100 ? bytes.toString() : createHash('sha256').update(bytes).digest('hex');
}
