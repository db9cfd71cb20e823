/** A start takes a container that is kept ready, with its worktree, when there is one of its kind. */
import type { ContainerInfo } from '../docker/driver.ts';
import { containerName } from '../docker/spec.ts';
import { moveToBranch } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { replaceFile } from '../sys/files.ts';
import type { ContainerPlan } from './container-decision.ts';
import type { ContainerState } from './container-state.ts';
import type { StartPlan } from './start.ts';
import { join } from 'node:path';
import { lockRepository, saveRecord, type SessionRecord } from './store.ts';
import { discardSlot, isUntouched } from './warm-discard.ts';
import { slotLinks, turnLink } from './warm-links.ts';
import { giveSlotBack, listSlots, lockTaking, takeSlot, type Slot } from './warm-slots.ts';
import { kindOf, neverRan, slotSpec } from './warm-spec.ts';

/** What a start shares that may have taken one. */
export interface WarmState extends ContainerState {
  record: SessionRecord;
}

/** Takes one, or leaves all as it is. */
export function takeWarm(plan: StartPlan, container: ContainerPlan): Step<WarmState> {
  const { places } = plan;
  return {
    title: 'Looking for one that is ready',
    run: async (state, note) => {
      const kind = await kindOf(plan, container);
      const fits = (slot: Slot): boolean => slot.state === 'ready' && slot.kind === kind;
      for (const slot of (await listSlots(places)).filter(fits)) {
        const taking = (): Promise<boolean> => take(plan, container, slot, state);
        if (await lockTaking(places, 'takes what is ready', taking)) break;
      }
      note(state.warm ?? 'none is');
    },
    undo: async ({ warm: id }) => {
      if (id !== undefined)
        await discardSlot(plan, container.service, { id, state: 'making', base: plan.base });
    },
    leftover: () => 'para docker cleanup',
  };
}
/** @returns false when another one was quicker, or it is not as it should be */
async function take(
  plan: StartPlan,
  container: ContainerPlan,
  slot: Slot,
  state: WarmState,
): Promise<boolean> {
  const { places } = plan;
  if (!(await takeSlot(places, slot.id))) return false;
  const look = Promise.all([whole(plan, container, slot), isUntouched(plan, slot)]);
  const [there, untouched] = await look.catch(async (error: unknown) => {
    await giveSlotBack(places, slot.id);
    throw error;
  });
  if (!untouched) {
    await giveSlotBack(places, slot.id);
    return false;
  }
  state.warm = slot.id;
  // Before it is changed: then whoever settles this start knows whose it is.
  await saveRecord(places, asTaken(state.record, state));
  if (there !== undefined) {
    state.containerId = there.id;
    return true;
  }
  // What somebody has started by hand stays, and `docker cleanup` says so.
  await discardSlot(plan, container.service, { ...slot, state: 'making' }).catch(() => undefined);
  delete state.warm;
  await saveRecord(places, state.record);
  return false;
}

/** The container as the engine has it, when it is what a start would make now, and has run nothing. */
async function whole(
  plan: StartPlan,
  { service, wish, engine }: ContainerPlan,
  { id, image }: Slot,
): Promise<ContainerInfo | undefined> {
  const [there, now, spec] = await Promise.all([
    service.status(containerName(plan.repo.id, id)),
    service.imageId(wish.image),
    slotSpec(plan, { wish, engine }, id),
  ]);
  if (there === undefined || !neverRan(there) || now !== image) return undefined;
  return there.labels['para.spec'] === spec.labels['para.spec'] ? there : undefined;
}

/** The record with the container that was taken, if one was. */
export function asTaken(record: SessionRecord, { warm }: Pick<ContainerState, 'warm'>): SessionRecord {
  const { container } = record;
  return warm === undefined || container === null ? record : { ...record, container: { ...container, warm } };
}

/** Makes its worktree the session's. */
export async function takeWorktree(plan: StartPlan, id: string): Promise<void> {
  const { repo, places, worktree: path, branch, base } = plan;
  await lockRepository(places, 'moves a worktree', async () => {
    await moveToBranch(places.worktree(id), { repo, path, branch, base });
    await turnLink(slotLinks(places.state, id).tree, path);
  });
}

/** Makes the host's side of it the session's, which is there by now. */
export async function takeInside(
  { places, session }: Pick<StartPlan, 'places' | 'session'>,
  id: string,
): Promise<void> {
  // Its environment was fixed when nobody knew.
  await replaceFile(join(places.docker(session), 'cmd', 'session'), `${session}\n`, 0o644);
  await turnLink(slotLinks(places.state, id).box, places.docker(session));
}

/** Makes the container the session's. One that has the session's name already is somebody's: it stays. */
export async function takeContainer(
  { repo, session }: Pick<StartPlan, 'repo' | 'session'>,
  { service }: Pick<ContainerPlan, 'service'>,
  state: ContainerState,
): Promise<void> {
  const { warm: id = '' } = state;
  const name = containerName(repo.id, session);
  try {
    await service.renameContainer(containerName(repo.id, id), name);
  } catch (error) {
    const there = await service.status(name).catch(() => 'unknown' as const);
    state.nameTaken = there === 'unknown' || (there !== undefined && there.labels['para.op'] !== id);
    throw error;
  }
}
