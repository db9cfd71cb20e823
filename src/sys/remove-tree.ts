/**
 * Removes a directory that somebody hostile has filled: without permissions, deeper than a path can name, with names
 * that are no text. Links are unlinked, never followed.
 */
import { randomUUID } from 'node:crypto';
import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of a path from which on what is below is moved up; PATH_MAX is 4096, and of macOS 1024. */
const LONG = 800;

/** What is not there is fine. @throws what the file system says */
export async function removeTree(path: string): Promise<void> {
  await remove(path).catch(async () => {
    await flatten(path);
    await remove(path);
  });
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
