/**
 * What git has begun in a worktree and not brought to its end: a merge with conflicts, a rebase, a bisect. Told from
 * the names of files in a git directory, which is only looked at: it may be one that a container writes.
 */
import { join } from 'node:path';
import { readRegular } from '../sys/untrusted.ts';
import { isThere } from '../sys/files.ts';

/** An operation of git's that waits for a person. */
export interface HalfDone {
  /** For `list`: `merging`, `rebasing`, … */
  readonly word: string;
  /** What git calls it. */
  readonly what: string;
  /** Arguments of git: going on, and going back. */
  readonly ways: readonly string[];
}

const SIGNS: readonly (readonly [sign: string, what: string])[] = [
  ['rebase-apply/applying', 'am'],
  ['rebase-apply', 'rebase'],
  ['rebase-merge', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['BISECT_START', 'bisect'],
];

const WORDS: Readonly<Record<string, string>> = {
  am: 'applying',
  rebase: 'rebasing',
  merge: 'merging',
  'cherry-pick': 'picking',
  revert: 'reverting',
  bisect: 'bisecting',
};

/** The operation that is under way in a git directory, if any. */
export async function halfDoneIn(gitDir: string): Promise<HalfDone | undefined> {
  for (const [sign, what] of SIGNS) {
    if (!(await isThere(join(gitDir, sign)))) continue;
    const ways = what === 'bisect' ? ['bisect reset'] : [`${what} --continue`, `${what} --abort`];
    return { word: WORDS[what] ?? what, what, ways };
  }
  return undefined;
}

const MAX_INDEX = 512 * 1024 * 1024;

/**
 * True when an index (gitformat-index(5)) has entries that are not merged. Reads the file as bytes, because the
 * index of a container is nothing to give to git; one that can not be read says nothing.
 */
export async function hasConflicts(indexFile: string, objectFormat: 'sha1' | 'sha256'): Promise<boolean> {
  const bytes = await readRegular(indexFile, MAX_INDEX);
  if (bytes === undefined || bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'DIRC') return false;
  const version = bytes.readUInt32BE(4);
  const hash = objectFormat === 'sha256' ? 32 : 20;
  let at = 12;
  for (let left = bytes.readUInt32BE(8); left > 0 && at + 42 + hash < bytes.length; left -= 1) {
    const flags = bytes.readUInt16BE(at + 40 + hash);
    if ((flags & STAGE) !== 0) return true;
    at = nextEntry(bytes, at, { name: at + 42 + hash + ((flags & EXTENDED) === 0 ? 0 : 2), version });
  }
  return false;
}

const STAGE = 0x3000;
const EXTENDED = 0x4000;

/** Names end with a NUL; up to version 3 more of them fill the entry up to eight bytes. */
function nextEntry(bytes: Buffer, at: number, { name, version }: { name: number; version: number }): number {
  let start = name;
  // Version 4: how much of the last name to drop, seven bits a byte.
  if (version >= 4) while (((bytes[start++] ?? 0) & 0x80) !== 0);
  const end = bytes.indexOf(0, start);
  if (end < 0) return bytes.length;
  return version >= 4 ? end + 1 : at + ((end - at + 8) & ~7);
}
