/** Removes a container that was kept ready, and all that belongs to it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerService } from '../docker/service.ts';
import { containerName } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import { ignoredFiles } from '../git/ignored.ts';
import { worktreeChanges } from '../git/status.ts';
import { removeWorktree } from '../git/worktree-remove.ts';
import { adminDirOf } from '../git/worktrees.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { isDirectory } from '../sys/files.ts';
import { removeTree } from '../sys/remove-tree.ts';
import { lockRepository } from './store.ts';
import { slotDir } from './warm-links.ts';
import { lockTaking, uselessSlots, type Slot } from './warm-slots.ts';
import { neverRan, type Where } from './warm-spec.ts';

/** Safe to repeat: what it is known by goes last. Nobody can have worked in one that is `making`. @throws REFUSED when somebody has worked in it */
export async function discardSlot(
  { repo, places }: Where,
  service: DockerService,
  slot: Pick<Slot, 'id' | 'state' | 'base'>,
): Promise<void> {
  const { id, state } = slot;
  const name = containerName(repo.id, id);
  const path = places.worktree(id);
  const there = await service.status(name);
  if (there !== undefined && !neverRan(there)) throw worked(`${name} has been started by hand`, path);
  if (state !== 'making' && !(await isUntouched({ repo, places }, slot)))
    throw worked(`there are changes in ${path}`, path);
  if (there !== undefined) await service.removeContainer(name);
  await lockRepository(places, 'removes a worktree', () => removeWorktree(repo, path));
  await removeTree(slotDir(places.state, id));
}

/**
 * One that nobody will use, or that is ready, if that is so still: a start may have taken it in the meantime.
 * @returns whether it was @throws REFUSED, BUSY
 */
export async function discardUseless(where: Where, service: DockerService, id: string): Promise<boolean> {
  return lockTaking(where.places, 'removes what was kept ready', async () => {
    const slot = (await uselessSlots(where.places, true)).find((one) => one.id === id);
    if (slot !== undefined) await discardSlot(where, service, slot);
    return slot !== undefined;
  });
}

/** True when its worktree is there, and as git made it. */
export async function isUntouched(
  { repo, places }: Where,
  { id, base }: Pick<Slot, 'id' | 'base'>,
): Promise<boolean> {
  const worktreePath = places.worktree(id);
  const worktreeAdminDir = await adminDirOf(repo, worktreePath);
  if (worktreeAdminDir === undefined) return !(await isDirectory(worktreePath));
  const head = await readFile(join(worktreeAdminDir, 'HEAD'), 'utf8').catch(() => '');
  if (head.trim() !== base) return false;
  const [changes, ignored] = await Promise.all([
    worktreeChanges({ repo, worktreeAdminDir, worktreePath, filters: 'user' }),
    ignoredFiles(repo, worktreePath),
  ]);
  return ignored.length === 0 && Object.values(changes).every((count: number) => count === 0);
}

function worked(why: string, path: string): ParaError {
  return new ParaError('REFUSED', `what was kept ready is not removed: ${why}`, {
    hint: `Look at it, and move away what is yours: ls -la ${shellQuote(path)}`,
  });
}
