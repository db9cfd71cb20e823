/** The steps that mend a session. Each looks at what is there, so all of them can be done again. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../errors.ts';
import { makeMove, remakeBranch } from '../git/session-head.ts';
import {
  connect,
  moveBack,
  register,
  remakeWorktree,
  renameBranch,
  type Mendable,
} from '../git/worktree-mend.ts';
import { adminDirOf } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { commitCount } from './count.ts';
import type { Damage } from './damage.ts';
import { prepareInside, requireWakeable, wakeInside } from './inside.ts';
import { mendProxy } from './mend-proxy.ts';
import type { MendPlan } from './mend.ts';
import { removeClosed } from './proxy.ts';
import { rememberSession } from './rebuild.ts';
import type { StartState } from './start-steps.ts';
import { bringCommitsBack, STOP_GRACE } from './teardown.ts';
import { lockRepository, saveRecord, type SessionRecord } from './store.ts';
import { vaultOfRecord } from './vault.ts';

/** What the steps share: a container that is made again is made as by a start. */
export type MendState = StartState;

/** The state before the first step. */
export function newMendState(plan: MendPlan): MendState {
  return { gitMounts: [], networkMade: false, nameTaken: false, record: mended(plan) };
}

/** Every step, in order. The record comes before the container: an engine that fails leaves a session that works. */
export function mendSteps(plan: MendPlan): readonly Step<MendState>[] {
  return [
    mendBranch(plan),
    takeCommits(plan),
    mendWorktree(plan),
    saveSession(plan, withoutNewContainer(plan)),
    mendProxy(plan.proxy, plan.places),
    restart(plan),
    removeObsolete(plan),
    ...(plan.again === undefined ? [] : [...plan.again.steps, saveSession(plan, mended(plan))]),
  ];
}

/** The session once all is done. */
function mended(plan: MendPlan): SessionRecord {
  const record = plan.again?.record ?? plan.record;
  // A verb that was cut short in the original ends without the original's container.
  const box = plan.copied && isHalfDone(plan) ? { container: null, contained: true } : {};
  return { ...record, ...box, worktree_path: plan.places.worktree(record.name) };
}

function isHalfDone({ record }: MendPlan): boolean {
  return record.status !== 'active';
}

/** The container by its old name: it is `missing` until there is a new one. */
function withoutNewContainer(plan: MendPlan): SessionRecord {
  return isHalfDone(plan) ? mended(plan) : { ...mended(plan), container: plan.record.container };
}

function mendable({ repo, places, record }: MendPlan): Mendable {
  const { name: session, branch, base } = record;
  return { repo, session, path: places.worktree(session), branch, base };
}

function mendBranch(plan: MendPlan): Step<MendState> {
  const { repo, places, record, damage } = plan;
  return {
    title: 'Bringing the branch back',
    skip: () => (plan.branchGone && record.status === 'active' ? undefined : `${record.branch} is there`),
    run: (_state, note) =>
      lockRepository(places, 'makes a branch', async () => {
        if (damage?.damage === 'branch renamed' && damage.now !== undefined) {
          note(`${damage.now} is ${record.branch} again`);
          return renameBranch(repo, damage.now, record.branch);
        }
        const { session, branch, base, path } = mendable(plan);
        const adminDir = await adminDirOf(repo, path);
        const move = await remakeBranch({ repo, session, branch, base, adminDir });
        if (move === undefined) return;
        note(`${branch} at ${move.after.slice(0, 10)}`);
        await makeMove({ repo, branch }, move);
      }),
  };
}

/** A worktree that is made again has to hold what was committed in the container; so has one that loses it. */
function takeCommits(plan: MendPlan): Step<MendState> {
  const { record, damage } = plan;
  const asked = damage?.damage === 'worktree missing' || (plan.copied && isHalfDone(plan));
  const sealed = record.container?.git === 'sealed' && asked && existsSync(sealedHead(plan));
  return {
    title: 'Bringing the commits back',
    skip: () => (sealed ? undefined : 'not needed'),
    run: async (_state, note) => {
      try {
        note(commitCount((await bringCommitsBack(plan)).commits));
      } catch (error) {
        // Commits on both sides are merged in the worktree, which there is none of yet. Both are kept.
        if (!hasCode(error, 'REFUSED')) throw error;
        note('both sides have commits; both are kept');
      }
    },
  };
}

function sealedHead({ places, record }: MendPlan): string {
  return join(places.docker(record.name), 'git', 'HEAD');
}

function mendWorktree(plan: MendPlan): Step<MendState> {
  const { places, damage } = plan;
  return {
    title: 'Mending the worktree',
    skip: () => (damage === undefined ? 'it is whole' : undefined),
    run: (_state, note) => lockRepository(places, 'mends a worktree', () => mendAt(plan, note)),
  };
}

async function mendAt(plan: MendPlan, note: (text: string) => void): Promise<void> {
  const { repo, record, damage } = plan;
  const one = mendable(plan);
  if (damage?.damage === 'worktree moved' && damage.now !== undefined) {
    note(`moved back from ${damage.now}`);
    return moveBack(one, damage.now);
  }
  if (!existsSync(one.path)) {
    if (isHalfDone(plan)) return;
    const snapshot = await remakeWorktree(one);
    note(snapshot === undefined ? 'made again' : `made again, with the snapshot ${snapshot.slice(0, 10)}`);
    return;
  }
  const admin = (await adminDirOf(repo, one.path)) ?? (await adminDirOf(repo, record.worktree_path));
  if (admin === undefined) return isHalfDone(plan) ? undefined : register(one);
  return connect(one.path, admin);
}

function saveSession({ repo, places }: MendPlan, record: SessionRecord): Step<MendState> {
  return {
    title: 'Recording the session',
    run: async () => {
      await saveRecord(places, record);
      if (record.status === 'active') await rememberSession(repo, record);
    },
  };
}

function restart({ again, places, record, service, running, unstarted, ...plan }: MendPlan): Step<MendState> {
  const { damage, secrets } = plan;
  const stateDir = places.docker(record.name);
  const name = record.container?.name ?? '';
  // Its mounts are of what was there before.
  const made = damage !== undefined && MOUNTED.has(damage.damage);
  const emptied = damage?.damage === 'container files missing' && again === undefined;
  return {
    title: unstarted ? 'Starting the container' : 'Restarting the container',
    skip: () => ((running && made) || unstarted || emptied ? undefined : 'not needed'),
    run: async () => {
      const { container } = record;
      const vault = await vaultOfRecord(secrets, container);
      await vault.open();
      if (container === null || service === undefined || !(running || unstarted))
        return prepareInside(stateDir);
      const sleeper = { container, session: record.name, places, context: secrets };
      // Before it is stopped: what is in the way would leave it down.
      await requireWakeable(vault, sleeper);
      if (running) await service.stopContainer(name, STOP_GRACE);
      await wakeInside(vault, service, sleeper);
    },
  };
}

/** What a container that runs does not see again until it is started anew. */
const MOUNTED: ReadonlySet<Damage> = new Set(['worktree missing', 'no .git file', 'container files missing']);

function removeObsolete({ service, obsolete, record }: MendPlan): Step<MendState> {
  return {
    title: 'Removing the old container',
    skip: () => (obsolete === undefined ? 'none' : undefined),
    run: async () => {
      await service?.removeContainer(obsolete ?? '');
      if (record.container !== null && service !== undefined) await removeClosed(service, record.container);
    },
  };
}
