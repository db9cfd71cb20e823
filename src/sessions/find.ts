/** Which session a command is about: the one named, or the one whose worktree holds the current directory. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { parseSessionName } from './name.ts';
import { listRecords, loadRecord, placesOf, type Places, type SessionRecord } from './store.ts';

/** A session and where its repository keeps things. */
export interface Found {
  readonly places: Places;
  readonly record: SessionRecord;
}

/** What finding needs of the App. */
export interface FindContext {
  readonly cwd: string;
  repository(): Promise<Repository>;
}

/**
 * The session. Asks git only where the file system alone does not tell, so that `docker exec` pays for nothing.
 * @throws SESSION_NOT_FOUND, NAME_INVALID, NOT_A_REPOSITORY
 */
export async function findSession(context: FindContext, name: string | undefined): Promise<Found> {
  const root = (await rootByPath(context.cwd)) ?? (await context.repository()).root;
  const places = placesOf(root);
  const session = name === undefined ? await sessionOfDirectory(context.cwd, root) : parseSessionName(name);
  if (session === undefined) throw notInSession(await nameSome(places));
  const record = await loadRecord(places, session);
  if (record === undefined) throw unknownSession(session, await nameSome(places));
  return { places, record };
}

/**
 * The main checkout, when the path alone decides: the outermost `<root>/.para/worktrees/<s>` above, or the
 * nearest ancestor with a real `.git` directory of its own. The same answers that git would give.
 */
async function rootByPath(cwd: string): Promise<string | undefined> {
  const here = await realpath(cwd);
  const inside = /\/\.para\/worktrees\/[^/]+(?=\/|$)/.exec(here);
  if (inside !== null)
    return (await exists(join(here.slice(0, inside.index), '.git')))
      ? here.slice(0, inside.index)
      : undefined;
  for (let directory = here; ; directory = dirname(directory)) {
    const dotGit = await stat(join(directory, '.git')).catch(() => undefined);
    // A `.git` file (worktree, submodule) or none at the top: git itself must say.
    if (dotGit !== undefined) return dotGit.isDirectory() ? directory : undefined;
    if (directory === dirname(directory)) return undefined;
  }
}

async function sessionOfDirectory(cwd: string, root: string): Promise<string | undefined> {
  const here = await realpath(cwd);
  const prefix = join(root, '.para', 'worktrees') + '/';
  return here.startsWith(prefix) ? here.slice(prefix.length).split('/')[0] : undefined;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function nameSome(places: Places): Promise<string> {
  const { records } = await listRecords(places);
  if (records.length === 0)
    return `There is no session in ${basename(dirname(dirname(places.state)))} yet:\npara start NAME`;
  return `Sessions here: ${records
    .slice(0, 10)
    .map((record) => record.name)
    .join(', ')}`;
}

function notInSession(hint: string): ParaError {
  return new ParaError(
    'SESSION_NOT_FOUND',
    'no session was named, and this directory is not in the worktree of one',
    { hint },
  );
}

function unknownSession(session: string, hint: string): ParaError {
  return new ParaError('SESSION_NOT_FOUND', `there is no session ${session}`, { hint });
}
