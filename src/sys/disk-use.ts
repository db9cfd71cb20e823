/** What a directory takes on the disk. Follows no link, so that nothing in it can lead elsewhere. */
import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { ParaError } from '../errors.ts';

/** Bytes of blocks; `isWhole` false when a part of it may not be read. */
export interface DiskUse {
  readonly bytes: number;
  readonly isWhole: boolean;
}

/** How it is counted. */
export interface DiskUseOptions {
  /** Paths that are not counted. */
  readonly leaveOut?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** A file with two names counts once. Undefined when there is nothing. @throws INTERRUPTED */
export async function diskUse(
  path: string,
  { leaveOut = [], signal }: DiskUseOptions = {},
): Promise<DiskUse | undefined> {
  const count = newCount();
  const first = await lstat(path).catch(() => undefined);
  if (first === undefined) return undefined;
  const left = count.add(first) ? [path] : [];
  let isWhole = true;
  for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
    try {
      left.push(...(await countIn(directory, leaveOut, count)));
    } catch (error) {
      isWhole &&= isGone(error);
    }
    if (signal?.aborted === true) throw new ParaError('INTERRUPTED', 'the counting was interrupted');
  }
  return { bytes: count.bytes(), isWhole };
}

/** @returns the directories in it */
async function countIn(directory: string, leaveOut: readonly string[], count: Count): Promise<string[]> {
  const below: string[] = [];
  for await (const { name } of await opendir(directory)) {
    const path = join(directory, name);
    if (leaveOut.includes(path)) continue;
    if (count.add(await lstat(path).catch(() => undefined))) below.push(path);
  }
  return below;
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

interface Count {
  bytes(): number;
  /** True for a directory. What has gone meanwhile is none. */
  add(stat: Stats | undefined): boolean;
}

function newCount(): Count {
  const linked = new Set<string>();
  let bytes = 0;
  return {
    bytes: () => bytes,
    add: (stat) => {
      if (stat === undefined) return false;
      const isDirectory = stat.isDirectory();
      const file = `${String(stat.dev)}:${String(stat.ino)}`;
      if (!isDirectory && stat.nlink > 1 && linked.has(file)) return false;
      if (!isDirectory && stat.nlink > 1) linked.add(file);
      // POSIX: blocks of 512 bytes, whatever the file system's own are.
      bytes += stat.blocks * 512;
      return isDirectory;
    },
  };
}

/** Of several, those that are there. */
export function sumOfUse(parts: readonly (DiskUse | undefined)[]): DiskUse | undefined {
  const there = parts.filter((part) => part !== undefined);
  if (there.length === 0) return undefined;
  return {
    bytes: there.reduce((sum, part) => sum + part.bytes, 0),
    isWhole: there.every((part) => part.isWhole),
  };
}
