/** The containers that are kept ready for the next starts (`docker.warm_pool`): a directory and a file for each. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName } from '../docker/driver.ts';
import { ignoreAbsent, isDirectory, isThere, readOwnJson, replaceFile } from '../sys/files.ts';
import { lockOwner, withLock } from '../sys/lock.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { ParaError } from '../errors.ts';
import { listRecords, type Places } from './store.ts';
import { ownerOf, slotDir, slotIds, slotsDir } from './warm-links.ts';

/** One of them, as its file says. */
export interface Slot {
  readonly id: string;
  readonly engine: EngineName;
  /** What is alike in every container that is made as this one. */
  readonly kind: string;
  /** The id of its image. */
  readonly image: string;
  /** The commit that its worktree is at. */
  readonly base: string;
  /** Ready: whole, and nobody's. Taken: a session has it, or was about to. */
  readonly state: 'making' | 'ready' | 'taken';
}

/** What is made, before it is whole. */
export type NewSlot = Omit<Slot, 'state'>;

const MAX_BYTES = 64 * 1024;
const FILES = { making: 'making.json', ready: 'slot.json', taken: 'taken.json' } as const;

/** Notes one that is being made, or that is ready. @throws REFUSED when their place is no directory */
export async function saveSlot(places: Places, slot: NewSlot, state: 'making' | 'ready'): Promise<void> {
  const all = slotsDir(places.state);
  if ((await isThere(all)) && !(await isDirectory(all)))
    throw new ParaError('REFUSED', `${all} is no directory, and para keeps its files there`, {
      hint: `rm ${shellQuote(all)}`,
    });
  const dir = slotDir(places.state, slot.id);
  await replaceFile(join(dir, FILES[state]), `${JSON.stringify({ schema: 1, ...slot }, undefined, 2)}\n`);
  if (state === 'ready') await rm(join(dir, FILES.making), { force: true });
}

/** Makes a ready one the caller's: of many who try, one gets it. @returns false when another one has it */
export async function takeSlot(places: Places, id: string): Promise<boolean> {
  const dir = slotDir(places.state, id);
  try {
    await rename(join(dir, FILES.ready), join(dir, FILES.taken));
    return true;
  } catch (error) {
    ignoreAbsent(error as NodeJS.ErrnoException);
    return false;
  }
}

/** The opposite of `takeSlot`, for one that is as it was. */
export async function giveSlotBack(places: Places, id: string): Promise<void> {
  const dir = slotDir(places.state, id);
  await rename(join(dir, FILES.taken), join(dir, FILES.ready));
}

/** All that there are, by name; none costs one look. */
export async function listSlots(places: Places): Promise<readonly Slot[]> {
  const names = await slotIds(places.state);
  const slots = await Promise.all(names.map((id) => readSlot(places, id)));
  return slots.filter((slot) => slot !== undefined);
}

async function readSlot(places: Places, id: string): Promise<Slot | undefined> {
  for (const state of ['ready', 'taken', 'making'] as const) {
    const read = (await readOwnJson(join(slotDir(places.state, id), FILES[state]), MAX_BYTES)) as
      Partial<Slot> | undefined;
    const { kind, image, base, engine } = read ?? {};
    if (typeof kind !== 'string' || typeof image !== 'string' || typeof base !== 'string') continue;
    if (engine === 'docker' || engine === 'podman') return { id, engine, kind, image, base, state };
  }
  return undefined;
}

/**
 * Those that nobody will use: one whose maker has died, and one that was taken by a start that is no more: neither a record
 * has it, nor what the host keeps for a session, which its container mounts. With `off`, when none is wanted, those that are
 * ready too.
 */
export async function uselessSlots(places: Places, off: boolean): Promise<readonly Slot[]> {
  const owner = await lockOwner(lockFile(places));
  const isMaking = owner !== undefined && owner.pid !== process.pid;
  // First these, then the records: one that is taken is in a record before.
  const slots = await listSlots(places);
  if (slots.length === 0) return [];
  const { records, broken } = await listRecords(places);
  const used = new Set(records.map(({ container }) => container?.warm));
  for (const { id, state } of slots)
    if (state === 'taken' && (await ownerOf(places.state, id)) !== undefined) used.add(id);
  return slots.filter(({ id, state }) => {
    if (state === 'ready') return off;
    if (state === 'making') return !isMaking;
    return broken.length === 0 && !used.has(id);
  });
}

/** True while a container that is kept ready may need a network that sessions share. */
export async function hasSlots(places: Places): Promise<boolean> {
  return (await listSlots(places)).some(({ state }) => state !== 'taken');
}

function lockFile({ state }: Places): string {
  return join(state, 'locks', 'warm-pool');
}

/** One para at a time takes one, or says that nobody has it: until its record says so, nothing else does. @throws BUSY */
export function lockTaking<T>({ state }: Places, what: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(state, 'locks', 'warm-taking'), { what }, work);
}

/** One para at a time fills or empties the pool. @throws BUSY */
export function lockPool<T>(places: Places, what: string, work: () => Promise<T>): Promise<T> {
  return withLock(lockFile(places), { what, refusable: true }, work);
}
