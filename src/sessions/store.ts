/** The session records: one file per session, a cache of what git and the engine's labels say. */
import { link, lstat, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ParaError } from '../errors.ts';
import type { SessionRecord } from '../config/generated/types.ts';
import { ignoreAbsent, replaceFile, requireWritable } from '../sys/files.ts';
import { removeTree } from '../sys/remove-tree.ts';
import { lockOwner, requireFree, withLock } from '../sys/lock.ts';
import type { SessionName } from './name.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { unregister } from './registry.ts';
import { readRecordFile } from './record-file.ts';
import { forgetSlotOf } from './warm-links.ts';

export type { SessionRecord };

/** Where para keeps things in a repository; the one place that knows. */
export interface Places {
  /** The repository's main checkout. */
  readonly root: string;
  readonly state: string;
  readonly record: (session: string) => string;
  readonly worktree: (session: string) => string;
  /** Host side of what a session's container sees. */
  readonly docker: (session: string) => string;
}

/** False when all in the worktree is the user's own work, so that the user's own filters may run on it. */
export function everContained({ container, contained }: SessionRecord): boolean {
  return container !== null || contained === true;
}

/** The places of the repository whose main checkout is `root` (design.md §4). */
export function placesOf(root: string): Places {
  const state = join(root, '.para', 'state');
  return {
    root,
    state,
    record: (session) => join(state, `${session}.state`),
    worktree: (session) => join(root, '.para', 'worktrees', session),
    docker: (session) => join(state, 'docker', session),
  };
}

/**
 * A repository can carry `.para` as a link to anywhere: para makes and removes nothing behind one.
 * @throws REFUSED
 */
export async function requireOwnPlaces({ state, worktree }: Places): Promise<void> {
  const worktrees = dirname(worktree('x'));
  for (const path of [dirname(state), state, worktrees]) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSymbolicLink() === true)
      throw new ParaError(
        'REFUSED',
        `${path} is a link, and para keeps its files only in the repository itself`,
        {
          hint: `rm ${shellQuote(path)}`,
        },
      );
  }
}

/** What lies where a session's worktree goes is somebody's. */
export function pathTaken(path: string): ParaError {
  return new ParaError('REFUSED', `${path} is there already, and no session of para's`, {
    hint: `Look at it, then move it away:\nmv ${shellQuote(path)} ${shellQuote(`${path}.old`)}`,
  });
}

/** Every readable record, by name. Files that can not be read are named in `broken`, never dropped. */
export async function listRecords(
  places: Places,
  load = loadRecord,
): Promise<{ readonly records: readonly SessionRecord[]; readonly broken: readonly string[] }> {
  const files = (await readdir(places.state).catch(() => []))
    .filter((file) => file.endsWith('.state'))
    .sort();
  const records: SessionRecord[] = [];
  const broken: string[] = [];
  for (const file of files) {
    const session = file.slice(0, -'.state'.length);
    try {
      const record = await load(places, session);
      if (record !== undefined) records.push(record);
    } catch {
      broken.push(session);
    }
  }
  return { records, broken };
}

/**
 * One record, or undefined. When the file makes no sense, the one that it replaced is taken.
 * @throws CONFIG_UNREADABLE when neither can be read, or a newer para wrote it
 */
export async function loadRecord(places: Places, session: string): Promise<SessionRecord | undefined> {
  const path = places.record(session);
  const found = await readRecordFile(path, session);
  if (found === undefined || !('why' in found)) return found;
  if (found.newer) throw newerRecord(path, found.why);
  const before = await readRecordFile(previous(path), session);
  if (before === undefined || 'why' in before) throw unreadable(path, found.why, session);
  // There is one after it, so that start or recover came to its end; at worst the archive is whole still.
  const isDone = before.status === 'starting' || before.status === 'recovering';
  return isDone ? { ...before, status: 'active', operation: null } : before;
}

/**
 * Replaces a record whole and keeps the one before; one that can not be read is set aside, never deleted.
 * @throws CONFIG_UNREADABLE when a newer para wrote it: it is left as it is
 */
export async function saveRecord(places: Places, record: SessionRecord): Promise<void> {
  const path = places.record(record.name);
  const there = await readRecordFile(path, record.name);
  if (there !== undefined && 'why' in there) {
    if (there.newer) throw newerRecord(path, there.why);
    await setRecordAside(places, record.name);
  } else if (there !== undefined) await keepPrevious(path);
  await replaceFile(path, `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Takes a record that can not be read out of the way; it is never deleted. @returns where it is now */
export async function setRecordAside(places: Places, session: string): Promise<string> {
  const path = places.record(session);
  const aside = `${path}.corrupt-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`;
  await rename(path, aside);
  return aside;
}

function previous(path: string): string {
  return `${path}.prev`;
}

/** The same file under a second name: it was synced when it was written. */
async function keepPrevious(path: string): Promise<void> {
  const temporary = `${previous(path)}.${String(process.pid)}.tmp`;
  await rm(temporary, { force: true });
  await link(path, temporary);
  await rename(temporary, previous(path));
}

/** Removes what the host keeps for a container. Renamed first: half a git directory would look as if it had lost work. */
export async function removeContainerFiles(places: Places, session: string): Promise<void> {
  await unregister(places.state, session);
  await forgetSlotOf(places.state, session);
  const gone = `${places.docker(session)}.gone`;
  await removeTree(gone);
  await rename(places.docker(session), gone).catch(ignoreAbsent);
  await removeTree(gone);
}

/** Forgets a record and what the host keeps for its container. */
export async function removeRecord(places: Places, session: SessionName): Promise<void> {
  await removeContainerFiles(places, session);
  await rm(previous(places.record(session)), { force: true });
  await rm(places.record(session), { force: true });
}

/** True while some para holds the session's lock. Takes no lock. */
export async function isSessionBusy(places: Places, session: string): Promise<boolean> {
  return (await lockOwner(sessionLock(places, session))) !== undefined;
}

function sessionLock(places: Places, session: string): string {
  return join(places.state, 'locks', `session-${session}`);
}

/** One para at a time on one session. `what` is said to whoever waits. @throws BUSY */
export async function lockSession<T>(
  places: Places,
  session: string,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const own = [
    dirname(places.state),
    places.state,
    dirname(places.worktree(session)),
    places.worktree(session),
  ];
  await requireWritable([join(places.root, '.git'), ...own]);
  // Who does not want to wait is told before anything is done, not in the middle of it.
  await requireFree(repositoryLock(places));
  return withLock(sessionLock(places, session), { what, refusable: true }, work);
}

function repositoryLock(places: Places): string {
  return join(places.state, 'locks', 'repository');
}

/** One para at a time at the queue of a container, which long operations on the session do not hold. @throws BUSY */
export function lockQueue<T>(places: Places, session: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(places.state, 'locks', `queue-${session}`), { what: 'queues a command' }, work);
}

/** One para at a time at what is said of a session. @throws BUSY */
export function lockStatus<T>(places: Places, session: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(places.state, 'locks', `status-${session}`), { what: 'notes a status' }, work);
}

/** One para at a time for worktree and ref changes of a repository (facts/performance.md §5). @throws BUSY */
export function lockRepository<T>(places: Places, what: string, work: () => Promise<T>): Promise<T> {
  return withLock(repositoryLock(places), { what }, work);
}

/** One para at a time makes the image of the proxies. @throws BUSY */
export function lockProxyImage<T>(places: Places, work: () => Promise<T>): Promise<T> {
  return withLock(join(places.state, 'locks', 'proxy-image'), { what: 'makes the image of the proxy' }, work);
}

function unreadable(path: string, why: string, session: string): ParaError {
  return new ParaError('CONFIG_UNREADABLE', `the session record ${path} can not be read: ${why}`, {
    hint: [
      'The worktree and the branch are untouched. To make the record anew:',
      `para recover ${session}`,
      'or go on without the session:',
      `mv ${shellQuote(path)} ${shellQuote(`${path}.corrupt`)}`,
    ].join('\n'),
  });
}

/** True for the error that a newer para wrote the record. */
export function saysNewer(error: unknown): boolean {
  return error instanceof ParaError && error.details?.['newer'] === true;
}

function newerRecord(path: string, why: string): ParaError {
  return new ParaError('CONFIG_UNREADABLE', `the session record ${path} can not be read: ${why}`, {
    hint: 'Use the para that wrote it; this one leaves the session as it is.',
    details: { newer: true },
  });
}
