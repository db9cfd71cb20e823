import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ContainerInfo, ContainerRow } from '../../src/docker/driver.ts';
import type { DockerService } from '../../src/docker/service.ts';
import type { Found } from '../../src/sessions/find.ts';
import { limitBehind, limitHit, oomKilledAmong } from '../../src/sessions/limit-hit.ts';
import { placesOf } from '../../src/sessions/store.ts';

let dir: string;
let found: Found;
let refusals = { oomKills: 0, forksRefused: 0 };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-limit-'));
  found = { places: placesOf(dir), record: { name: 'fix' } } as Found;
  refusals = { oomKills: 0, forksRefused: 0 };
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const info = {
  ...{ id: 'a'.repeat(64), name: 'x', pid: 42, state: 'running', startedAt: '2026-01-02T03:04:05Z' },
  ...{ exitCode: 0, oomKilled: false, memoryBytes: 2 ** 26, pids: 512 },
} as ContainerInfo;

async function told(code: number, of = info): Promise<string | undefined> {
  const error = await limitHit(found, of, { code, count: () => Promise.resolve(refusals) });
  if (error !== undefined) expect(error).toMatchObject({ code: 'RESOURCE_LIMIT_EXCEEDED', exit: code });
  return error?.message;
}

test('a command that was killed since the kernel killed one for want of memory; told once', async () => {
  expect(await told(137)).toBeUndefined();
  refusals.oomKills = 1;
  expect(await told(1)).toBeUndefined();
  refusals.oomKills = 2;
  expect(await told(137)).toBe('killed: the container of fix has used up its 64 MiB of memory');
  // By somebody's kill -9.
  expect(await told(137)).toBeUndefined();
});

test.each([1, 2, 126, 254, 255])('exit code %d since a process was refused', async (code) => {
  refusals.forksRefused = 3;
  expect(await told(code)).toBe('the container of fix has had as many processes as it may have: 512');
  expect(await told(code)).toBeUndefined();
});

test('one that was started again counts from nothing', async () => {
  refusals.oomKills = 5;
  expect(await told(137)).toBeDefined();
  refusals.oomKills = 1;
  expect(await told(137, { ...info, startedAt: '2026-01-02T05:00:00Z' })).toBeDefined();
});

describe('a command of the queue', () => {
  const count = () => Promise.resolve(refusals);
  const behind = async (code: number | undefined, of = info): Promise<string | undefined> =>
    (await limitBehind(found, of, { code, count }))?.message;

  test.each([1, 2, 254])('exit code %d since a process was refused', async (code) => {
    refusals.forksRefused = 1;
    expect(await behind(code)).toContain('as many processes as it may have: 512');
    expect(await behind(code)).toBeUndefined();
  });

  test('killed since the kernel killed one for want of memory', async () => {
    refusals.oomKills = 1;
    expect(await behind(143)).toBeUndefined();
    expect(await behind(137)).toContain('has used up its 64 MiB of memory');
  });

  test('it had not ended when its container died of it', async () => {
    const dead = { ...info, state: 'exited', exitCode: 137, oomKilled: true } as const;
    expect(await behind(undefined, dead)).toBe(
      'the container of fix was killed: it had used up its 64 MiB of memory',
    );
    expect(await behind(undefined, { ...dead, oomKilled: false })).toBeUndefined();
    // It had ended before.
    expect(await behind(137, dead)).toBeUndefined();
  });
});

test('what nobody counts is not told', async () => {
  const count = () => Promise.resolve(undefined);
  expect(await limitHit(found, info, { code: 137, count })).toBeUndefined();
});

test('the hint names flag and setting, with twice as much', async () => {
  refusals.oomKills = 1;
  const error = await limitHit(found, info, { code: 137, count: () => Promise.resolve(refusals) });
  expect(error?.hint).toContain('para docker update fix --memory 128m\n');
  expect(error?.hint).toContain('para config set docker.default_resource_limits.memory_limit 128m');
  expect(error?.details).toMatchObject({ limit: 'memory', limit_bytes: 2 ** 26 });
});

describe('those that died of it, in a list', () => {
  const row = (name: string, state: string, status: string) => ({ name, state, status }) as ContainerRow;
  const dead = { ...info, state: 'exited', exitCode: 137, oomKilled: true } as const;

  test('the engine is asked about those that were killed alone', async () => {
    const asked: (readonly string[])[] = [];
    const service = {
      inspect: (names: readonly string[]) => {
        asked.push(names);
        return Promise.resolve([
          { ...dead, name: 'a' },
          // A child was, and then somebody stopped it.
          { ...dead, name: 'b', oomKilled: false },
        ]);
      },
    } as unknown as DockerService;
    const rows = [
      ...[row('a', 'exited', 'Exited (137) 5 minutes ago'), row('b', 'exited', 'Exited (137) 1 hour ago')],
      ...[row('c', 'exited', 'Exited (0) 5 minutes ago'), row('d', 'running', 'Up 137 minutes')],
    ];
    expect([...(await oomKilledAmong(service, rows))]).toEqual([['a', 2 ** 26]]);
    expect(asked).toEqual([['a', 'b']]);
  });
});
