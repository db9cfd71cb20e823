/**
 * What the kernel has counted against a running container, read from this machine's own cgroup files: nothing that is
 * in the container is asked. No engine tells it while the container runs (docker 20 server: `OOMKilled` stays false
 * when a child was killed; podman 4.3: always).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerInfo, Limits } from './driver.ts';

/** Counted since the container was started. */
export interface Refusals {
  /** Processes that were killed because the memory was used up. */
  readonly oomKills: number;
  /** Processes that were not made because there were as many as there may be. */
  readonly forksRefused: number;
}

/** Which of this machine's cgroups are the container's. */
interface Groups {
  /** Directories that have what a controller tells. */
  readonly of: (controller: string) => readonly string[];
}

/**
 * Undefined where it can not be read: the engine is on another machine or in a virtual one, or the container has no
 * cgroup of its own. `root` is the file system to read.
 */
export async function readRefusals(
  container: Pick<ContainerInfo, 'id' | 'pid'>,
  root = '/',
): Promise<Refusals | undefined> {
  const groups = await groupsOf(container, root);
  const oomKills = await highest(groups.of('memory'), ['memory.events', 'memory.oom_control'], OOM_KILL);
  const forksRefused = await highest(groups.of('pids'), ['pids.events'], MAX);
  if (oomKills === undefined && forksRefused === undefined) return undefined;
  return { oomKills: oomKills ?? 0, forksRefused: forksRefused ?? 0 };
}

const OOM_KILL = /^oom_kill (\d+)$/m;
const MAX = /^max (\d+)$/m;
const NUMBER = /^(\d+)\s*$/;

/** What the kernel holds a running container to; each of them undefined as above. */
export async function readHeld(container: Pick<ContainerInfo, 'id' | 'pid'>, root = '/'): Promise<Limits> {
  const groups = await groupsOf(container, root);
  return {
    memoryBytes: await lowest(groups.of('memory'), ['memory.max', 'memory.limit_in_bytes'], NUMBER),
    pids: await lowest(groups.of('pids'), ['pids.max'], NUMBER),
    cpus: await heldCpus(groups.of('cpu')),
  };
}

/** Microseconds of each period: both in one file (v2: `150000 100000`), or in two. */
async function heldCpus(directories: readonly string[]): Promise<number | undefined> {
  const quota = await lowest(directories, ['cpu.max', 'cpu.cfs_quota_us'], /^(\d+)(?: \d+)?\s*$/);
  const period = await lowest(directories, ['cpu.max', 'cpu.cfs_period_us'], /^(?:\d+ )?(\d+)\s*$/);
  return quota === undefined || period === undefined || period === 0 ? undefined : quota / period;
}

async function groupsOf({ id, pid }: Pick<ContainerInfo, 'id' | 'pid'>, root: string): Promise<Groups> {
  const lines =
    pid <= 0 ? '' : await readFile(join(root, 'proc', String(pid), 'cgroup'), 'utf8').catch(() => '');
  const groups = lines.split('\n').flatMap((line) => {
    const [, names = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    // On another machine this process is another one; the container's own group has its id in its name.
    return path.includes(id) ? [{ names, path }] : [];
  });
  const mount = join(root, 'sys/fs/cgroup');
  return {
    of: (controller) =>
      groups.flatMap(({ names, path }) => {
        if (names === '') return withParent(mount, path, id);
        return names.split(',').includes(controller) ? withParent(join(mount, names), path, id) : [];
      }),
  };
}

/** Runtimes may put the processes one below the group that has the limits (crun: `libpod-<id>.scope/container`). */
function withParent(mount: string, path: string, id: string): readonly string[] {
  const end = path.indexOf('/', path.indexOf(id));
  return [...new Set([path, end < 0 ? path : path.slice(0, end)])].map((one) => join(mount, one));
}

type Read = (
  directories: readonly string[],
  files: readonly string[],
  number: RegExp,
) => Promise<number | undefined>;

const highest: Read = async (...which) => (await numbers(...which)).at(-1);
const lowest: Read = async (...which) => (await numbers(...which))[0];

/** In order; cgroup v1 and v2 have other files, and the same numbers in them. */
async function numbers(
  directories: readonly string[],
  files: readonly string[],
  number: RegExp,
): Promise<readonly number[]> {
  const texts = await Promise.all(
    directories.flatMap((directory) =>
      files.map((file) => readFile(join(directory, file), 'utf8').catch(() => '')),
    ),
  );
  return texts
    .flatMap((text) => number.exec(text)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
