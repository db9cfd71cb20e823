/**
 * What a session says of itself: read from the container's side as from an enemy, or from the host's own file, which is
 * where the seed has it. Nothing here decides anything.
 */
import { readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusFile } from '../config/generated/types.ts';
import { parseJsonc } from '../config/jsonc.ts';
import { checkStatusFile } from '../config/records.ts';
import { ParaError } from '../errors.ts';
import { isThere, replaceFile } from '../sys/files.ts';
import { openRegular, readHandle } from '../sys/untrusted.ts';

/** What was read. */
export interface Told {
  readonly status: StatusFile | undefined;
  /** When it was written, by the host's clock; undefined when nothing was. */
  readonly at: Date | undefined;
  /** Why what is there can not be taken, in words. */
  readonly defect: string | undefined;
}

const MAX_BYTES = 64 * 1024;
const NOTHING: Told = { status: undefined, at: undefined, defect: undefined };

/** The newer one of what the container and the host have written; one that is broken does not hide the other. */
export async function readStatus(stateDir: string): Promise<Told> {
  const [inside, host] = await Promise.all([
    readInside(join(stateDir, 'out', 'status.json')),
    readHost(join(stateDir, 'status.json')),
  ]);
  if (inside.status === undefined) return { ...host, defect: inside.defect ?? host.defect };
  if (host.status === undefined) return inside;
  return (host.at ?? 0) > (inside.at ?? 0) ? host : inside;
}

/** Writes the host's file. */
export async function writeStatus(stateDir: string, status: StatusFile): Promise<void> {
  await replaceFile(join(stateDir, 'status.json'), `${JSON.stringify(status, undefined, 2)}\n`);
}

/**
 * Puts what the container said last where the seed's format has it, for programs that read one file; its time stays, so
 * that it is no news. Nothing when the host's own is newer, or what is inside can not be taken.
 */
export async function mirrorStatus(stateDir: string): Promise<void> {
  const inside = await readInside(join(stateDir, 'out', 'status.json'));
  if (inside.status === undefined || inside.at === undefined) return;
  const path = join(stateDir, 'status.json');
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && there.mtimeMs >= inside.at.getTime()) return;
  await writeStatus(stateDir, inside.status);
  // Never later than the original: what is written there meanwhile is newer.
  await utimes(path, inside.at, inside.at);
}

async function readHost(path: string): Promise<Told> {
  const text = await readFile(path).catch(() => undefined);
  if (text === undefined) return NOTHING;
  return parse(text, (await stat(path)).mtime);
}

/** A link, a pipe, a device or a file with a second name is no status; nor is what does not end. */
async function readInside(path: string): Promise<Told> {
  const handle = await openRegular(path);
  if (handle === undefined) return !(await isThere(path)) ? NOTHING : broken('not a regular file');
  try {
    const { nlink, mtime } = await handle.stat();
    // 0: it was replaced between opening and looking, which is how it should be written.
    if (nlink > 1) return broken('a file with more than one name');
    const bytes = await readHandle(handle, MAX_BYTES);
    return bytes === undefined ? broken(`more than ${String(MAX_BYTES)} bytes`) : parse(bytes, mtime);
  } finally {
    await handle.close();
  }
}

function broken(defect: string, at?: Date): Told {
  return { status: undefined, at, defect };
}

function parse(bytes: Uint8Array, at: Date): Told {
  let data: unknown;
  try {
    data = clamp(parseJsonc('status.json', bytes));
  } catch (error) {
    if (error instanceof ParaError) return broken(error.message, at);
    throw error;
  }
  const problem = checkStatusFile(data);
  if (problem !== undefined) return broken(problem, at);
  const status = data as StatusFile;
  const { current, total } = status.progress ?? { current: 0, total: 0 };
  if (current > total) return broken('progress beyond its end', at);
  return { status, at, defect: undefined };
}

/** Longest texts that are kept of what people read; longer ones are cut, not refused. */
const CAPS: Readonly<Record<string, number>> = { phase: 64, message: 512, task: 512 };

function clamp(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]: [string, unknown]) => {
      const cap = CAPS[key];
      if (typeof value === 'string' && cap !== undefined) return [key, cut(value, cap)];
      if (key === 'progress') return [key, clamp(value)];
      if ((key === 'errors' || key === 'warnings') && Array.isArray(value))
        return [key, value.slice(-50).map((one: unknown) => (typeof one === 'string' ? cut(one, 512) : one))];
      return [key, value];
    }),
  );
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
