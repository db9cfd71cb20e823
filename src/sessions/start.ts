/** Starting a session: read and decide first (`planStart`), then change the world (`startSteps`). */
import { ParaError } from '../errors.ts';
import { hideParaFiles } from '../git/exclude.ts';
import { checkBranchName, resolveBase } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { placeHere } from '../git/worktrees.ts';
import { adminDirOf } from '../git/worktrees.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import {
  containerRecord,
  decideContainer,
  requireTrust,
  trustCommand,
  type ContainerPlan,
  type DecideContext,
} from './container-decision.ts';
import type { ContainerFlags, Settings } from './container-plan.ts';
import { committedDockerFile } from './docker-file.ts';
import { withoutContainer } from './host-effects.ts';
import { nameMaker, parseSessionName, type NameMaker, type SessionName } from './name.ts';
import { newOperation } from './operation.ts';
import { nameTaken, requireFreeBranch } from './free-name.ts';
import {
  listRecords,
  loadRecord,
  lockSession,
  pathTaken,
  requireOwnPlaces,
  type Places,
  type SessionRecord,
} from './store.ts';
import { isThere } from '../sys/files.ts';

/** What a person asked for. */
export interface StartRequest {
  readonly name: string | undefined;
  readonly base: string | undefined;
  /** undefined: as `docker.enabled` says. */
  readonly docker: boolean | undefined;
  readonly flags: ContainerFlags;
}

/** What starting needs of the App; named one by one so that it is plain what it touches. */
export interface StartContext extends DecideContext {
  repository(): Promise<Repository>;
  places(): Promise<Places>;
  config(): Promise<Settings>;
  now(): Date;
  newId(): string;
}

/** Everything decided; nothing changed yet. */
export interface StartPlan {
  readonly session: SessionName;
  readonly branch: string;
  readonly base: string;
  readonly worktree: string;
  readonly repo: Repository;
  readonly places: Places;
  readonly record: SessionRecord;
  readonly container: ContainerPlan | undefined;
}

/** Reads all there is to know and decides. @throws ParaError for whatever is in the way */
export async function planStart(context: StartContext, request: StartRequest): Promise<StartPlan> {
  const repo = await context.repository();
  const [places, settings] = await Promise.all([context.places(), context.config()]);
  const { config } = settings;
  await requireOwnPlaces(places);
  const session = await chooseName(
    request.name,
    places,
    nameMaker(config.session.default_name_format, context.now()),
  );
  const branch = `${config.git.branch_prefix}/${session}`;
  const isTaken = await checkBranchName(repo, branch);
  await requireFreeBranch(repo, places, { session, branch, isTaken });
  const base = await resolveBase(repo, request.base, await placeHere(repo));
  const baseRef = request.base ?? repo.headBranch ?? 'HEAD';
  const operation = context.newId();
  const wanted = request.docker ?? config.docker.enabled;
  const container = wanted
    ? await decideContainer(context, {
        ...{ repo, places, settings, session, base, operation, flags: request.flags },
        dockerFile: (names) => committedDockerFile(repo, base, names),
        trust: trustCommand(request.base),
      })
    : undefined;
  if (request.docker === undefined)
    await requireTrust(context, {
      repo,
      settings,
      effects: withoutContainer(settings.own, settings.project?.config),
    });
  const worktree = places.worktree(session);
  await requireNothingAt(repo, places, session);
  const record = await newRecord(context, { session, branch, base, baseRef, worktree, operation, container });
  return Object.freeze({ session, branch, base, worktree, repo, places, record, container });
}

async function chooseName(
  name: string | undefined,
  places: Places,
  makeName: NameMaker,
): Promise<SessionName> {
  const { records, broken } = await listRecords(places);
  const taken = new Set([...records.map((record) => record.name), ...broken]);
  if (name === undefined) return makeName((candidate) => taken.has(candidate));
  const session = parseSessionName(name);
  if (!taken.has(session)) return session;
  throw nameTaken(
    session,
    places,
    records.find((other) => other.name === session),
  );
}

/**
 * Runs `work` while holding the new session's lock. Another start of this name may have come first, and undoing this
 * one must not take the other's worktree: that is asked under the lock. @throws SESSION_EXISTS, BUSY
 */
export async function withNewSession<T>(
  { repo, places, session }: StartPlan,
  work: () => Promise<T>,
): Promise<T> {
  // First of all: even the lock is a file that the user's git would show.
  await hideParaFiles(repo);
  const lock = 'starts the session';
  return lockSession(places, session, lock, async () => {
    const record = await loadRecord(places, session);
    if (record !== undefined) throw nameTaken(session, places, record);
    await requireNothingAt(repo, places, session);
    return work();
  });
}

/** What lies where the worktree goes is somebody's. @throws REFUSED */
async function requireNothingAt(repo: Repository, places: Places, session: string): Promise<void> {
  const path = places.worktree(session);
  if (!(await isThere(path))) {
    // What was staged in it, and where it was, may be nowhere else.
    if ((await adminDirOf(repo, path)) === undefined || (await loadRecord(places, session)) !== undefined)
      return;
    throw new ParaError('REFUSED', `git still knows a worktree of ${session}, at ${path}, which is gone`, {
      hint: `git worktree remove --force --force ${shellQuote(path)}`,
    });
  }
  // Another start of this name may have come first since its record was looked for.
  const record = await loadRecord(places, session);
  if (record !== undefined) throw nameTaken(session, places, record);
  throw pathTaken(path);
}

async function newRecord(
  context: StartContext,
  made: {
    session: SessionName;
    branch: string;
    base: string;
    baseRef: string;
    worktree: string;
    operation: string;
    container: ContainerPlan | undefined;
  },
): Promise<SessionRecord> {
  const at = context.now().toISOString();
  return {
    schema: 1,
    uuid: context.newId(),
    name: made.session,
    branch: made.branch,
    base: made.base,
    base_ref: made.baseRef,
    worktree_path: made.worktree,
    created_at: at,
    status: 'starting',
    operation: await newOperation('start', { id: made.operation, at: new Date(at) }),
    container: made.container === undefined ? null : containerRecord(made.container),
  };
}
