/** Files that para owns: replaced whole, never written in place. Nothing here knows what is in them. */
import { constants } from 'node:fs';
import { access, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EXIT, ParaError } from '../errors.ts';
import { shellQuote } from './shell-quote.ts';

/** Reads a regular file without following a link; undefined when it is absent. Throws EFBIG over `maxBytes`. */
export async function readOwnFile(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    absent,
  );
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw Object.assign(new Error('not a regular file'), { code: 'EINVAL' });
    if (stat.size > maxBytes) throw Object.assign(new Error('file too large'), { code: 'EFBIG' });
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** What such a file holds as JSON; undefined when it is absent, can not be read, or is no JSON. */
export async function readOwnJson(path: string, maxBytes: number): Promise<unknown> {
  try {
    return JSON.parse((await readOwnFile(path, maxBytes)) ?? '');
  } catch {
    return undefined;
  }
}

/** Replaces a file: temporary file, fsync, rename, fsync of the directory. The old one stays until the rename. */
export async function replaceFile(path: string, text: string, mode = 0o600): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${String(process.pid)}.tmp`;
  const file = await open(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    mode,
  );
  try {
    await file.writeFile(text);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    // A failed write does not say of which file.
    throw Object.assign(error as Error, { path });
  }
  await syncDirectory(dirname(path));
}

/**
 * Looks whether those of the paths that are there can be written, so that a change refuses before it is half done.
 * @throws COMMAND_FAILED naming the first that can not
 */
export async function requireWritable(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const why = await refusal(path);
    if (why === undefined || why.code === 'ENOENT' || why.code === 'ENOTDIR') continue;
    const reason = why.code === 'EROFS' ? 'it is on a read-only file system' : (why.code ?? why.message);
    throw new ParaError('COMMAND_FAILED', `${path} can not be written: ${reason}`, {
      hint: `Nothing was changed. See how it is mounted, and whose it is:\nfindmnt -T ${shellQuote(path)}; ls -ld ${shellQuote(path)}`,
    });
  }
}

async function refusal(path: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await access(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

/** What the file system's refusal means to a person; undefined for anything else. */
export function fileError(error: unknown): ParaError | undefined {
  const { code, path, message } = error as Partial<NodeJS.ErrnoException>;
  const facts = { cause: error, exit: EXIT.failed };
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ParaError('NO_SPACE', `no space is left on the disk${path === undefined ? '' : `: ${path}`}`, {
      ...facts,
      hint: `df -h ${shellQuote(path === undefined ? '.' : dirname(path))}`,
    });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new ParaError('COMMAND_FAILED', `a file can not be used: ${message ?? code}`, {
      ...facts,
      hint: path === undefined ? undefined : `ls -ld ${shellQuote(dirname(path))}`,
    });
  return undefined;
}

/** What went wrong, as a person can understand it; undefined for a bug. */
export function knownError(error: unknown): ParaError | undefined {
  return error instanceof ParaError ? error : fileError(error);
}

/** Something is there; a link counts, wherever it leads. */
export async function isThere(path: string | Buffer): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** A directory is there; a link to one is none. */
export async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}

/** For a removal or a move of what may be gone already. */
export function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
