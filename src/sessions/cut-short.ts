/** A start that was cut short by a kill or a power cut: what it left, and how that is taken back. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { dropPins, forgetSession } from '../git/bring-back.ts';
import { ignoredFiles } from '../git/ignored.ts';
import { commitOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { worktreeChanges } from '../git/status.ts';
import { isHalfMade } from '../git/worktree-lock.ts';
import { adminDirOf, undoAdd } from '../git/worktrees.ts';
import { forgetIfDone } from './clean.ts';
import { requireHere } from './find.ts';
import { parseSessionName } from './name.ts';
import { isNetworkKept, sharedNetwork } from './network.ts';
import { removeClosed } from './proxy.ts';
import {
  loadRecord,
  lockRepository,
  lockSession,
  removeContainerFiles,
  removeRecord,
  requireOwnPlaces,
  saveRecord,
} from './store.ts';
import type { Places, SessionRecord } from './store.ts';
import { discardSlot } from './warm-discard.ts';
import { shellQuote } from '../sys/shell-quote.ts';

/** What taking back needs of the App. */
export interface CutShortContext {
  repository(): Promise<Repository>;
  places(): Promise<Places>;
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/** What became of a start that was cut short. */
export type Settled = { readonly how: 'taken back' | 'taken up'; readonly record: SessionRecord };

/**
 * Settles what an earlier start of this name left when it was cut short; one that still runs is waited for. It is
 * taken back, or taken up as it is when there may be work in it. Safe to repeat: the record goes last.
 * A finished session of the name is forgotten when its work is in another branch.
 * @returns undefined when there was none
 * @throws SESSION_EXISTS when there is work, and no whole worktree
 */
export async function settleCutShort(
  context: CutShortContext,
  name: string | undefined,
): Promise<Settled | undefined> {
  if (name === undefined) return undefined;
  const session = parseSessionName(name);
  const places = await context.places();
  const there = await loadRecord(places, session).catch(() => undefined);
  if (there?.status === 'review') await forgetIfDone(await context.repository(), places, there);
  if (there?.status !== 'starting') return undefined;
  await requireOwnPlaces(places);
  requireHere(places, there);
  const what = 'settles a start that was cut short';
  return lockSession(places, session, what, async () => {
    const record = await loadRecord(places, session);
    if (record?.status !== 'starting') return undefined;
    const repo = await context.repository();
    if (await holdsWork(repo, places, record))
      return { how: 'taken up', record: await takeUp(context, places, record) };
    await takeBack(context, places, record);
    return { how: 'taken back', record };
  });
}

/** The session goes on with what was made of it: without its container when that was not made. */
async function takeUp(
  context: CutShortContext,
  places: Places,
  record: SessionRecord,
): Promise<SessionRecord> {
  const { container, worktree_path: path } = record;
  const repo = await context.repository();
  if ((await adminDirOf(repo, path)) === undefined || (await isHalfMade(repo, path)))
    throw workInside(record);
  // One that came up keeps its git directory, even when it is gone by now: there may be commits in it.
  const has = cameUp(places, record) ? 'ours' : await whose(context, record);
  const made = has === 'ours';
  if (container !== null && !made) {
    if (has === undefined) await removeClosed(await context.dockerFor(container.engine), container);
    await removeContainerFiles(places, record.name);
    await dropPins(repo, record.name);
  }
  const whole: SessionRecord = {
    ...record,
    status: 'active',
    operation: null,
    container: made ? container : null,
  };
  await saveRecord(places, whole);
  return whole;
}

/** Whose the container is that the engine has: one that another start made is somebody's work. */
async function whose(
  context: CutShortContext,
  { container, operation }: SessionRecord,
): Promise<'ours' | 'foreign' | undefined> {
  if (container === null) return undefined;
  const info = await (await context.dockerFor(container.engine)).status(container.name);
  if (info === undefined) return undefined;
  const made = info.labels['para.op'] ?? '';
  return [operation?.id, container.warm].includes(made) ? 'ours' : 'foreign';
}

async function takeBack(context: CutShortContext, places: Places, record: SessionRecord): Promise<void> {
  const { container, branch, base, worktree_path: path, operation } = record;
  const lockedSince = new Date(operation?.at ?? record.created_at);
  const session = parseSessionName(record.name);
  const repo = await context.repository();
  if (container !== null) {
    const service = await context.dockerFor(container.engine);
    const has = await whose(context, record);
    if (has === 'ours') await service.removeContainer(container.name);
    if (has !== 'foreign') await removeClosed(service, container);
    const { warm } = container;
    // Not yet the session's own: it has its old name, and may have its old worktree.
    if (warm !== undefined) await discardSlot({ repo, places }, service, { id: warm, state: 'making', base });
    if (!(await isNetworkKept(places, record))) await service.removeNetwork(sharedNetwork(container));
  }
  await removeContainerFiles(places, session);
  await forgetSession(repo, session);
  await lockRepository(places, 'removes a worktree', () =>
    undoAdd({ repo, path, branch, base, branchMade: true, lockedSince }),
  );
  await removeRecord(places, session);
}

/** True when a start that was cut short may have work in it. In doubt there is: what is taken back is gone. */
export async function holdsWork(repo: Repository, places: Places, record: SessionRecord): Promise<boolean> {
  const { branch, base, worktree_path: worktreePath } = record;
  if (cameUp(places, record)) return true;
  const tip = await commitOf(repo, `refs/heads/${branch}`);
  if (tip !== undefined && tip !== base) return true;
  if (await isHalfMade(repo, worktreePath)) return false;
  const worktreeAdminDir = await adminDirOf(repo, worktreePath);
  if (worktreeAdminDir === undefined) return (await readdir(worktreePath).catch(() => [])).length > 0;
  if (!existsSync(worktreePath)) return false;
  const changes = await worktreeChanges({ repo, worktreeAdminDir, worktreePath });
  const changed = Object.values(changes).some((count: number) => count > 0);
  return changed || (await ignoredFiles(repo, worktreePath)).length > 0;
}

/** The container ran, so somebody may have worked in it. */
function cameUp(places: Places, { name }: SessionRecord): boolean {
  return existsSync(join(places.docker(name), 'out', 'ready'));
}

function workInside({ name, worktree_path: path }: SessionRecord): ParaError {
  return new ParaError('SESSION_EXISTS', `the start of ${name} was cut short, and there may be work in it`, {
    hint: `para finish "What was done" ${name}\nor look first: cd ${shellQuote(path)}`,
  });
}
