/** How many lines of a worktree are not those of a commit. Runs no code of the worktree. */
import { join } from 'node:path';
import { readRegular } from '../sys/untrusted.ts';
import type { Repository } from './repository.ts';
import { worktreePlace } from './worktrees.ts';

/** Lines that came and that went. */
export interface LineCount {
  readonly added: number;
  readonly removed: number;
}

/** A worktree, and the commit it is compared with. */
export interface Compared {
  readonly repo: Repository;
  readonly adminDir: string;
  readonly worktreePath: string;
  readonly base: string;
  /** `user` for a worktree that no container ever had; see GitCall. */
  readonly filters: 'off' | 'user';
}

// Of what git does not know more is not read: a count is a hint, and somebody waits for it.
const MOST_NEW_FILES = 500;
const MOST_BYTES = 1024 * 1024;

/** Of files that git knows and of new ones that it does not ignore; binary ones have no lines. @throws GIT_FAILED */
export async function countLines(where: Compared): Promise<LineCount> {
  const [known, fresh] = await Promise.all([knownLines(where), newLines(where)]);
  return { added: known.added + fresh, removed: known.removed };
}

async function knownLines(where: Compared): Promise<LineCount> {
  const args = ['diff', '--numstat', '-z', '--no-renames', '--no-ext-diff', '--no-textconv'];
  const text = await ask(where, [...args, '--ignore-submodules=all', where.base, '--']);
  // `ADDED<tab>REMOVED<tab>PATH`; a dash for a binary file, which is no number.
  const counts = [...text.matchAll(/(?<=^|\0)(\d+)\t(\d+)\t/g)];
  return {
    added: counts.reduce((sum, [, added]) => sum + Number(added), 0),
    removed: counts.reduce((sum, [, , removed]) => sum + Number(removed), 0),
  };
}

async function newLines(where: Compared): Promise<number> {
  const listed = await ask(where, ['ls-files', '--others', '--exclude-standard', '-z']);
  const paths = listed.split('\0').filter((path) => path !== '' && !path.endsWith('/'));
  let lines = 0;
  for (const path of paths.slice(0, MOST_NEW_FILES))
    lines += linesIn(await readRegular(join(where.worktreePath, path), MOST_BYTES));
  return lines;
}

/** As git counts them: a last line without an end is one too. */
function linesIn(bytes: Buffer | undefined): number {
  if (bytes === undefined || bytes.length === 0 || bytes.includes(0)) return 0;
  let lines = bytes.at(-1) === 10 ? 0 : 1;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}

async function ask({ repo, adminDir, worktreePath, filters }: Compared, args: string[]): Promise<string> {
  const place = worktreePlace(repo, adminDir, worktreePath);
  const listed = await repo.git.bytes({ args, place, read: true, contents: true, filters });
  return listed.toString('utf8');
}
