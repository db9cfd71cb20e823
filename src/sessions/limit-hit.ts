/** Deaths and failures that a limit of the container has caused, told apart from others: by the kernel's and the engine's own counts. */
import { join } from 'node:path';
import { readHeld, readRefusals, type Refusals } from '../docker/cgroup.ts';
import type { ContainerInfo, ContainerRow } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { EXIT, ParaError, type ErrorFacts } from '../errors.ts';
import { readOwnFile, replaceFile } from '../sys/files.ts';
import type { Found } from './find.ts';

/** The word for a container whose main process was killed because its memory was used up. */
export const OOM_KILLED = 'oom-killed';

/** 128 plus SIGKILL: how the kernel ends a process for want of memory. */
const KILLED = 137;

/** What a shell that can not make a process ends with: ash and dash 2, bash 254 (measured). */
const FORK_FAILED: ReadonlySet<number> = new Set([2, 254]);

/** Exit codes after which it is worth asking. */
export function maySayLimit(code: number): boolean {
  return code === KILLED || FORK_FAILED.has(code);
}

/**
 * The same error for a command of the queue, which has ended with this code while the container `info` ran, or had not
 * ended when that died (undefined). The container has been inspected anyway, so that a failure of a program that can make
 * no process (1, as of node and python) is looked into too.
 */
export async function limitBehind(
  found: Found,
  info: ContainerInfo,
  { code, ...how }: { readonly code: number | undefined; readonly count?: typeof readRefusals },
): Promise<ParaError | undefined> {
  if (code === undefined)
    return diedOfMemory(info) ? deadOfMemory(found.record.name, info, KILLED) : undefined;
  const isWorthIt = info.state === 'running' && (maySayLimit(code) || code === EXIT.failed);
  return isWorthIt ? limitHit(found, info, { code, ...how }) : undefined;
}

/** True when the container died of it; both are needed, since the engine's word also stands for a child's death. */
export function diedOfMemory({ state, oomKilled, exitCode }: ContainerInfo): boolean {
  return state !== 'running' && oomKilled && exitCode === KILLED;
}

/**
 * The error for a command that ended with this code because of a limit of its container, or undefined. The kernel's
 * counts are compared with those of the last time, so that one event is told once, and no other command is blamed.
 */
export async function limitHit(
  { places, record }: Found,
  info: ContainerInfo,
  { code, count = readRefusals }: { readonly code: number; readonly count?: typeof readRefusals },
): Promise<ParaError | undefined> {
  if (diedOfMemory(info)) return deadOfMemory(record.name, info, code);
  const now = await count(info);
  if (now === undefined) return undefined;
  const file = join(places.docker(record.name), 'limits-seen.json');
  const before = await seenBefore(file, info);
  const isNew = now.oomKills > before.oomKills || now.forksRefused > before.forksRefused;
  // What is not noted is told once more.
  if (isNew) await replaceFile(file, JSON.stringify({ ...now, of: lifeOf(info) })).catch(() => undefined);
  const isHit = code === KILLED ? now.oomKills > before.oomKills : now.forksRefused > before.forksRefused;
  if (!isHit) return undefined;
  // `inspect` of podman before 5 has not the limits that were changed since the start.
  const { memoryBytes = info.memoryBytes, pids = info.pids } = await readHeld(info);
  return (code === KILLED ? outOfMemory : outOfProcesses)(record.name, { memoryBytes, pids }, code);
}

/** Counts begin anew with each start. */
function lifeOf({ id, startedAt }: ContainerInfo): string {
  return `${id} ${startedAt ?? ''}`;
}

async function seenBefore(file: string, info: ContainerInfo): Promise<Refusals> {
  const nothing = { oomKills: 0, forksRefused: 0 };
  try {
    const seen = JSON.parse((await readOwnFile(file, 4_096)) ?? '{}') as Partial<Refusals> & { of?: string };
    return seen.of === lifeOf(info) ? { ...nothing, ...seen } : nothing;
  } catch {
    return nothing;
  }
}

type Had = Pick<ContainerInfo, 'memoryBytes' | 'pids'>;

const MIB = 2 ** 20;

/** `its 64 MiB of memory`. */
export function memoryOf({ memoryBytes }: Pick<ContainerInfo, 'memoryBytes'>): string {
  return memoryBytes > 0 ? `its ${String(Math.floor(memoryBytes / MIB))} MiB of memory` : 'its memory';
}

/** The next limit to try, as it is typed. */
export function twice(bytes: number): string {
  return `${String(Math.ceil((bytes * 2) / MIB))}m`;
}

/** A process of a container that lives on. `exit` is para's exit code. */
function outOfMemory(session: string, info: Had, exit: number): ParaError {
  return exceeded(`killed: the container of ${session} has used up ${memoryOf(info)}`, {
    ...{ exit, details: { session, limit: 'memory', limit_bytes: info.memoryBytes } },
    hint: raise(moreMemory(session, info), 'memory_limit', twice(info.memoryBytes)),
  });
}

/** Nothing can be run in it. */
function deadOfMemory(session: string, info: ContainerInfo, code: number): ParaError {
  const { details, hint = '' } = outOfMemory(session, info, code);
  const exit = code === KILLED ? code : EXIT.engineFailedToRun;
  return exceeded(`the container of ${session} was killed: it had used up ${memoryOf(info)}`, {
    ...{ exit, details },
    hint: `${hint}\nTo start it again:\npara docker start ${session}`,
  });
}

function outOfProcesses(session: string, { pids }: Had, exit: number): ParaError {
  const more = String(pids * 2);
  return exceeded(`the container of ${session} has had as many processes as it may have: ${String(pids)}`, {
    ...{ exit, details: { session, limit: 'pids', limit_pids: pids } },
    hint: raise(`para docker update ${session} --pids-limit ${more}`, 'pids_limit', more),
  });
}

/** The command that lets a container have twice the memory that it had. */
export function moreMemory(session: string, { memoryBytes }: Pick<Had, 'memoryBytes'>): string {
  return `para docker update ${session} --memory ${twice(memoryBytes)}`;
}

function raise(command: string, key: string, value: string): string {
  return [
    'To let it have more:',
    command,
    'and for new sessions:',
    `para config set docker.default_resource_limits.${key} ${value}`,
  ].join('\n');
}

function exceeded(message: string, facts: ErrorFacts): ParaError {
  return new ParaError('RESOURCE_LIMIT_EXCEEDED', message, facts);
}

/** Those that died for want of memory: names, and the bytes that they might have. Only killed ones are asked about. */
export type OomKilled = ReadonlyMap<string, number>;

/** Of a list, by asking the engine. @throws as it does */
export async function oomKilledAmong(
  service: DockerService,
  rows: readonly ContainerRow[],
): Promise<OomKilled> {
  const infos = await service.inspect(rows.filter(wasKilled).map(({ name }) => name));
  return new Map(infos.filter(diedOfMemory).map(({ name, memoryBytes }) => [name, memoryBytes]));
}

/** Ended by a SIGKILL, whoever sent it: both engines have it in their text, `Exited (137) 5 minutes ago`. */
export function wasKilled({ state, status }: ContainerRow): boolean {
  return state === 'exited' && status.includes(`(${String(KILLED)})`);
}
