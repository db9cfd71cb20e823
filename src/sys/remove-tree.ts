/**
 * Removes a directory that somebody hostile has filled: without permissions, deeper than a path can name, with names
 * that are no text. Links are unlinked, never followed.
 */
import { randomUUID } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Bytes of a path from which on what is below is moved up; PATH_MAX is 4096, and of macOS 1024. */
const LONG = 800;

/** What is not there is fine. @throws what the file system says */
export async function removeTree(path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined))?.isDirectory() === true) await empty(Buffer.from(path));
  await remove(path).catch(async () => {
    await flatten(path);
    await remove(path);
  });
}

/** Files between which others get their turn: to be told to end, for one. */
const AT_ONCE = 500;

/**
 * Unlinks what is in a directory, and below, as far as that is plain: three times as fast as `rm` of Node, which looks at
 * each file first. What is left is for that one.
 */
async function empty(directory: Buffer): Promise<void> {
  // As bytes: a name that is no text would be read as another one's, which may be a link.
  const names = { withFileTypes: true, encoding: 'buffer' } as const;
  const entries = await readdir(directory, names).catch(() => []);
  for (const [index, entry] of entries.entries()) {
    const path = Buffer.concat([directory, SLASH, entry.name]);
    if (entry.isDirectory()) await empty(path);
    else unlinkIfPossible(path);
    if (index % AT_ONCE === AT_ONCE - 1) await nextTurn();
  }
}

const SLASH = Buffer.from('/');

/** At once: a turn of its own costs more than the unlinking. */
function unlinkIfPossible(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // What is in the way is told by who comes after.
  }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

/** Gives the owner back the permissions without which a directory can not be emptied, and shortens long ways. */
async function flatten(root: string): Promise<void> {
  const left: Buffer[] = [Buffer.from(root)];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if ((await lstat(path).catch(() => undefined))?.isDirectory() !== true) continue;
    await chmod(path, 0o700).catch(() => undefined);
    for (const name of await readdir(path, { encoding: 'buffer' }).catch(() => []))
      left.push(await shortened(root, path, name));
  }
}

/** @returns where the entry is now: a short name of its own where the way, or the name, is none for `rm` */
async function shortened(root: string, parent: Buffer, name: Buffer): Promise<Buffer> {
  const path = Buffer.concat([parent, Buffer.from('/'), name]);
  const isText = Buffer.from(name.toString('utf8')).equals(name);
  if (isText && path.length < LONG + Buffer.byteLength(root)) return path;
  const short = Buffer.from(join(root, randomUUID()));
  // A directory that changes its parent is written to.
  if ((await lstat(path).catch(() => undefined))?.isDirectory() === true)
    await chmod(path, 0o700).catch(() => undefined);
  return rename(path, short).then(
    () => short,
    () => path,
  );
}
