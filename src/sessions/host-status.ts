/**
 * What people and programs on the host have said of a session (`host-status.json`), each word with its time. It is kept
 * beside what the container says, so that neither side takes away the other's words.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusFile } from '../config/generated/types.ts';
import { checkStatusFile } from '../config/records.ts';
import { readOwnJson, replaceFile } from '../sys/files.ts';
import { withDirectory } from '../sys/untrusted.ts';

const FIELDS = ['task', 'phase', 'tests', 'todos', 'progress', 'blocked'] as const;

/** What can be said from the host. */
export type HostField = (typeof FIELDS)[number];

/** What is to be said; undefined stays as it was. */
export type StatusWish = { readonly [K in HostField]?: StatusFile[K] | undefined };

/** All that was said, and when. */
export interface HostWords {
  readonly said: StatusWish;
  /** Milliseconds since 1970. */
  readonly at: Readonly<Partial<Record<HostField, number>>>;
}

const MAX_BYTES = 64 * 1024;
const NOTHING: HostWords = { said: {}, at: {} };

/** The file that they are in. */
export function hostWordsFile(stateDir: string): string {
  return join(stateDir, 'host-status.json');
}

/** Keeps them; the caller holds the lock of the session's status (store.ts). */
export async function keepHostWords(stateDir: string, wish: StatusWish, now: Date): Promise<void> {
  const { said, at } = await readHostWords(stateDir);
  const fresh = FIELDS.filter((field) => wish[field] !== undefined);
  const words: HostWords = {
    said: { ...said, ...Object.fromEntries(fresh.map((field) => [field, wish[field]])) },
    at: { ...at, ...Object.fromEntries(fresh.map((field) => [field, now.getTime()])) },
  };
  await replaceFile(hostWordsFile(stateDir), `${JSON.stringify(words, undefined, 2)}\n`);
}

/** What was said until now. Of a file that makes no sense nothing is taken. */
export async function readHostWords(stateDir: string): Promise<HostWords> {
  const data = (await readOwnJson(hostWordsFile(stateDir), MAX_BYTES)) as
    Partial<HostWords> | null | undefined;
  const { said, at } = { said: data?.said ?? {}, at: data?.at ?? {} };
  return checkStatusFile({ timestamp: '', status: 'running', ...said }) === undefined
    ? { said, at }
    : NOTHING;
}

/** Those of the host's words that stand: the others are in `status`, and `saidAt` tells that they were said later. */
export async function standing(
  { said, at }: HostWords,
  status: StatusFile | undefined,
  saidAt: (field: HostField) => Promise<Date | undefined>,
): Promise<Partial<StatusFile>> {
  const stands: HostField[] = [];
  for (const field of FIELDS) {
    if (said[field] === undefined) continue;
    const since = status?.[field] === undefined ? undefined : await saidAt(field);
    if (since === undefined || (at[field] ?? 0) >= since.getTime()) stands.push(field);
  }
  return Object.fromEntries(stands.map((field) => [field, said[field]]));
}

/**
 * When the container said one of its words: `para-status` repeats all of them each time, and has a file for each beside;
 * who writes the whole by itself says all of it anew.
 */
export async function saidInside(stateDir: string, field: HostField): Promise<Date | undefined> {
  const words = join(stateDir, 'out', '.status');
  return withDirectory(words, async (dir) => (await lstat(join(dir, field)).catch(() => undefined))?.mtime);
}
