/** Cancelling a session: everything it has is archived, then taken away. `recover` brings it back. */
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { archiveRef, listArchives } from '../git/archive.ts';
import { remakeBranch, type BranchMove } from '../git/session-head.ts';
import { commitOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import type { SpecialFile } from '../git/special-files.ts';
import { inSubmodules, type WithSubmodules } from '../git/submodules.ts';
import { requireUnlocked } from '../git/worktree-lock.ts';
import { adminDirOf } from '../git/worktrees.ts';
import { requireNoAgentHere } from './agent-run.ts';
import { archiveDate, archiveTime } from './archive.ts';
import { requireWhole } from './damage.ts';
import { findAgain, findSession, type FindContext, type Found } from './find.ts';
import { decideKeep, unheldIn } from './keep-files.ts';
import { newOperation, settledWith, wishOf, type Operation } from './operation.ts';
import { registerAgain } from './register-again.ts';
import { lockSession, type SessionRecord } from './store.ts';
import { submoduleWork } from './submodule-work.ts';
import type { Stoppable, TeardownState } from './teardown.ts';
import type { VaultContext } from './vault.ts';

/** What a person asked for. */
export interface CancelRequest {
  readonly session: string | undefined;
  /** Let go what no commit can hold. */
  readonly force: boolean;
  /** Keep it in a tar. */
  readonly archiveIgnored: boolean;
}

/** What cancelling needs of the App. */
export interface CancelContext extends FindContext, VaultContext {
  dockerFor(engine: EngineName): Promise<DockerService>;
  now(): Date;
  newId(): string;
}

/** Everything decided; nothing changed yet. */
export interface CancelPlan extends Stoppable {
  readonly operation: Operation;
  readonly time: string;
  /** git knows the worktree still: what is in it, or was staged in it, is to be kept. */
  readonly hasIndex: boolean;
  /** What makes the branch again, when somebody has deleted it. */
  readonly remake: BranchMove | undefined;
  /** An earlier cancel had archived everything, and removed the worktree, when it was cut short. */
  readonly archived: boolean;
  /** What no commit can hold, and what becomes of it. */
  readonly left: readonly string[];
  readonly keep: 'nothing' | 'pack' | 'drop';
}

/** What the steps found out. */
export interface CancelState extends TeardownState {
  snapshot: string | undefined;
  /** Pipes, sockets and devices: they hold nothing, and no archive has them. */
  special: readonly SpecialFile[];
  broughtBack: number;
}

/** Reads all there is to know and decides. @throws ParaError for whatever is in the way */
export async function planCancel(context: CancelContext, request: CancelRequest): Promise<CancelPlan> {
  return decide(context, request, await findSession(context, request.session));
}

/** Hands `work` the plan while it holds the session's lock. @throws as planCancel, BUSY */
export async function withCancelPlan<T>(
  context: CancelContext,
  request: CancelRequest,
  work: (plan: CancelPlan) => Promise<T>,
): Promise<T> {
  const found = await findSession(context, request.session);
  const { places, record } = found;
  // Asked now: the directory we are in may go with the worktree while we wait.
  const repo = await context.repository();
  const lock = 'cancels the session';
  return lockSession(places, record.name, lock, async () => {
    const again = await findAgain(context, found);
    await registerAgain(repo, again);
    return work(await decide(context, request, again));
  });
}

async function decide(context: CancelContext, asked: CancelRequest, found: Found): Promise<CancelPlan> {
  const { record, places } = found;
  const request = goneOn(asked, record);
  if (record.status === 'review') throw alreadyFinished(found);
  if (record.status === 'finishing') throw halfFinished(found);
  await requireNoAgentHere(record.name, places.docker(record.name));
  const repo = await context.repository();
  const operation = await operationOf(context, { repo, record }, request);
  const time = archiveTime(operation.at);
  const there = await whatIsThere(repo, record, { ...request, time });
  // What was let go when it began may be something else by now: what nobody has named is packed.
  const letGoThen = request.force && !asked.force;
  const how = { archive: request.archiveIgnored || letGoThen, force: request.force };
  return {
    record,
    places,
    repo,
    operation,
    time,
    secrets: context,
    ...there,
    service: record.container === null ? undefined : await context.dockerFor(record.container.engine),
    keep: decideKeep(there.left, how, `para cancel ${record.name}`),
  };
}

/**
 * A cancel that was cut short goes on with the archive that it began; another one comes after all others of the name,
 * so that a clock which stands still or goes back makes it neither theirs nor older.
 */
async function operationOf(
  context: CancelContext,
  { repo, record: { name, operation } }: { readonly repo: Repository; readonly record: SessionRecord },
  { force, archiveIgnored }: CancelRequest,
): Promise<Operation> {
  const wish = { force, archive_ignored: archiveIgnored };
  if (operation?.kind === 'cancel')
    return newOperation('cancel', { id: context.newId(), at: new Date(operation.at), wish });
  const [newest] = await listArchives(repo, name);
  const after = newest === undefined ? 0 : archiveDate(newest.time).getTime() + 1;
  const at = new Date(Math.max(context.now().getTime(), after));
  return newOperation('cancel', { id: context.newId(), at, wish });
}

/** And with what was asked for then, unless something else is said now. */
function goneOn(request: CancelRequest, record: SessionRecord): CancelRequest {
  if (request.force || request.archiveIgnored) return request;
  const { force = false, archive_ignored: archiveIgnored = false } = wishOf(record, 'cancel');
  return { ...request, force, archiveIgnored };
}

async function whatIsThere(
  repo: Repository,
  record: SessionRecord,
  { time, ...request }: CancelRequest & { readonly time: string },
): Promise<Pick<CancelPlan, 'hasIndex' | 'archived' | 'left' | 'remake'>> {
  const { name, branch, base, worktree_path: path } = record;
  const adminDir = await adminDirOf(repo, path);
  await requireUnlocked(repo, path);
  const hasWorktree = (await requireWhole(repo, record)) && adminDir !== undefined;
  const archived = !hasWorktree && (await commitOf(repo, archiveRef(name, time))) !== undefined;
  const hasIndex = !archived && adminDir !== undefined;
  const hasCommits = hasIndex || (!archived && record.container?.git === 'sealed');
  return {
    hasIndex,
    archived,
    left: hasWorktree ? await toLetGo(record, { repo, adminDir, worktreePath: path, base }, request) : [],
    remake: hasCommits ? await remakeBranch({ repo, session: name, branch, base, adminDir }) : undefined,
  };
}

/** What no archive holds: it is packed, or let go. @throws REFUSED for what can only be let go */
async function toLetGo(
  record: SessionRecord,
  where: WithSubmodules,
  request: CancelRequest,
): Promise<readonly string[]> {
  const { look, unheld } = await unheldIn(where.repo, where.worktreePath);
  return [...unheld, ...(await submodulesToLetGo(record, { ...where, gitlinks: look.gitlinks }, request))];
}

/**
 * Submodules with something in them. Neither commit nor tar brings one back: half of it is in a git directory that goes
 * with the worktree. @throws REFUSED unless they are let go
 */
async function submodulesToLetGo(
  record: SessionRecord,
  where: WithSubmodules,
  { force, archiveIgnored }: CancelRequest,
): Promise<readonly string[]> {
  const { work, ignored } = await inSubmodules(where);
  const asWork = ignored.map((path) => ({
    ...{ path, why: 'is ignored in a submodule', gitDir: undefined, mainGitDir: undefined },
  }));
  const all = [...work, ...asWork];
  if (all.length === 0) return [];
  if (force && !archiveIgnored) return all.map(({ path }) => path);
  throw submoduleWork(record, all, [
    `no archive can hold it; to let it go: para cancel ${record.name} --force`,
  ]);
}

/** The state before the first step. */
export function newCancelState(): CancelState {
  return { settled: false, wasRunning: false, snapshot: undefined, special: [], broughtBack: 0 };
}

function alreadyFinished({ record }: Found): ParaError {
  return new ParaError('REFUSED', `the session ${record.name} is finished; there is only its branch left`, {
    hint: `When it is merged: para clean\nTo throw it away:  git branch -D ${record.branch}`,
  });
}

function halfFinished({ record }: Found): ParaError {
  return new ParaError('REFUSED', `a finish of ${record.name} was cut short, and has to come to its end`, {
    hint: settledWith(record.name),
  });
}
