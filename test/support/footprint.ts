/** All that para could leave in a repository: files, refs, worktrees. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TempRepo } from './temp-repo.ts';

/** What is there, in a form that tests compare. Only git's own object files are left out. */
export function footprint(repo: TempRepo): readonly string[] {
  const files = readdirSync(repo.root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(repo.root, join(entry.parentPath, entry.name)))
    .filter((path) => !/^\.git\/(?:objects|logs)\//.test(path));
  const refs = repo.run(['for-each-ref', '--format=%(objectname) %(refname)']);
  const index = repo.run(['ls-files', '-s']);
  const exclude = readFileSync(join(repo.root, '.git/info/exclude'), 'utf8');
  return [...files.sort(), refs, index, repo.run(['status', '--porcelain']), exclude.replace(PARAS, '')];
}

// para's own hiding of its directories stays, once it is there.
const PARAS = /^.*\.para\/.*\n/gm;
