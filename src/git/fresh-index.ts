/**
 * Copies of a worktree's index. git compares the content of every file that was changed in the second of the index, or
 * later (its "racy" problem): after the checkout of a large repository that is most of them, each time anew, because para
 * never writes the worktree's own index. So it is done once, in a copy.
 */
import { randomUUID } from 'node:crypto';
import { cp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isThere } from '../sys/files.ts';
import type { Place } from './git.ts';
import type { Repository } from './repository.ts';
import { requireAdminDir, worktreePlace } from './worktrees.ts';

/** Bytes from which on it pays: some thousand files. */
const LARGE = 256 * 1024;
const FRESH = 'index.para-fresh';
/** By so much the times of files may be behind the clock. */
const TICK_MS = 20;

/** With its time, by which git knows what may have changed since. @returns false when there is none */
export function copyIndex(gitDir: string, to: string): Promise<boolean> {
  return copyOf(join(gitDir, 'index'), to);
}

/** A worktree whose files are looked into, with the user's clean filters or without. */
export interface Fresh {
  readonly repo: Repository;
  readonly worktreeAdminDir: string;
  readonly worktreePath: string;
  readonly filters: 'off' | 'user';
}

/** The same of an index in which git has looked at each file; asked again, it takes the copy made before. */
export async function copyFreshIndex(worktree: Fresh, to: string): Promise<boolean> {
  const { repo, worktreeAdminDir, worktreePath, filters } = worktree;
  const index = await stat(join(worktreeAdminDir, 'index'), { bigint: true }).catch(() => undefined);
  if (index === undefined || index.size < LARGE) return copyIndex(worktreeAdminDir, to);
  const place = worktreePlace(repo, worktreeAdminDir, worktreePath);
  const drivers = filters === 'user' ? await repo.git.filtersNotRun(place) : [];
  // Of this very index: another one has another name.
  const which = [drivers.length > 0 ? 'user' : 'off', index.mtimeNs, index.ino, index.size].join('-');
  const fresh = join(worktreeAdminDir, `${FRESH}-${which}`);
  if (!(await isThere(fresh))) await refresh(worktree, place, fresh);
  return copyOf(fresh, to);
}

async function refresh(
  { repo, worktreeAdminDir, filters }: Fresh,
  place: Place,
  fresh: string,
): Promise<void> {
  await dropFreshIndexes(worktreeAdminDir);
  const indexFile = join(worktreeAdminDir, `${FRESH}.${randomUUID()}`);
  if (!(await copyIndex(worktreeAdminDir, indexFile))) return;
  const args = ['update-index', '-q', '--refresh'];
  // Exit code 1 only says that some file differs.
  await repo.git.attempt({
    args,
    place: { ...place, indexFile },
    contents: true,
    filters,
    timeoutMs: 600_000,
  });
  await rename(indexFile, fresh);
}

/**
 * Lets git look at each file of a worktree that was just made, once, in its own index; before that the second in which it was
 * made has to be over, since git need not know parts of one. Nobody may be at work in it. Where it would not pay, nothing is
 * done.
 */
export async function settleNewIndex({
  repo,
  worktreePath,
}: Pick<Fresh, 'repo' | 'worktreePath'>): Promise<void> {
  const admin = await requireAdminDir(repo, worktreePath);
  const index = await stat(join(admin, 'index')).catch(() => undefined);
  if (index === undefined || index.size < LARGE) return;
  const over = (Math.floor(index.mtimeMs / 1000) + 1) * 1000 + TICK_MS;
  await sleep(Math.min(1000 + TICK_MS, Math.max(0, over - Date.now())));
  await repo.git.attempt({
    args: ['update-index', '-q', '--refresh'],
    place: worktreePlace(repo, admin, worktreePath),
    contents: true,
    filters: 'user',
    timeoutMs: 600_000,
  });
}

/** Deletes them, and what a para that was killed has left of them. */
export async function dropFreshIndexes(worktreeAdminDir: string): Promise<void> {
  for (const name of await readdir(worktreeAdminDir).catch(() => []))
    if (name.startsWith(FRESH)) await rm(join(worktreeAdminDir, name), { force: true });
}

function copyOf(from: string, to: string): Promise<boolean> {
  return cp(from, to, { preserveTimestamps: true }).then(
    () => true,
    () => false,
  );
}
