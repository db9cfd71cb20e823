/** Which session a command is about: the one named, or the one whose worktree holds the current directory. */
import { existsSync, realpathSync, statSync, type Stats } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { closest } from '../config/nearest.ts';
import { ParaError } from '../errors.ts';
import { repositoryId, type Repository } from '../git/repository.ts';
import { damaged } from './damage.ts';
import { isSessionName } from './name.ts';
import { loadOrRebuild } from './load-record.ts';
import { listRecords, placesOf, type Places, type SessionRecord } from './store.ts';

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
 * `among` says which ones an error names. @throws SESSION_NOT_FOUND, NOT_A_REPOSITORY
 */
export async function findSession(
  context: FindContext,
  name: string | undefined,
  among: 'all' | 'containers' = 'all',
): Promise<Found> {
  const places = await findPlaces(context);
  const root = dirname(dirname(places.state));
  const session = name ?? sessionOfDirectory(context.cwd, root);
  if (session === undefined) throw notInSession(await nameSome(places, among));
  // What can not be a name is not looked for: it might lead anywhere.
  const record = isSessionName(session)
    ? await loadOrRebuild(() => context.repository(), root, session)
    : undefined;
  if (record === undefined) throw await unknownSession(session, places, among);
  requireHere(places, record);
  return { places, record };
}

/**
 * What the record of a repository that was moved or copied names may be another's: a copy's worktree and container
 * are the original's. @throws REFUSED
 */
export function requireHere(places: Places, record: SessionRecord): void {
  if (record.worktree_path === places.worktree(record.name)) return;
  // All that a finished session has is its branch.
  if (record.status === 'review' && record.container === null) return;
  throw damaged(record, { damage: 'repository moved' });
}

/** The places of the repository that we are in. @throws NOT_A_REPOSITORY */
export async function findPlaces(context: FindContext): Promise<Places> {
  return placesOf(rootByPath(context.cwd) ?? (await context.repository()).root);
}

/** And the repository's id. Asks git only where its directory is not as git makes it. @throws NOT_A_REPOSITORY */
export async function findRepository(
  context: FindContext,
): Promise<{ readonly places: Places; readonly id: string }> {
  const root = rootByPath(context.cwd);
  const commonDir = root === undefined ? undefined : await plainGitDir(join(root, '.git'));
  if (root !== undefined && commonDir !== undefined)
    return { places: placesOf(root), id: repositoryId(commonDir) };
  const repo = await context.repository();
  return { places: placesOf(repo.root), id: repo.id };
}

/** A repository's own directory, real, when nothing in it can say that it, or its checkout, is elsewhere. */
async function plainGitDir(path: string): Promise<string | undefined> {
  const there = (name: string): boolean => existsSync(join(path, name));
  const config = await readFile(join(path, 'config'), 'utf8').catch(() => undefined);
  if (config === undefined || !there('HEAD') || !there('objects') || there('commondir')) return undefined;
  return /include|worktree|\bbare\b(?!\s*=\s*false)/i.test(config) ? undefined : realpath(path);
}

/** The name of the session whose worktree we are in. */
export async function sessionHere(context: FindContext): Promise<string | undefined> {
  const { state } = await findPlaces(context);
  return sessionOfDirectory(context.cwd, dirname(dirname(state)));
}

/** What was found, as it is now that its lock is held. */
export async function findAgain(context: FindContext, { places, record }: Found): Promise<Found> {
  const { root } = await context.repository();
  const now = (await loadOrRebuild(() => context.repository(), root, record.name)) ?? record;
  requireHere(places, now);
  return { places, record: now };
}

/**
 * The main checkout, when the path alone decides: the outermost `<root>/.para/worktrees/<s>` above, or the
 * nearest ancestor with a real `.git` directory of its own. The same answers that git would give.
 */
function rootByPath(cwd: string): string | undefined {
  // Not by the thread pool: to wake it takes longer than these few looks.
  const here = realpathSync.native(cwd);
  const inside = /\/\.para\/worktrees\/[^/]+(?=\/|$)/.exec(here);
  if (inside !== null)
    return existsSync(join(here.slice(0, inside.index), '.git')) ? here.slice(0, inside.index) : undefined;
  for (let directory = here; ; directory = dirname(directory)) {
    const dotGit = statAt(join(directory, '.git'));
    // A `.git` file (worktree, submodule) or none at the top: git itself must say.
    if (dotGit !== undefined) return dotGit.isDirectory() ? directory : undefined;
    if (directory === dirname(directory)) return undefined;
  }
}

function statAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function sessionOfDirectory(cwd: string, root: string): string | undefined {
  const here = realpathSync.native(cwd);
  const prefix = join(root, '.para', 'worktrees') + '/';
  return here.startsWith(prefix) ? here.slice(prefix.length).split('/')[0] : undefined;
}

const MOST_NAMED = 10;

/** Those that one may mean: the active ones first. */
async function nameSome(places: Places, among: 'all' | 'containers'): Promise<string> {
  const { records } = await listRecords(places);
  const where = basename(dirname(dirname(places.state)));
  if (records.length === 0) return `There is no session in ${where} yet:\npara start NAME`;
  const meant = records.filter(({ container }) => among === 'all' || container !== null);
  if (meant.length === 0) return `No session in ${where} has a container:\npara start NAME --docker`;
  const names = [
    ...meant.filter(({ status }) => status === 'active'),
    ...meant.filter(({ status }) => status !== 'active'),
  ].map(({ name }) => name);
  const more = names.length - MOST_NAMED;
  const label = among === 'all' ? 'Sessions here' : 'Sessions with a container';
  return `${label}: ${names.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`;
}

function notInSession(hint: string): ParaError {
  return new ParaError(
    'SESSION_NOT_FOUND',
    'no session was named, and this directory is not in the worktree of one',
    { hint },
  );
}

async function unknownSession(
  session: string,
  places: Places,
  among: 'all' | 'containers',
): Promise<ParaError> {
  const { records } = await listRecords(places);
  const near = closest(
    session,
    records.map(({ name }) => name),
    2,
  );
  const meant = near === undefined ? '' : `Did you mean ${near}?\n`;
  const shown = isSessionName(session) ? session : JSON.stringify(session.slice(0, 60));
  return new ParaError('SESSION_NOT_FOUND', `there is no session ${shown}`, {
    hint: meant + (await nameSome(places, among)),
  });
}
