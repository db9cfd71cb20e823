/** A start that was cut short by a kill or a power cut: what it left, and how that is taken back. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { dropPins } from '../git/bring-back.ts';
import { ignoredFiles } from '../git/ignored.ts';
import { commitOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { worktreeChanges } from '../git/status.ts';
import { adminDirOf, isHalfMade, undoAdd } from '../git/worktrees.ts';
import type { LockOptions } from '../sys/lock.ts';
import { parseSessionName } from './name.ts';
import { isNetworkKept } from './network.ts';
import { loadRecord, lockRepository, lockSession, removeRecord, requireOwnPlaces } from './store.ts';
import type { Places, SessionRecord } from './store.ts';
import { shellQuote } from '../sys/shell-quote.ts';

/** What taking back needs of the App. */
export interface CutShortContext {
  repository(): Promise<Repository>;
  places(): Promise<Places>;
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/**
 * Takes back what an earlier start of this name left when it was cut short; one that still runs is waited for.
 * Safe to repeat: the record goes last.
 * @returns true when there was one
 * @throws SESSION_EXISTS when there is work in what it left: that is for `finish`
 */
export async function undoCutShort(
  context: CutShortContext,
  name: string | undefined,
  onWait: LockOptions['onWait'],
): Promise<boolean> {
  if (name === undefined) return false;
  const session = parseSessionName(name);
  const places = await context.places();
  if ((await loadRecord(places, session))?.status !== 'starting') return false;
  await requireOwnPlaces(places);
  const what = 'undoes a start that was cut short';
  return lockSession(places, session, onWait === undefined ? { what } : { what, onWait }, async () => {
    const record = await loadRecord(places, session);
    if (record?.status !== 'starting') return false;
    await takeBack(context, places, record);
    return true;
  });
}

async function takeBack(context: CutShortContext, places: Places, record: SessionRecord): Promise<void> {
  const { container, branch, base, worktree_path: path } = record;
  const session = parseSessionName(record.name);
  const repo = await context.repository();
  if (await holdsWork(repo, places, record)) throw workInside(record);
  if (container !== null) {
    const service = await context.dockerFor(container.engine);
    // One of that name that another start made is somebody's work.
    const made = (await service.status(container.name))?.labels['para.op'] === record.operation?.id;
    if (made) await service.removeContainer(container.name);
    if (!(await isNetworkKept(places, record))) await service.removeNetwork(container.network);
  }
  await rm(places.docker(session), { recursive: true, force: true });
  if (container?.git === 'sealed') await dropPins(repo, session);
  await lockRepository(places, 'removes a worktree', () =>
    undoAdd({ repo, path, branch, base, branchMade: true }),
  );
  await removeRecord(places, session);
}

/** In doubt there is: what is taken back is gone. */
async function holdsWork(repo: Repository, places: Places, record: SessionRecord): Promise<boolean> {
  const { branch, base, worktree_path: worktreePath } = record;
  // The container came up, so somebody may have worked in it.
  if (await isThere(join(places.docker(record.name), 'out', 'ready'))) return true;
  const tip = await commitOf(repo, `refs/heads/${branch}`);
  if (tip !== undefined && tip !== base) return true;
  if (await isHalfMade(repo, worktreePath)) return false;
  const worktreeAdminDir = await adminDirOf(repo, worktreePath);
  if (worktreeAdminDir === undefined) return (await readdir(worktreePath).catch(() => [])).length > 0;
  if (!(await isThere(worktreePath))) return false;
  const changes = await worktreeChanges({ repo, worktreeAdminDir, worktreePath });
  const changed = Object.values(changes).some((count: number) => count > 0);
  return changed || (await ignoredFiles(repo, worktreePath)).length > 0;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function workInside({ name, worktree_path: path }: SessionRecord): ParaError {
  return new ParaError('SESSION_EXISTS', `the start of ${name} was cut short, and there may be work in it`, {
    hint: `para finish "What was done" ${name}\nor look first: cd ${shellQuote(path)}`,
  });
}
