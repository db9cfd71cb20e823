/** Bringing an archived session back whole: branch, worktree, uncommitted work, ignored files. */
import { ParaError } from '../errors.ts';
import { hideParaFiles } from '../git/exclude.ts';
import { commitOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { listArchived, type Archived } from './archive.ts';
import { parseSessionName } from './name.ts';
import { newOperation, wishOf } from './operation.ts';
import {
  everContained,
  loadRecord,
  lockSession,
  pathTaken,
  requireOwnPlaces,
  type Places,
  type SessionRecord,
} from './store.ts';
import { isThere } from '../sys/files.ts';

/** What recovering needs of the App. */
export interface RecoverContext {
  repository(): Promise<Repository>;
  places(): Promise<Places>;
  now(): Date;
  newId(): string;
}

/** Everything decided; nothing changed yet. */
export interface RecoverPlan {
  readonly repo: Repository;
  readonly places: Places;
  readonly archived: Archived;
  /** As it is while the session is brought back. */
  readonly record: SessionRecord;
  /** The branch is there already, at the archived tip: an earlier recover was cut short. */
  readonly branchThere: boolean;
}

/** What the steps found out. */
export interface RecoverState {
  worktreeMade: boolean;
  filesBack: boolean;
  /** Where that is which was in the worktree of a recover that was cut short: a ref, a tar. */
  kept: string[];
}

/**
 * The archive that a name and the beginning of a time mean; without a time the one that a recover which was cut short
 * had begun with, or the newest.
 * @throws SESSION_NOT_FOUND naming those that there are
 */
export async function chooseArchive(
  context: RecoverContext,
  name: string,
  time: string | undefined,
): Promise<Archived> {
  const session = parseSessionName(name);
  const repo = await context.repository();
  const { archived } = await listArchived(repo, session);
  const there = await loadRecord(await context.places(), session).catch(() => undefined);
  const wanted = time ?? (there && wishOf(there, 'recover').archive);
  const found = archived.find(({ archive }) => wanted === undefined || archive.time.startsWith(wanted));
  if (found !== undefined) return found;
  const times = archived.map(({ archive }) => archive.time).join(', ');
  const others = (await listArchived(repo)).archived.map(({ archive }) => archive.session);
  throw new ParaError(
    'SESSION_NOT_FOUND',
    times === '' ? `there is no archive of ${session}` : `there is no archive of ${session} of that time`,
    {
      hint:
        times !== ''
          ? `Its archives: ${times}`
          : others.length > 0
            ? `Archived here: ${[...new Set(others)].slice(0, 10).join(', ')}`
            : 'Nothing is archived in this repository: para list',
    },
  );
}

/** Hands `work` the plan while it holds the session's lock. @throws SESSION_EXISTS, REFUSED, BUSY */
export async function withRecoverPlan<T>(
  context: RecoverContext,
  archived: Archived,
  work: (plan: RecoverPlan) => Promise<T>,
): Promise<T> {
  const [repo, places] = await Promise.all([context.repository(), context.places()]);
  await requireOwnPlaces(places);
  await hideParaFiles(repo);
  const lock = 'recovers the session';
  return lockSession(places, archived.record.name, lock, async () =>
    work(await decide(context, { repo, places, archived })),
  );
}

async function decide(
  context: RecoverContext,
  found: Pick<RecoverPlan, 'repo' | 'places' | 'archived'>,
): Promise<RecoverPlan> {
  const { repo, places, archived } = found;
  const { name, branch } = archived.record;
  const there = await loadRecord(places, name);
  // A recover that was cut short begins anew: what it made is in the archive.
  if (there !== undefined && there.status !== 'recovering') throw nameTaken(name);
  const tip = await commitOf(repo, `refs/heads/${branch}`);
  if (tip !== undefined && tip !== archived.tip) throw branchTaken(branch);
  const worktree = places.worktree(name);
  if (there === undefined && (await isThere(worktree))) throw pathTaken(worktree);
  const operation = await newOperation('recover', {
    ...{ id: context.newId(), at: context.now(), wish: { archive: archived.archive.time } },
  });
  return {
    ...found,
    record: {
      ...archived.record,
      worktree_path: worktree,
      contained: everContained(archived.record),
      status: 'recovering',
      operation,
    },
    branchThere: tip !== undefined,
  };
}

/** The state before the first step. */
export function newRecoverState(): RecoverState {
  return { worktreeMade: false, filesBack: false, kept: [] };
}

function nameTaken(name: string): ParaError {
  return new ParaError('SESSION_EXISTS', `a session ${name} exists`, {
    hint: `Finish or cancel it first; the archive stays:\npara finish "What was done" ${name}`,
  });
}

function branchTaken(branch: string): ParaError {
  return new ParaError('REFUSED', `the branch ${branch} exists, at another commit than the archived one`, {
    hint: `Give it another name first:\ngit branch -m ${branch} ${branch}-old`,
  });
}
