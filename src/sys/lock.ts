/**
 * Locks between paras. An owner is judged by pid, its start time and the boot id, never by the clock
 * (facts/security-reliability.md §3.3), so a dead owner delays nobody, but for what it started and still runs.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ParaError } from '../errors.ts';
import { hasLeftBehind } from './left-behind.ts';

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
  /** Milliseconds for each holder; 0 = do not wait. Default 30 000, whatever the process's patience. */
  readonly waitMs?: number;
  /** Not to be waited for when the process does not want to. */
  readonly refusable?: boolean;
}

/** How this process waits for what others hold. */
export interface Patience {
  /** False (`--no-wait`): a session that is busy is refused at once. */
  readonly wait: boolean;
  /** Told once for each lock that is held by someone else. */
  readonly onWait?: (owner: LockOwner) => void;
  /** What ends the waiting: Ctrl-C. */
  readonly signal?: () => AbortSignal;
}

let patience: Patience = { wait: true };

/** Says how this process waits from now on. Once, by the composition root. */
export function waitLike(how: Patience): void {
  patience = how;
}

/** Waits for nobody, and says nothing of it, while `work` runs. */
export async function withoutWaiting<T>(work: () => Promise<T>): Promise<T> {
  const before = patience;
  const { signal } = before;
  patience = { wait: false, ...(signal === undefined ? {} : { signal }) };
  try {
    return await work();
  } finally {
    patience = before;
  }
}

/** Shows the owner of what is waited for in another place while `work` runs. */
export async function whileShowing<T>(
  onWait: NonNullable<Patience['onWait']>,
  work: () => Promise<T>,
): Promise<T> {
  const before = patience;
  patience = { ...before, onWait };
  try {
    return await work();
  } finally {
    patience = before;
  }
}

/** `para (pid 123: finishes the session)`. */
export function ownerInWords({ pid, what }: LockOwner): string {
  return `para (pid ${String(pid)}: ${what})`;
}

/** For who does not want to wait. @throws BUSY when somebody holds the lock */
export async function requireFree(path: string): Promise<void> {
  const owner = patience.wait ? undefined : await lockOwner(path);
  if (owner !== undefined) throw busy(path, owner);
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
  const begun = performance.now();
  let since = begun;
  let holder = '';
  let told = false;
  while (!(await tryAcquire(path, options.what))) {
    const owner = await readOwner(path);
    if (owner !== undefined && !(await holds(owner, performance.now() - begun))) {
      await breakLock(path);
      continue;
    }
    const alive = owner === 'damaged' ? undefined : owner;
    // Many may be in the line: that it moves is what counts.
    const now = JSON.stringify(alive);
    if (now !== holder) since = performance.now();
    holder = now;
    if (performance.now() - since >= longestWait(options)) throw busy(path, alive);
    if (!told && alive !== undefined) patience.onWait?.(alive);
    told ||= alive !== undefined;
    await pause();
  }
}

function longestWait({ waitMs = 30_000, refusable = false }: LockOptions): number {
  return refusable && !patience.wait ? 0 : waitMs;
}

/** Milliseconds for what a dead owner has started; something that was meant to stay may be among it. */
const LEFT_BEHIND_MS = 10_000;

/** Of a dead one, what it has started may still change what the lock is for. */
async function holds(owner: LockOwner | 'damaged', waited: number): Promise<boolean> {
  if (owner === 'damaged') return false;
  return (await isAlive(owner)) || (waited < LEFT_BEHIND_MS && (await hasLeftBehind(owner.pid)));
}

async function pause(): Promise<void> {
  const signal = patience.signal?.();
  await sleep(25 + Math.random() * 50, undefined, signal === undefined ? {} : { signal }).catch(() => {
    throw new ParaError('INTERRUPTED', 'interrupted');
  });
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
  return owner !== undefined && owner !== 'damaged' && (await isAlive(owner)) ? owner : undefined;
}

/** `damaged`: it was written whole before it appeared, so its owner went down with the machine. */
async function readOwner(path: string): Promise<LockOwner | 'damaged' | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined; // gone, or not ours to read: the caller tries again until its deadline
  try {
    const owner = JSON.parse(text) as Partial<LockOwner> | null;
    return typeof owner?.pid === 'number' ? (owner as LockOwner) : 'damaged';
  } catch {
    return 'damaged';
  }
}

/** Two breakers: the rename lets one win. */
async function breakLock(path: string): Promise<void> {
  const stale = `${path}.stale.${randomUUID()}`;
  await rename(path, stale).catch(() => undefined);
  if ((await lockOwner(stale)) !== undefined) await link(stale, path).catch(() => undefined);
  await rm(stale, { force: true });
}

/** True while the process of that pid, start time and boot runs. */
export async function isAlive(owner: Omit<LockOwner, 'what'>): Promise<boolean> {
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
  const who = owner === undefined ? 'another para' : ownerInWords(owner);
  return new ParaError('BUSY', `${who} is at work here`, {
    hint: 'Try again when it has finished.',
    details: { lock: path, pid: owner?.pid ?? null, what: owner?.what ?? null },
  });
}
