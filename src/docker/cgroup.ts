/**
 * What the kernel has counted against a running container, read from this machine's own cgroup files: nothing that is
 * in the container is asked. No engine tells it while the container runs (docker 20 server: `OOMKilled` stays false
 * when a child was killed; podman 4.3: always).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerInfo } from './driver.ts';

/** Counted since the container was started. */
export interface Refusals {
  /** Processes that were killed because the memory was used up. */
  readonly oomKills: number;
  /** Processes that were not made because there were as many as there may be. */
  readonly forksRefused: number;
}

/**
 * Undefined where it can not be read: the engine is on another machine or in a virtual one, or the container has no
 * cgroup of its own. `root` is the file system to read.
 */
export async function readRefusals(
  { id, pid }: Pick<ContainerInfo, 'id' | 'pid'>,
  root = '/',
): Promise<Refusals | undefined> {
  if (pid <= 0) return undefined;
  const lines = await readFile(join(root, 'proc', String(pid), 'cgroup'), 'utf8').catch(() => '');
  const groups = lines.split('\n').map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line));
  const placesOf = (controller: string): readonly string[] =>
    groups.flatMap((group) => {
      const [, names = '', path = ''] = group ?? [];
      // On another machine this process is another one; the container's own group has its id in its name.
      if (!path.includes(id)) return [];
      if (names === '') return withParent(join(root, 'sys/fs/cgroup'), path, id);
      return names.split(',').includes(controller)
        ? withParent(join(root, 'sys/fs/cgroup', names), path, id)
        : [];
    });
  const oomKills = await counted(placesOf('memory'), ['memory.events', 'memory.oom_control'], 'oom_kill');
  const forksRefused = await counted(placesOf('pids'), ['pids.events'], 'max');
  if (oomKills === undefined && forksRefused === undefined) return undefined;
  return { oomKills: oomKills ?? 0, forksRefused: forksRefused ?? 0 };
}

/** Runtimes may put the processes one below the group that has the limits (crun: `libpod-<id>.scope/container`). */
function withParent(mount: string, path: string, id: string): readonly string[] {
  const end = path.indexOf('/', path.indexOf(id));
  return [...new Set([path, end < 0 ? path : path.slice(0, end)])].map((one) => join(mount, one));
}

/** The highest count of this name; cgroup v1 and v2 have other files and the same lines. */
async function counted(
  directories: readonly string[],
  files: readonly string[],
  name: string,
): Promise<number | undefined> {
  const texts = await Promise.all(
    directories.flatMap((directory) =>
      files.map((file) => readFile(join(directory, file), 'utf8').catch(() => '')),
    ),
  );
  const counts = texts.flatMap((text) => {
    const [, count] = new RegExp(`^${name} (\\d+)$`, 'm').exec(text) ?? [];
    return count === undefined ? [] : [Number(count)];
  });
  return counts.length === 0 ? undefined : Math.max(...counts);
}
