/**
 * Reads files that an enemy can write: nothing is followed, only regular files are opened, every size has a cap. On
 * Linux a file is opened below an open directory, so swapping the directory for a link between the check and the read
 * changes nothing.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const FILE_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Runs `use` on an open directory's path; undefined when it is missing or no directory. */
export async function withDirectory<T>(
  path: string,
  use: (path: string) => Promise<T>,
): Promise<T | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY;
  const handle = await open(path, flags).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    return await use(process.platform === 'linux' ? `/proc/self/fd/${String(handle.fd)}` : path);
  } finally {
    await handle.close();
  }
}

/** Opens a regular file without following a link; undefined for anything else. The caller closes it. */
export async function openRegular(path: string): Promise<FileHandle | undefined> {
  const handle = await open(path, FILE_FLAGS).catch(() => undefined);
  if (handle === undefined) return undefined;
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}

/** A regular file's bytes; undefined when it is missing, larger than `cap` or something else. */
export async function readRegular(path: string, cap: number): Promise<Buffer | undefined> {
  const handle = await openRegular(path);
  if (handle === undefined) return undefined;
  try {
    return await readHandle(handle, cap);
  } finally {
    await handle.close();
  }
}

/** What an open file holds; undefined when that is more than `cap` bytes. It may grow or shrink meanwhile. */
export async function readHandle(handle: FileHandle, cap: number): Promise<Buffer | undefined> {
  const { size } = await handle.stat();
  if (size > cap) return undefined;
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await handle.read(buffer, 0, size, 0);
  return buffer.subarray(0, bytesRead);
}
