/** Pipes, sockets and devices in a worktree: git passes over them without a word, and no commit can hold one. */
import type { Dirent, Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';

/** One of them; `path` from the worktree on. */
export interface SpecialFile {
  readonly path: string;
  readonly kind: 'pipe' | 'socket' | 'device';
}

/** What kind of special file it is; undefined for a file, a directory or a link. */
export function specialKind(entry: Dirent<Buffer> | Stats): SpecialFile['kind'] | undefined {
  if (entry.isFIFO()) return 'pipe';
  if (entry.isSocket()) return 'socket';
  return entry.isBlockDevice() || entry.isCharacterDevice() ? 'device' : undefined;
}

/** Directories that are read at a time. */
const AT_ONCE = 16;
/** More are not named. */
const MOST = 1000;

/**
 * The special files of a worktree, sorted; at most a thousand. Follows no link; what can not be read is passed over.
 * `leaveOut`: paths that are not looked into, directories with a trailing slash, as of what goes or is kept whole.
 */
export async function specialFiles(
  worktree: string,
  leaveOut: readonly string[],
): Promise<readonly SpecialFile[]> {
  const skipped = new Set([...leaveOut, '.git/']);
  const found: SpecialFile[] = [];
  // As bytes: a name may be no text.
  let left: readonly Buffer[] = [Buffer.alloc(0)];
  while (left.length > 0 && found.length < MOST) {
    const next = left.slice(0, AT_ONCE);
    const below = await Promise.all(next.map((directory) => lookInto(worktree, directory, found)));
    left = [...below.flat().filter((path) => !skipped.has(path.toString('utf8'))), ...left.slice(AT_ONCE)];
  }
  return found.slice(0, MOST).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** @returns the directories in it, each with a trailing slash */
async function lookInto(worktree: string, directory: Buffer, found: SpecialFile[]): Promise<Buffer[]> {
  const at = Buffer.concat([Buffer.from(`${worktree}/`), directory]);
  const entries = await readdir(at, { withFileTypes: true, encoding: 'buffer' }).catch(() => []);
  const below: Buffer[] = [];
  for (const entry of entries) {
    const kind = specialKind(entry);
    if (kind !== undefined)
      found.push({ path: Buffer.concat([directory, entry.name]).toString('utf8'), kind });
    else if (entry.isDirectory()) below.push(Buffer.concat([directory, entry.name, Buffer.from('/')]));
  }
  return below;
}
