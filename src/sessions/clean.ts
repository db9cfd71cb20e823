/** Removing what is provably done: finished sessions whose work is in their base, and archives that are old. */
import { rm } from 'node:fs/promises';
import type { Config } from '../config/defaults.ts';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { dropArchive, latestDate, type Archive } from '../git/archive.ts';
import { howMerged, type Merged } from '../git/merged.ts';
import { commitOf, deleteBranch, dropRef, refsUnder } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { listWorktrees } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { removeTree } from '../sys/remove-tree.ts';
import { archiveDate, listArchived } from './archive.ts';
import { listTars, stateOf, tarOf } from './keep-files.ts';
import { parseSessionName } from './name.ts';
import {
  listRecords,
  loadRecord,
  lockRepository,
  lockSession,
  removeRecord,
  type Places,
  type SessionRecord,
} from './store.ts';
import { discardUseless } from './warm-discard.ts';
import { uselessSlots, type Slot } from './warm-slots.ts';

/** What cleaning needs of the App. */
export interface CleanContext {
  repository(): Promise<Repository>;
  places(): Promise<Places>;
  config(): Promise<{ readonly config: Config }>;
  now(): Date;
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/** A finished session whose work is in another branch. */
export interface DoneSession {
  readonly record: SessionRecord;
  readonly tip: string | undefined;
  readonly how: NonNullable<Merged> | 'branch gone';
  /** The branch that has its work. */
  readonly into: string;
}

/** Everything decided; nothing changed yet. */
export interface CleanPlan {
  readonly repo: Repository;
  readonly places: Places;
  readonly sessions: readonly DoneSession[];
  readonly archives: readonly Archive[];
  /** Old tars of what finishes kept. */
  readonly tars: readonly string[];
  /** Containers that are kept ready for nobody. */
  readonly warm: readonly Slot[];
  /** Finished sessions that stay, and why. */
  readonly kept: readonly { readonly session: string; readonly why: string }[];
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Reads all there is to know and decides; takes no lock. @throws GIT_FAILED */
export async function planClean(context: CleanContext): Promise<CleanPlan> {
  const [repo, places, { config }] = await Promise.all([
    context.repository(),
    context.places(),
    context.config(),
  ]);
  const { records } = await listRecords(places);
  const checkedOut = new Set((await listWorktrees(repo)).map(({ branch }) => branch));
  const sessions: DoneSession[] = [];
  const kept: { session: string; why: string }[] = [];
  for (const record of records.filter(({ status }) => status === 'review')) {
    const found = await judge(repo, record, checkedOut);
    if (typeof found === 'string') kept.push({ session: record.name, why: found });
    else sessions.push(found);
  }
  const days = config.session.auto_cleanup_days;
  const limit = days === null ? -Infinity : context.now().getTime() - days * DAY_MS;
  const all = (await listArchived(repo)).archived.map(({ archive }) => archive);
  const archives = await oldArchives(repo, all, limit);
  const ofArchives = new Set(all.map(({ session, time }) => tarOf(places, session, time)));
  const tars = (await listTars(places)).flatMap(({ path, time }) =>
    archiveDate(time).getTime() < limit && !ofArchives.has(path) ? [path] : [],
  );
  const warm = await uselessSlots(places, config.docker.warm_pool === 0);
  return { repo, places, sessions, archives, tars, warm, kept };
}

/**
 * Those of before the limit. One that was made while the clock was behind is as old as the latest commit
 * in it: no archive is older than what it holds.
 */
async function oldArchives(
  repo: Repository,
  all: readonly Archive[],
  limit: number,
): Promise<readonly Archive[]> {
  const old: Archive[] = [];
  for (const archive of all)
    if (archiveDate(archive.time).getTime() < limit && (await latestDate(repo, archive)).getTime() < limit)
      old.push(archive);
  return old;
}

/** A reason to keep the session, or why it is done. */
async function judge(
  repo: Repository,
  record: SessionRecord,
  checkedOut: ReadonlySet<string | undefined>,
): Promise<DoneSession | string> {
  if (record.container !== null) return `its container ${record.container.name} was kept`;
  if (checkedOut.has(record.branch)) return `its branch ${record.branch} is checked out`;
  const tip = await commitOf(repo, `refs/heads/${record.branch}`);
  if (tip === undefined) return { record, tip, how: 'branch gone', into: record.base_ref };
  for (const into of await placesToLook(repo, record)) {
    const how = await howMerged(repo, tip, into);
    if (how !== undefined) return { record, tip, how, into: into.replace(/^refs\/(heads|remotes)\//, '') };
  }
  return `its work is not in ${record.base_ref} yet`;
}

/** The base's branch, here and at the remotes, and the branch of the main checkout. */
async function placesToLook(repo: Repository, record: SessionRecord): Promise<readonly string[]> {
  const format = '--format=%(refname)';
  const names = [record.base_ref, repo.headBranch].filter(
    (name) => name !== undefined && name !== record.branch,
  );
  const patterns = names.flatMap((name) => [`refs/heads/${String(name)}`, `refs/remotes/*/${String(name)}`]);
  const listed = await repo.git.text({
    args: ['for-each-ref', format, '--', ...patterns],
    place: { gitDir: repo.commonDir },
    read: true,
  });
  return listed.split('\n').filter((ref) => ref !== '');
}

/**
 * Forgets a finished session, so that its name can be used again, when its work is in another branch or its branch is
 * gone. @returns false when it stays
 */
export async function forgetIfDone(
  repo: Repository,
  places: Places,
  record: SessionRecord,
): Promise<boolean> {
  const checkedOut = new Set((await listWorktrees(repo)).map(({ branch }) => branch));
  const done = await judge(repo, record, checkedOut);
  if (typeof done === 'string') return false;
  await forget(repo, places, done);
  return true;
}

/** One step for each thing; each looks again under the session's lock before it removes anything. */
export function cleanSteps(
  plan: CleanPlan,
  context: Pick<CleanContext, 'dockerFor'>,
): readonly Step<unknown>[] {
  return [
    ...plan.sessions.map((done) => removeSession(plan, done)),
    ...plan.archives.map((archive) => removeArchive(plan, archive)),
    ...plan.tars.map(removeTar),
    ...plan.warm.map((slot) => removeWarm(plan, context, slot)),
  ];
}

function removeSession({ repo, places }: CleanPlan, done: DoneSession): Step<unknown> {
  const { name, branch } = done.record;
  return {
    title: `Removing the session ${name}`,
    run: async (_state, note) => {
      await forget(repo, places, done);
      note(branch);
    },
  };
}

async function forget(repo: Repository, places: Places, { record, tip }: DoneSession): Promise<void> {
  const { name, branch } = record;
  await lockSession(places, name, 'cleans the session up', async () => {
    if ((await loadRecord(places, name))?.uuid !== record.uuid) return;
    // Only at the commit that was judged: a branch that went on stays.
    if (tip !== undefined)
      await lockRepository(places, 'removes a branch', () => deleteBranch(repo, branch, tip));
    for (const { ref, commit } of await refsUnder(repo, [
      `refs/para/snap/${name}/`,
      `refs/para/inbox/${name}/`,
    ]))
      await dropRef(repo, ref, commit);
    await removeRecord(places, parseSessionName(name));
  });
}

function removeArchive({ repo, places }: CleanPlan, archive: Archive): Step<unknown> {
  return {
    title: `Removing an archive of ${archive.session}`,
    run: async (_state, note) => {
      // The ref goes last: one that was cut short is found again.
      await rm(tarOf(places, archive.session, archive.time), { force: true });
      await removeTree(stateOf(places, archive.session, archive.time));
      await lockRepository(places, 'removes an archive', () => dropArchive(repo, archive));
      note(archive.time);
    },
  };
}

function removeWarm(
  plan: CleanPlan,
  context: Pick<CleanContext, 'dockerFor'>,
  { id, engine }: Slot,
): Step<unknown> {
  return {
    title: 'Removing what was kept ready',
    run: async (_state, note) => {
      note(id);
      await discardUseless(plan, await context.dockerFor(engine), id);
    },
  };
}

function removeTar(path: string): Step<unknown> {
  return {
    title: 'Removing what a finish kept',
    run: async (_state, note) => {
      await rm(path, { force: true });
      note(path);
    },
  };
}
