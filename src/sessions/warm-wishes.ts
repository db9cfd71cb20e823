/** What is to be kept ready: what each filling was asked for, by which it is made again after a start has taken it. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readOwnJson, replaceFile } from '../sys/files.ts';
import { lockOwner } from '../sys/lock.ts';
import type { ContainerFlags } from './container-plan.ts';
import type { Places } from './store.ts';
import { listSlots } from './warm-slots.ts';

/** What a person asked for: the containers that a start with these would make. */
export interface FillRequest {
  readonly flags: ContainerFlags;
  readonly base: string | undefined;
}

/** One that was asked for, and what is alike in all that are made for it. */
export interface Wish extends FillRequest {
  readonly kind: string;
}

const MAX_BYTES = 256 * 1024;
/** The oldest give way. */
const MOST = 8;

/** All that were asked for since the last draining, the last one first. */
export async function readWishes({ state }: Places): Promise<readonly Wish[]> {
  const read = (await readOwnJson(fileOf(state), MAX_BYTES)) as { wishes?: unknown } | undefined;
  return Array.isArray(read?.wishes) ? read.wishes.filter(isWish) : [];
}

/** The flags are of para's own writing, so only their being there is looked at. */
function isWish(value: unknown): value is Wish {
  const { flags, kind } = (value ?? {}) as Partial<Wish>;
  return typeof flags === 'object' && typeof kind === 'string';
}

/** True when both ask for the same. */
export function isSame(a: FillRequest, b: FillRequest): boolean {
  return JSON.stringify([a.flags, a.base]) === JSON.stringify([b.flags, b.base]);
}

/** Remembers one. */
export async function saveWish(places: Places, wish: Wish): Promise<void> {
  const others = (await readWishes(places)).filter((one) => !isSame(one, wish));
  const wishes = [wish, ...others].slice(0, MOST);
  await replaceFile(fileOf(places.state), `${JSON.stringify({ schema: 1, wishes })}\n`);
}

/** Forgets all: nothing is made ready again. */
export async function dropWishes({ state }: Places): Promise<void> {
  await rm(fileOf(state), { force: true });
}

/**
 * One of which fewer are ready than `wanted`, by the files alone. Undefined too while another para is at work in the
 * repository: it goes first.
 */
export async function missingWish(places: Places, wanted: number): Promise<Wish | undefined> {
  const wishes = wanted === 0 ? [] : await readWishes(places);
  if (wishes.length === 0 || (await isAnyoneAtWork(places))) return undefined;
  const ready = (await listSlots(places)).filter(({ state }) => state === 'ready');
  return wishes.find(({ kind }) => ready.filter((slot) => slot.kind === kind).length < wanted);
}

async function isAnyoneAtWork({ state }: Places): Promise<boolean> {
  const locks = join(state, 'locks');
  for (const name of await readdir(locks).catch(() => []))
    if ((await lockOwner(join(locks, name))) !== undefined) return true;
  return false;
}

function fileOf(state: string): string {
  return join(state, 'warm-wishes.json');
}
