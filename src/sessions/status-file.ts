/**
 * What a session says of itself: read from the container's side as from an enemy, with what the host has said
 * (host-status.ts), or from `status.json`, which is where the seed has it: all of it as it was last put together. Nothing
 * here decides anything.
 */
import { readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusFile } from '../config/generated/types.ts';
import { parseJsonc } from '../config/jsonc.ts';
import { checkStatusFile } from '../config/records.ts';
import { ParaError } from '../errors.ts';
import { isThere, replaceFile } from '../sys/files.ts';
import { openRegular, readHandle } from '../sys/untrusted.ts';
import {
  keepHostWords,
  readHostWords,
  saidInside,
  standing,
  type HostField,
  type StatusWish,
} from './host-status.ts';
import { lockStatus, type Places } from './store.ts';

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

/**
 * What the container says and what the host has said, each word as it was said last. `status.json` has it as it was then: it
 * counts where what is inside can not be taken, and what another program has put there when that is newer.
 */
export async function readStatus(stateDir: string): Promise<Told> {
  const [inside, view, words] = await Promise.all([
    readInside(join(stateDir, 'out', 'status.json')),
    readHost(viewFile(stateDir)),
    readHostWords(stateDir),
  ]);
  const told = newer(inside, view);
  const saidAt = async (field: HostField): Promise<Date | undefined> =>
    (told === inside ? await saidInside(stateDir, field) : undefined) ?? told.at;
  const stands = await standing(words, told.status, saidAt);
  if (told.status === undefined && Object.keys(stands).length === 0) return told;
  return { ...told, status: { timestamp: '', status: 'running', ...told.status, ...stands } };
}

/** One that is broken does not hide the other. */
function newer(inside: Told, view: Told): Told {
  if (inside.status === undefined) return { ...view, defect: inside.defect ?? view.defect };
  if (view.status === undefined) return inside;
  return (view.at ?? 0) > (inside.at ?? 0) ? view : inside;
}

function viewFile(stateDir: string): string {
  return join(stateDir, 'status.json');
}

/** Writes it; `at` is the time of what is in it, and later writings are newer than that. */
export async function writeStatus(stateDir: string, status: StatusFile, at?: Date): Promise<void> {
  const path = viewFile(stateDir);
  await replaceFile(path, `${JSON.stringify(status, undefined, 2)}\n`);
  if (at !== undefined) await utimes(path, at, at);
}

/** Says it from the host. One para at a time on one session. @throws BUSY */
export async function sayFromHost(
  places: Places,
  session: string,
  wish: StatusWish,
  now: Date,
): Promise<StatusFile> {
  const stateDir = places.docker(session);
  return lockStatus(places, session, async () => {
    await keepHostWords(stateDir, wish, now);
    const { status: before, at = now } = await readStatus(stateDir);
    const status: StatusFile = {
      status: 'running',
      ...before,
      ...{ v: 1, seq: (before?.seq ?? 0) + 1, timestamp: now.toISOString() },
    };
    await writeStatus(stateDir, status, at > now ? at : now);
    return status;
  });
}

/**
 * Puts what the container said last where the seed's format has it, for programs that read one file; its time stays, so
 * that it is no news. Nothing when what is there is newer, or what is inside can not be taken. @throws BUSY
 */
export async function mirrorStatus(places: Places, session: string): Promise<void> {
  const stateDir = places.docker(session);
  if (!(await hasNews(stateDir))) return;
  await lockStatus(places, session, async () => {
    if (!(await hasNews(stateDir))) return;
    const { status, at } = await readStatus(stateDir);
    if (status !== undefined) await writeStatus(stateDir, status, at);
  });
}

async function hasNews(stateDir: string): Promise<boolean> {
  const { status, at } = await readInside(join(stateDir, 'out', 'status.json'));
  if (status === undefined || at === undefined) return false;
  const there = await stat(viewFile(stateDir)).catch(() => undefined);
  return there === undefined || there.mtimeMs < at.getTime();
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
