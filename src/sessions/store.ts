/** The session records: one file per session, a cache of what git and the engine's labels say. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ParaError } from '../errors.ts';
import { checkSessionRecord } from '../config/records.ts';
import type { SessionRecord } from '../config/generated/types.ts';
import { readOwnFile, replaceFile } from '../sys/files.ts';
import { lockOwner, withLock, type LockOptions } from '../sys/lock.ts';
import type { SessionName } from './name.ts';
import { shellQuote } from '../sys/shell-quote.ts';

export type { SessionRecord };

/** Where para keeps things in a repository; the one place that knows. */
export interface Places {
  readonly state: string;
  readonly record: (session: string) => string;
  readonly worktree: (session: string) => string;
  /** Host side of what a session's container sees. */
  readonly docker: (session: string) => string;
}

const MAX_RECORD = 256 * 1024;

/** False when all in the worktree is the user's own work, so that the user's own filters may run on it. */
export function everContained({ container, contained }: SessionRecord): boolean {
  return container !== null || contained === true;
}

/** The places of the repository whose main checkout is `root` (design.md §4). */
export function placesOf(root: string): Places {
  const state = join(root, '.para', 'state');
  return {
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
): Promise<{ readonly records: readonly SessionRecord[]; readonly broken: readonly string[] }> {
  const files = (await readdir(places.state).catch(() => []))
    .filter((file) => file.endsWith('.state'))
    .sort();
  const records: SessionRecord[] = [];
  const broken: string[] = [];
  for (const file of files) {
    const session = file.slice(0, -'.state'.length);
    try {
      const record = await loadRecord(places, session);
      if (record !== undefined) records.push(record);
    } catch {
      broken.push(session);
    }
  }
  return { records, broken };
}

/** One record, or undefined. @throws CONFIG_UNREADABLE when the file is there but makes no sense. */
export async function loadRecord(places: Places, session: string): Promise<SessionRecord | undefined> {
  const path = places.record(session);
  let text: string | undefined;
  try {
    text = await readOwnFile(path, MAX_RECORD);
  } catch (error) {
    throw unreadable(path, error instanceof Error ? error.message : String(error));
  }
  if (text === undefined) return undefined;
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw unreadable(path, 'not JSON');
  }
  const problem = checkSessionRecord(data);
  if (problem !== undefined) throw unreadable(path, problem);
  const record = data as SessionRecord;
  if (record.name !== session)
    throw unreadable(path, `it is about the session ${JSON.stringify(record.name)}`);
  return record;
}

/** Replaces a record whole. */
export async function saveRecord(places: Places, record: SessionRecord): Promise<void> {
  await replaceFile(places.record(record.name), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Forgets a record and what the host keeps for its container. */
export async function removeRecord(places: Places, session: SessionName): Promise<void> {
  await rm(places.docker(session), { recursive: true, force: true });
  await rm(places.record(session), { force: true });
}

/** True while some para holds the session's lock. Takes no lock. */
export async function isSessionBusy(places: Places, session: string): Promise<boolean> {
  return (await lockOwner(sessionLock(places, session))) !== undefined;
}

function sessionLock(places: Places, session: string): string {
  return join(places.state, 'locks', `session-${session}`);
}

/** One para at a time on one session. @throws BUSY */
export function lockSession<T>(
  places: Places,
  session: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  return withLock(sessionLock(places, session), options, work);
}

/** One para at a time for worktree and ref changes of a repository (facts/performance.md §5). @throws BUSY */
export function lockRepository<T>(places: Places, what: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(places.state, 'locks', 'repository'), { what }, work);
}

function unreadable(path: string, why: string): ParaError {
  const worktree = join(dirname(path), '..', 'worktrees', basename(path, '.state'));
  return new ParaError('CONFIG_UNREADABLE', `the session record ${path} can not be read: ${why}`, {
    hint: [
      'The worktree and the branch are untouched. Move the file away to go on without the session:',
      `mv ${shellQuote(path)} ${shellQuote(`${path}.corrupt`)}`,
      'The worktree is an ordinary one of git: commit there what is to be kept, then take it away:',
      `git worktree remove ${shellQuote(worktree)}`,
    ].join('\n'),
  });
}
