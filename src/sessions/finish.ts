/** Finishing a session: its work becomes a branch ready for review, everything else is taken away. */
import type { Config } from '../config/defaults.ts';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { checkBranchName } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import type { SpecialFile } from '../git/special-files.ts';
import { isHalfMade, requireUnlocked } from '../git/worktree-lock.ts';
import { adminDirOf } from '../git/worktrees.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { requireNoAgentHere } from './agent-run.ts';
import { requireWhole } from './damage.ts';
import { findAgain, findSession, type FindContext, type Found } from './find.ts';
import { decideKeep, unheldIn, type Keeping } from './keep-files.ts';
import { chooseRemote } from './finish-remote.ts';
import { beganAt, goneOn, toWish, type FinishRequest } from './finish-wish.ts';
import type { HostTrigger } from './host-triggers.ts';
import { settledWith, type Wish } from './operation.ts';
import { registerAgain } from './register-again.ts';
import { lockSession, type SessionRecord } from './store.ts';
import type { Stoppable, TeardownState } from './teardown.ts';
import { NOTHING, requireSettled, type Looked, type Settled } from './unsettled.ts';
import type { VaultContext } from './vault.ts';
import { together } from '../sys/together.ts';

/** What finishing needs of the App. */
export interface FinishContext extends FindContext, VaultContext {
  dockerFor(engine: EngineName): Promise<DockerService>;
  now(): Date;
  newId(): string;
}

/** Everything decided; nothing changed yet. */
export interface FinishPlan extends Stoppable {
  readonly message: string;
  readonly target: string;
  readonly remote: string | undefined;
  /** The branch is pushed even when nothing was changed. */
  readonly pushAsked: boolean;
  /** `git.auto_commit` or `git.auto_stage` is off: what is not committed stops the finish. */
  readonly refuses: 'uncommitted' | 'unstaged' | undefined;
  /** The worktree stays, on the branch (`session.preserve_on_finish`). */
  readonly keepWorktree: boolean;
  /** The container that is left, as asked: its engine does not answer. */
  readonly left: NonNullable<SessionRecord['container']> | undefined;
  /** Removed by hand, or by an earlier finish that was cut short. */
  readonly worktreeGone: boolean;
  readonly settled: Settled;
  /** What no commit can hold and would go with the worktree. */
  readonly unheld: readonly string[];
  readonly keeping: Keeping;
  /** An earlier finish was cut short. */
  readonly again: boolean;
  /** Also the name of what is kept; a repeat of one that was cut short goes on with its own. */
  readonly at: Date;
  readonly operation: string;
  /** For the record. */
  readonly wish: Wish;
}

/** What the steps found out. */
export interface FinishState extends TeardownState {
  tip: string;
  broughtBack: number;
  committed: string | undefined;
  pushed: string | undefined;
  pushError: ParaError | undefined;
  /** Nested repositories, as they were when the last of the work was kept. */
  nested: readonly string[];
  /** What no commit can hold: it went with the worktree, or is in the tar. */
  unheld: readonly string[];
  /** Pipes, sockets and devices: they hold nothing, and went with the worktree. */
  special: readonly SpecialFile[];
  /** Files of the branch that run code where they are used. */
  triggers: readonly HostTrigger[];
  /** The tar. */
  kept: string | undefined;
  /** What a person did not ask for and should know. */
  remarks: string[];
}

/** Reads all there is to know and decides. @throws ParaError for whatever is in the way */
export async function planFinish(context: FinishContext, request: FinishRequest): Promise<FinishPlan> {
  requireMessage(request);
  return decide(context, request, await findSession(context, request.session));
}

function requireMessage({ message }: FinishRequest): void {
  if (message.trim() === '')
    throw new ParaError('USAGE', 'the commit message is empty', { hint: 'para finish "What was done"' });
}

/**
 * Hands `work` the plan while it holds the session's lock, so that two finishes of one session take turns and
 * the second sees what the first has done. @throws as planFinish, BUSY
 */
export async function withFinishPlan<T>(
  context: FinishContext,
  request: FinishRequest,
  work: (plan: FinishPlan) => Promise<T>,
): Promise<T> {
  requireMessage(request);
  const found = await findSession(context, request.session);
  // Asked now: the directory we are in may go with the worktree while we wait.
  const repo = await context.repository();
  const { places, record } = found;
  const lock = 'finishes the session';
  return lockSession(places, record.name, lock, async () => {
    const again = await findAgain(context, found);
    await registerAgain(repo, again);
    const plan = await decide(context, request, again);
    requireKept(plan, plan.unheld);
    return work(plan);
  });
}

/** What becomes of them. @throws REFUSED for what nobody has said anything about */
export function requireKept(
  { record, message, keeping }: FinishPlan,
  unheld: readonly string[],
): 'nothing' | 'pack' | 'drop' {
  return decideKeep(unheld, keeping, `para finish ${shellQuote(message)} ${record.name}`);
}

async function decide(
  context: FinishContext,
  asked: FinishRequest,
  { places, record }: Found,
): Promise<FinishPlan> {
  const request = goneOn(asked, record);
  if (record.status === 'review') throw alreadyFinished(record);
  if (record.status === 'cancelling' || record.status === 'recovering') throw halfDone(record);
  await requireNoAgentHere(record.name, places.docker(record.name));
  const repo = await context.repository();
  if (record.status === 'starting') await requireWorktree(repo, record);
  const target = request.branch ?? record.branch;
  const cutShort = record.status === 'finishing';
  if (target !== record.branch && !cutShort) await checkTarget(repo, target);
  const { config } = await context.config();
  await requireUnlocked(repo, record.worktree_path);
  const worktreeGone = !(await requireWhole(repo, record));
  const way = wayOf(config, request);
  const [remote, found] = await together([
    chooseRemote(repo, target, { flag: request.push, ...config.git }),
    worktreeGone ? NOTHING_THERE : lookThrough({ repo, places, record }, way.keepWorktree),
  ]);
  return {
    record,
    places,
    repo,
    secrets: context,
    message: request.message.trim(),
    target,
    remote,
    ...way,
    ...found,
    ...(await containerOf(context, record, request.noContainer)),
    worktreeGone,
    again: cutShort,
    keeping: request.keeping,
    at: beganAt(record) ?? context.now(),
    operation: context.newId(),
    wish: toWish(request),
  };
}

const NOTHING_THERE = { settled: NOTHING, unheld: [] };

/** What has to be settled in the worktree first, and what would go with it, unless it stays. */
async function lookThrough(session: Looked, stays: boolean): Promise<Pick<FinishPlan, 'settled' | 'unheld'>> {
  if (stays) return { settled: await requireSettled(session), unheld: [] };
  const { look, unheld } = await unheldIn(session.repo, session.record.worktree_path);
  const settled = await requireSettled(session, look);
  return { settled, unheld: [...unheld, ...settled.ignored] };
}

/** Who takes the container away, or which one is left. */
async function containerOf(
  context: FinishContext,
  { container }: SessionRecord,
  leave: boolean,
): Promise<Pick<FinishPlan, 'service' | 'left'>> {
  if (container === null) return { service: undefined, left: undefined };
  if (leave) return { service: undefined, left: container };
  return { service: await context.dockerFor(container.engine), left: undefined };
}

function wayOf(
  { git, session }: Config,
  request: FinishRequest,
): Pick<FinishPlan, 'pushAsked' | 'refuses' | 'keepWorktree'> {
  return {
    pushAsked: request.push ?? git.push === 'always',
    refuses: git.auto_commit ? (git.auto_stage ? undefined : 'unstaged') : 'uncommitted',
    keepWorktree: session.preserve_on_finish,
  };
}

/** The state before the first step. */
export function newFinishState(plan: FinishPlan): FinishState {
  return {
    settled: false,
    wasRunning: false,
    tip: plan.record.base,
    broughtBack: 0,
    committed: undefined,
    pushed: undefined,
    pushError: undefined,
    nested: [],
    unheld: [],
    special: [],
    triggers: [],
    kept: undefined,
    remarks: [],
  };
}

/** A start that was cut short early has made nothing to finish, or half of it. */
async function requireWorktree(
  repo: Repository,
  { name, worktree_path: path }: SessionRecord,
): Promise<void> {
  if ((await adminDirOf(repo, path)) !== undefined && !(await isHalfMade(repo, path))) return;
  throw new ParaError('REFUSED', `the start of ${name} was cut short before its worktree was made`, {
    hint: `para start ${name}`,
  });
}

async function checkTarget(repo: Repository, branch: string): Promise<void> {
  if (await checkBranchName(repo, branch))
    throw new ParaError('NAME_INVALID', `the branch ${branch} exists already`, { hint: `-b ${branch}-2` });
}

function halfDone({ name, status }: SessionRecord): ParaError {
  const verb = status === 'cancelling' ? 'cancel' : 'recover';
  return new ParaError('REFUSED', `a ${verb} of ${name} was cut short, and has to come to its end`, {
    hint: settledWith(name),
  });
}

function alreadyFinished(record: SessionRecord): ParaError {
  return new ParaError('REFUSED', `the session ${record.name} is finished already`, {
    hint: `Its work is on the branch ${record.branch}:\ngit log ${record.branch}`,
  });
}
