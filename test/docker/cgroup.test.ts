import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readHeld, readRefusals } from '../../src/docker/cgroup.ts';

const id = 'a'.repeat(64);
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'para-cgroup-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function put(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

test('cgroup v1: a file for each controller', async () => {
  put({
    'proc/42/cgroup': `8:pids:/docker/${id}\n4:memory:/docker/${id}\n2:cpu,cpuacct:/docker/${id}\n0::/docker/${id}\n`,
    [`sys/fs/cgroup/memory/docker/${id}/memory.oom_control`]: 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    [`sys/fs/cgroup/pids/docker/${id}/pids.events`]: 'max 7\n',
  });
  expect(await readRefusals({ id, pid: 42 }, root)).toEqual({ oomKills: 2, forksRefused: 7 });
});

test('cgroup v2: the group with the limits may be above the one with the processes', async () => {
  const scope = `user.slice/libpod-${id}.scope`;
  put({
    'proc/42/cgroup': `0::/${scope}/container\n`,
    [`sys/fs/cgroup/${scope}/memory.events`]: 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n',
    [`sys/fs/cgroup/${scope}/pids.events`]: 'max 0\n',
    [`sys/fs/cgroup/${scope}/container/memory.events`]: 'low 0\noom_kill 0\n',
    [`sys/fs/cgroup/${scope}/container/pids.events`]: 'max 3\n',
  });
  expect(await readRefusals({ id, pid: 42 }, root)).toEqual({ oomKills: 1, forksRefused: 3 });
});

test('what the kernel holds it to, in the files of either version', async () => {
  put({
    'proc/42/cgroup': `8:pids:/docker/${id}\n4:memory:/docker/${id}\n2:cpu:/docker/${id}\n`,
    [`sys/fs/cgroup/memory/docker/${id}/memory.limit_in_bytes`]: '67108864\n',
    [`sys/fs/cgroup/pids/docker/${id}/pids.max`]: '512\n',
    [`sys/fs/cgroup/cpu/docker/${id}/cpu.cfs_quota_us`]: '150000\n',
    [`sys/fs/cgroup/cpu/docker/${id}/cpu.cfs_period_us`]: '100000\n',
    'proc/43/cgroup': `0::/libpod-${id}.scope/container\n`,
    [`sys/fs/cgroup/libpod-${id}.scope/memory.max`]: '67108864\n',
    [`sys/fs/cgroup/libpod-${id}.scope/pids.max`]: '512\n',
    [`sys/fs/cgroup/libpod-${id}.scope/cpu.max`]: '150000 100000\n',
    [`sys/fs/cgroup/libpod-${id}.scope/container/memory.max`]: 'max\n',
    [`sys/fs/cgroup/libpod-${id}.scope/container/cpu.max`]: 'max 100000\n',
  });
  const held = { memoryBytes: 2 ** 26, pids: 512, cpus: 1.5 };
  expect(await readHeld({ id, pid: 42 }, root)).toEqual(held);
  expect(await readHeld({ id, pid: 43 }, root)).toEqual(held);
  expect(await readHeld({ id, pid: 44 }, root)).toEqual({
    ...{ memoryBytes: undefined, pids: undefined, cpus: undefined },
  });
});

test('nothing of a container without a group of its own, of one on another machine, or of none', async () => {
  put({
    'proc/42/cgroup': '8:pids:/\n4:memory:/user\n0::/\n',
    'sys/fs/cgroup/pids/pids.events': 'max 9\n',
    'sys/fs/cgroup/memory/user/memory.oom_control': 'oom_kill 9\n',
  });
  for (const pid of [42, 43, 0]) expect(await readRefusals({ id, pid }, root)).toBeUndefined();
});
