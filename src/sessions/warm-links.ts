/**
 * Where what is kept ready is. What a container mounts is fixed when it is made, long before its session has a name: so one
 * that is kept ready mounts two links of para's own, in `.para/state/warm/ID`, which nothing in a container can reach. They
 * lead to its worktree and to the host's side of it, and are turned to those of its session when that takes it.
 */
import { randomBytes } from 'node:crypto';
import { readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { isDirectory } from '../sys/files.ts';
import { removeTree } from '../sys/remove-tree.ts';

/** A new name for one; no session can be called that. */
export function newSlotId(): string {
  return `warm--${randomBytes(4).toString('hex')}`;
}

/** True for what `newSlotId` makes. */
export function isSlotId(text: string): boolean {
  return /^warm--[0-9a-f]{8}$/.test(text);
}

/** The directory of all. `state` is the repository's `.para/state`. */
export function slotsDir(state: string): string {
  return join(state, 'warm');
}

/** The directory of one. */
export function slotDir(state: string, id: string): string {
  return join(slotsDir(state), id);
}

/** What its container mounts: where its worktree is, and the host's side of it. */
export function slotLinks(state: string, id: string): { readonly tree: string; readonly box: string } {
  const dir = slotDir(state, id);
  return { tree: join(dir, 'tree'), box: join(dir, 'box') };
}

/** Lets one of its links lead there, at once. */
export async function turnLink(link: string, to: string): Promise<void> {
  const made = `${link}.new`;
  await rm(made, { force: true });
  await symlink(relative(dirname(link), to), made);
  await rename(made, link);
}

/** The session whose container mounts it, by where its link leads; undefined when that has none. */
export async function ownerOf(state: string, id: string): Promise<string | undefined> {
  const leads = await readlink(slotLinks(state, id).box).catch(() => undefined);
  if (leads === undefined) return undefined;
  const box = join(slotDir(state, id), leads);
  return dirname(box) === join(state, 'docker') && (await isDirectory(box)) ? basename(box) : undefined;
}

/** What the container of a session was called while it was kept ready, if it was. */
export async function slotOf(state: string, session: string): Promise<string | undefined> {
  for (const id of await slotIds(state)) if ((await ownerOf(state, id)) === session) return id;
  return undefined;
}

/** The names of all. A repository can carry a link in their place: nothing is looked for, made or removed behind one. */
export async function slotIds(state: string): Promise<readonly string[]> {
  if (!(await isDirectory(slotsDir(state)))) return [];
  return (await readdir(slotsDir(state)).catch(() => [])).filter(isSlotId).sort();
}

/** Removes the links of a session's container that is gone, if it was one of these. */
export async function forgetSlotOf(state: string, session: string): Promise<void> {
  for (const id of await slotIds(state)) {
    const leads = await readlink(slotLinks(state, id).box).catch(() => '');
    if (join(slotDir(state, id), leads) === join(state, 'docker', session))
      await removeTree(slotDir(state, id));
  }
}
