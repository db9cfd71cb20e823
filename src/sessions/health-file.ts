/**
 * What watching a container has told (`health.json`, written by para alone), and the sign of life that its runner gives.
 * A file that makes no sense says nothing.
 */
import { rm } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { HealthFile } from '../config/generated/types.ts';
import { isHealthFile } from '../config/records.ts';
import { readOwnJson, replaceFile } from '../sys/files.ts';
import { withLock } from '../sys/lock.ts';
import { openRegular, readHandle } from '../sys/untrusted.ts';
import type { Places } from './store.ts';

/** Nothing was seen yet. */
export const NOTHING_SEEN: HealthFile = {
  ...{ schema: 1, check: null, stale_since: null, restarts: [], given_up: null },
};

const MAX_BYTES = 1024 * 1024;

function fileOf(stateDir: string): string {
  return join(stateDir, 'health.json');
}

/** What was seen until now. */
export async function readHealth(stateDir: string): Promise<HealthFile> {
  const data = await readOwnJson(fileOf(stateDir), MAX_BYTES);
  return isHealthFile(data) ? (data as HealthFile) : NOTHING_SEEN;
}

/** Replaces it. */
export async function writeHealth(stateDir: string, health: HealthFile): Promise<void> {
  await replaceFile(fileOf(stateDir), `${JSON.stringify(health, undefined, 2)}\n`);
}

/** A person starts the container: nothing of what was before counts any more. */
export async function forgetHealth(stateDir: string): Promise<void> {
  await rm(fileOf(stateDir), { force: true });
}

/** The clocks that a heartbeat is held against. */
export interface Clocks {
  readonly now: Date;
  /** Seconds since the machine came up, as the runner sees them too. */
  readonly uptime: number;
}

/** Both as they are. */
export function clocks(now: Date): Clocks {
  return { now, uptime: uptime() };
}

/**
 * Milliseconds since the container's runner gave a sign of life, at most: by the machine's uptime, which no change of
 * the clock touches, and by the file's time, where the engine runs on another (virtual) machine. `beaten` is false
 * between the start and the first beat. Undefined when it never was there.
 */
export async function lastSign(
  stateDir: string,
  { now, uptime: up }: Clocks,
): Promise<{ readonly ageMs: number; readonly beaten: boolean } | undefined> {
  const [beat, ready] = await Promise.all(
    ['heartbeat', 'ready'].map((name) => readSign(join(stateDir, 'out', name))),
  );
  const times = [beat, ready].flatMap((sign) => (sign === undefined ? [] : [sign.mtimeMs]));
  if (times.length === 0) return undefined;
  const said = /^(\d{1,12}) \d{1,10}\n$/.exec(beat?.text ?? '')?.[1];
  const byFile = Math.max(0, now.getTime() - Math.max(...times));
  const bySaid = said === undefined || Number(said) > up + 1 ? Infinity : (up - Number(said)) * 1000;
  const beaten = beat !== undefined && (ready === undefined || beat.mtimeMs >= ready.mtimeMs);
  return { ageMs: Math.max(0, Math.min(byFile, bySaid)), beaten };
}

/** Written by the container: a regular file of a few bytes, or nothing. */
async function readSign(
  path: string,
): Promise<{ readonly text: string; readonly mtimeMs: number } | undefined> {
  const handle = await openRegular(path);
  if (handle === undefined) return undefined;
  try {
    const { mtimeMs } = await handle.stat();
    return { text: (await readHandle(handle, 64))?.toString('latin1') ?? '', mtimeMs };
  } finally {
    await handle.close();
  }
}

/** Changes it, one para at a time; nothing is written when `change` gives back what it was given. */
export async function changeHealth(
  places: Places,
  session: string,
  change: (seen: HealthFile) => HealthFile,
): Promise<HealthFile> {
  const stateDir = places.docker(session);
  const lock = join(places.state, 'locks', `health-${session}`);
  return withLock(lock, { what: 'notes the health of its container' }, async () => {
    const seen = await readHealth(stateDir);
    const now = change(seen);
    if (now !== seen) await writeHealth(stateDir, now);
    return now;
  });
}
