/**
 * Locks between paras. An owner is judged by pid, its start time and the boot id, never by the clock
 * (facts/security-reliability.md §3.3), so a dead owner delays nobody.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ParaError } from '../errors.ts';

/** Who holds a lock, as written into it. */
export interface LockOwner {
  readonly pid: number;
  readonly started: string;
  readonly boot: string;
  readonly what: string;
}

/** How to wait for a lock. */
export interface LockOptions {
  /** What the holder does, in words: shown to whoever waits. */
  readonly what: string;
  /** Milliseconds; 0 = do not wait. Default 30 000. */
  readonly waitMs?: number;
  /** Told once, when the lock is held by someone else. */
  readonly onWait?: (owner: LockOwner) => void;
}

/** Runs `work` while holding the lock file. @throws BUSY when its holder lives longer than `waitMs`. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(path, options);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, options: LockOptions): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const deadline = performance.now() + (options.waitMs ?? 30_000);
  let told = false;
  while (!(await tryAcquire(path, options.what))) {
    const owner = await readOwner(path);
    if (owner !== undefined && !(await isAlive(owner))) {
      await breakLock(path);
      continue;
    }
    if (performance.now() >= deadline) throw busy(path, owner);
    if (!told && owner !== undefined) options.onWait?.(owner);
    told ||= owner !== undefined;
    await sleep(25 + Math.random() * 50);
  }
}

/** The owner is written before the lock appears: a hard link is made or fails, never half. */
async function tryAcquire(path: string, what: string): Promise<boolean> {
  const mine = `${path}.${randomUUID()}`;
  try {
    await writeFile(mine, JSON.stringify({ ...(await processIdentity(process.pid)), what }), { mode: 0o600 });
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await rm(mine, { force: true });
  }
}

/** Whoever holds the lock right now; undefined when nobody does, or its holder died. Takes nothing. */
export async function lockOwner(path: string): Promise<LockOwner | undefined> {
  const owner = await readOwner(path);
  return owner !== undefined && (await isAlive(owner)) ? owner : undefined;
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockOwner;
  } catch {
    return undefined; // gone, or not ours to read: the caller tries again until its deadline
  }
}

/** Two breakers: the rename lets one win. */
async function breakLock(path: string): Promise<void> {
  const stale = `${path}.stale.${randomUUID()}`;
  await rename(path, stale).catch(() => undefined);
  const owner = await readOwner(stale);
  if (owner !== undefined && (await isAlive(owner))) await link(stale, path).catch(() => undefined);
  await rm(stale, { force: true });
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  const now = await processIdentity(owner.pid);
  return now.started !== '' && now.boot === owner.boot && now.started === owner.started;
}

/** pid, kernel start time (field 22 of proc_pid_stat(5)) and boot id; without /proc the pid alone decides. */
export async function processIdentity(pid: number): Promise<Omit<LockOwner, 'what'>> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown');
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  if (boot === 'unknown') return { pid, started: pidExists(pid) ? 'running' : '', boot };
  return { pid, started: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '', boot: boot.trim() };
}

function pidExists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function busy(path: string, owner: LockOwner | undefined): ParaError {
  const who = owner === undefined ? 'another para' : `para (pid ${String(owner.pid)}: ${owner.what})`;
  return new ParaError('BUSY', `${who} is at work here`, {
    hint: 'Try again when it has finished.',
    details: { lock: path },
  });
}
