/** What somebody removed, moved or renamed by hand, in a word. Looks at files only: reading commands pay nothing. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ParaError } from '../errors.ts';
import { branchExists } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { adminDirOf } from '../git/worktrees.ts';
import { placesOf, type SessionRecord } from './store.ts';
import { isDirectory } from '../sys/files.ts';

/** What can be wrong with a session. `para recover` mends each. */
export type Damage =
  | 'repository moved'
  | 'worktree missing'
  | 'worktree moved'
  | 'not registered'
  | 'no .git file'
  | 'branch missing'
  | 'branch renamed'
  | 'container files missing';

/** A damage, and what was found where something else should be. */
export interface Damaged {
  readonly damage: Damage;
  /** Where the worktree is now, or the branch's new name. */
  readonly now?: string | undefined;
}

/** What is wrong with a session that is meant to be whole; the thing to mend first. `hasBranch`: git says so. */
export async function damageOf(
  repo: Pick<Repository, 'root' | 'commonDir'>,
  record: SessionRecord,
  hasBranch: boolean,
): Promise<Damaged | undefined> {
  const path = record.worktree_path;
  if (path !== placesOf(repo.root).worktree(record.name)) return { damage: 'repository moved' };
  const admin = await adminDirOf(repo, path);
  if (!(await isDirectory(path))) {
    const now = admin === undefined ? await registeredAt(repo, record.branch) : await movedTo(path, admin);
    return now === undefined ? { damage: 'worktree missing' } : { damage: 'worktree moved', now };
  }
  if (admin === undefined) return { damage: 'not registered' };
  if (!hasBranch) {
    const now = await branchIn(admin);
    if (now === undefined || now === record.branch) return { damage: 'branch missing' };
    return { damage: 'branch renamed', now };
  }
  if ((await pointerOf(path)) !== admin) return { damage: 'no .git file' };
  return (await hasContainerFiles(repo, record)) ? undefined : { damage: 'container files missing' };
}

/** The host's side of what is mounted in its container. */
async function hasContainerFiles(
  { root }: Pick<Repository, 'root'>,
  { name, container }: SessionRecord,
): Promise<boolean> {
  if (container === null) return true;
  const needed = container.git === 'sealed' ? ['cmd', 'out', 'git'] : ['cmd', 'out'];
  const there = await Promise.all(needed.map((one) => isDirectory(join(placesOf(root).docker(name), one))));
  return !there.includes(false);
}

/**
 * Lets finish and cancel go on only with what they can take whole. @returns false when the worktree is gone for good
 * @throws REFUSED naming the command that mends it
 */
export async function requireWhole(repo: Repository, record: SessionRecord): Promise<boolean> {
  if (record.status !== 'active') return isDirectory(record.worktree_path);
  // A branch that is gone they make again themselves.
  const found = await damageOf(repo, record, true);
  // Without its `.git` file the worktree is as good: nobody here asks it. Nor does the container run again.
  if (found === undefined || AS_GOOD.has(found.damage)) return true;
  if (found.damage === 'worktree missing' && (await branchExists(repo, record.branch))) return false;
  throw damaged(record, found);
}

const AS_GOOD: ReadonlySet<Damage> = new Set(['no .git file', 'container files missing']);

/** The error that says what is wrong, and what mends it. */
export function damaged({ name }: SessionRecord, { damage, now }: Damaged): ParaError {
  const where = now === undefined ? '' : ` (it is ${now} now)`;
  return new ParaError('REFUSED', `the session ${name} was changed by hand: ${damage}${where}`, {
    hint: `para recover ${name}`,
  });
}

/** The admin directory that a worktree's `.git` names. */
async function pointerOf(path: string): Promise<string | undefined> {
  const text = await readFile(join(path, '.git'), 'utf8').catch(() => '');
  const found = /^gitdir: (.+)\n?$/.exec(text)?.[1];
  return found === undefined ? undefined : resolve(path, found);
}

/** A worktree that was moved with `mv` beside its old place still points at its admin directory. */
async function movedTo(path: string, admin: string): Promise<string | undefined> {
  const beside = dirname(path);
  for (const name of await readdir(beside).catch(() => []))
    if ((await pointerOf(join(beside, name))) === admin) return join(beside, name);
  return undefined;
}

/** Where `git worktree move` has put the worktree of a branch. */
async function registeredAt(
  { commonDir }: Pick<Repository, 'commonDir'>,
  branch: string,
): Promise<string | undefined> {
  const all = join(commonDir, 'worktrees');
  for (const name of await readdir(all).catch(() => [])) {
    if ((await branchIn(join(all, name))) !== branch) continue;
    const pointer = (await readFile(join(all, name, 'gitdir'), 'utf8').catch(() => '')).trim();
    const path = dirname(resolve(all, name, pointer));
    if (pointer !== '' && (await isDirectory(path))) return path;
  }
  return undefined;
}

/** The branch that a worktree is on. */
async function branchIn(admin: string): Promise<string | undefined> {
  const head = await readFile(join(admin, 'HEAD'), 'utf8').catch(() => '');
  const branch = /^ref: refs\/heads\/(.+)\n?$/.exec(head)?.[1];
  // What git writes there when it keeps its refs elsewhere (reftable).
  return branch === '.invalid' ? undefined : branch;
}
