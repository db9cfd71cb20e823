/** The steps of `para recover`. The archive stays, until `clean` finds it old: all of this can be done again. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { forgetSession } from '../git/bring-back.ts';
import { commitOf, deleteBranch, dropRef, swapRef } from '../git/refs.ts';
import { inboxRef } from '../git/sealed.ts';
import { readSealedRefs } from '../git/untrusted.ts';
import { isSameWork, restoreSnapshot, takeSnapshot } from '../git/snapshot.ts';
import { removeWorktree } from '../git/worktree-remove.ts';
import { isHalfMade } from '../git/worktree-lock.ts';
import { adminDirOf, attachWorktree } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { moveState, packFiles, stateOf, tarOf, unheldIn, unpackFiles } from './keep-files.ts';
import { parseSessionName } from './name.ts';
import type { RecoverPlan, RecoverState } from './recover.ts';
import { rememberSession } from './rebuild.ts';
import { isDirectory } from '../sys/files.ts';
import { everContained, lockRepository, removeRecord, saveRecord } from './store.ts';

/** Every step, in order. */
export function recoverSteps(plan: RecoverPlan): readonly Step<RecoverState>[] {
  return [
    recordIntent(plan),
    makeBranch(plan),
    makeWorktree(plan),
    restore(plan),
    unpack(plan),
    restoreState(plan),
    recordDone(plan),
  ];
}

function recordIntent({ repo, places, record }: RecoverPlan): Step<RecoverState> {
  return {
    title: 'Recording the session',
    run: async () => {
      await saveRecord(places, record);
      await rememberSession(repo, record);
    },
    undo: async () => {
      await forgetSession(repo, record.name);
      await removeRecord(places, parseSessionName(record.name));
    },
  };
}

function makeBranch({ repo, places, record, archived, branchThere }: RecoverPlan): Step<RecoverState> {
  return {
    title: 'Making the branch',
    skip: () => (branchThere ? `${record.branch} is there` : undefined),
    run: (_state, note) => {
      note(`${record.branch} at ${archived.tip.slice(0, 10)}`);
      return lockRepository(places, 'makes a branch', () =>
        swapRef(repo, `refs/heads/${record.branch}`, { before: undefined, after: archived.tip }),
      );
    },
    undo: () =>
      lockRepository(places, 'removes a branch', () => deleteBranch(repo, record.branch, archived.tip)),
  };
}

function makeWorktree(plan: RecoverPlan): Step<RecoverState> {
  const { repo, places, record } = plan;
  const path = record.worktree_path;
  return {
    title: 'Creating the worktree',
    run: (state) =>
      lockRepository(places, 'creates a worktree', async () => {
        // What a recover that was cut short has left; somebody may have worked in it since.
        state.kept.push(...(await keepLeft(plan)));
        await removeWorktree(repo, path);
        state.worktreeMade = true;
        await attachWorktree({ repo, path, branch: record.branch }, everContained(record) ? 'off' : 'user');
      }),
    undo: async (state) => {
      if (state.worktreeMade)
        await lockRepository(places, 'removes a worktree', () => removeWorktree(repo, path));
    },
  };
}

/** @returns where it is */
async function keepLeft({ repo, places, record, archived }: RecoverPlan): Promise<readonly string[]> {
  const { name: session, branch, worktree_path: worktreePath } = record;
  if (!(await isDirectory(worktreePath)) || (await isHalfMade(repo, worktreePath))) return [];
  if ((await adminDirOf(repo, worktreePath)) === undefined) return [];
  const why = `what was in ${session} when its recover began anew`;
  const { ref, commit } = await takeSnapshot({ repo, session, worktreePath, branch }, why);
  const kept: string[] = [];
  if (ref !== undefined && commit !== undefined) {
    const isArchived = archived.snapshot !== undefined && (await isSameWork(repo, commit, archived.snapshot));
    if (isArchived) await dropRef(repo, ref, commit);
    else kept.push(ref);
  }
  const { unheld: left } = await unheldIn(repo, worktreePath);
  if (left.length > 0) {
    // As a rule the same that are in the archive's tar; they are not compared, for this is rare.
    const tar = join(places.state, 'kept', `${session}-${randomUUID()}.tar`);
    await packFiles(worktreePath, left, tar);
    kept.push(tar);
  }
  return kept;
}

function restore({ repo, record, archived }: RecoverPlan): Step<RecoverState> {
  return {
    title: 'Putting back what was not committed',
    skip: () => (archived.snapshot === undefined ? 'nothing was' : undefined),
    run: () => restoreSnapshot(repo, record.worktree_path, archived.snapshot ?? ''),
  };
}

function unpack({ places, record, archived }: RecoverPlan): Step<RecoverState> {
  const tar = tarOf(places, record.name, archived.archive.time);
  return {
    title: 'Putting back what git ignores',
    run: async (state, note) => {
      state.filesBack = await unpackFiles(tar, record.worktree_path);
      note(state.filesBack ? tar : 'nothing was kept');
    },
  };
}

/** The agent's record and logs, and the container's git directory: what is staged inside, for one. */
function restoreState({ repo, places, record, archived }: RecoverPlan): Step<RecoverState> {
  const kept = stateOf(places, record.name, archived.archive.time);
  return {
    title: 'Putting back what the host had for it',
    run: async () => {
      await moveState(kept, places.docker(record.name));
      const sealed = join(places.docker(record.name), 'git');
      const { refs } = await readSealedRefs(sealed, repo.objectFormat === 'sha256' ? 64 : 40);
      // Both sides were equal: what is rewritten inside from now on is no conflict.
      if (refs.get(`refs/heads/${record.branch}`) === archived.tip)
        await swapRef(repo, inboxRef(record.name), {
          before: await commitOf(repo, inboxRef(record.name)),
          after: archived.tip,
        });
    },
    undo: () => moveState(places.docker(record.name), kept),
  };
}

function recordDone({ places, record }: RecoverPlan): Step<RecoverState> {
  return {
    title: 'Finishing up',
    run: () => saveRecord(places, { ...record, status: 'active', operation: null }),
  };
}
