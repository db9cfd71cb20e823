/** `para recover NAME` brings whatever was cut short to its end, with what was asked for then. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ended } from '../support/para.ts';
import { faultCase } from './cases.ts';
import { faultWorld, type FaultWorld } from './world.ts';

let at: FaultWorld;
beforeEach(async () => {
  at = await faultWorld();
});
afterEach(() => {
  at.remove();
});

const ok = async (...args: string[]): Promise<Ended> => {
  const ended = await at.para(args);
  expect({ args, ...ended }).toMatchObject({ code: 0 });
  return ended;
};
const killed = async (args: readonly string[], fault: string): Promise<void> => {
  expect(await at.para(args, fault)).toMatchObject({ signal: 'SIGKILL' });
};
const git = (...args: string[]): Promise<string> => at.world.out(['git', ...args], { cwd: at.repo });
const statuses = async (): Promise<readonly string[]> => {
  const { stdout } = await at.para(['list', '--all', '--json']);
  const { sessions } = JSON.parse(stdout) as { sessions: { status: string; settle: string | null }[] };
  return sessions.map(({ status, settle }) => `${status}: ${String(settle)}`);
};
const DOCKER = ['--docker', '--image', 'busybox'];

test('a start without work is taken back, one with work taken up', async () => {
  await faultCase('F1', 'recover after start', async () => {
    await killed(['start', 's'], 'kill@2:after');
    expect(await statuses()).toEqual(['starting: para recover s']);
    expect((await ok('recover', 's')).stdout).toContain('is taken back');
    expect(await statuses()).toEqual([]);
    await killed(['start', 's'], 'kill@2:after');
    await at.work();
    expect((await ok('recover', 's')).stdout).toContain('is taken up');
    expect(await statuses()).toEqual(['active: null']);
    expect(await at.broken()).toEqual([]);
  });
});

test.each([1, 2, 3, 4])(
  'a finish, killed after step %s: message, branch and the rest as asked',
  async (step) => {
    await faultCase('F1', `recover after finish ${String(step)}`, async () => {
      await ok('start', 's');
      await at.work();
      await killed(['finish', 'Said once', 's', '-b', 'para/x', '--no-push'], `kill@${String(step)}:after`);
      expect(await statuses()).toEqual(['finishing: para recover s']);
      expect((await ok('recover', 's')).stdout).toContain('its work is on the branch para/x');
      expect(await statuses()).toEqual(['review: null']);
      expect(await git('log', '--format=%s', 'main..para/x')).toBe('Said once\ncommitted');
      expect(await git('for-each-ref', '--format=%(refname:short)', 'refs/heads')).toBe('main\npara/x');
      expect(await at.broken()).toEqual([]);
      expect((await ok('recover', 's')).stdout).toContain('nothing is wrong with it');
    });
  },
);

test('a cancel keeps ignored files when that was asked, and goes on with its archive', async () => {
  await faultCase('F1', 'recover after cancel', async () => {
    await ok('start', 's');
    await at.work();
    const worktree = join(at.repo, '.para/worktrees/s');
    writeFileSync(join(worktree, '.gitignore'), 'secret\n');
    writeFileSync(join(worktree, 'secret'), 'kept\n');
    await killed(['cancel', 's', '--archive-ignored'], 'kill@1:after');
    expect(await statuses()).toEqual(['cancelling: para recover s']);
    expect((await ok('recover', 's')).stdout).toContain('all is archived');
    expect(await statuses()).toEqual(['archived: para recover s']);
    await killed(['recover', 's'], 'kill@2:after');
    expect(await statuses()).toEqual(['recovering: para recover s']);
    await ok('recover', 's');
    expect(existsSync(join(worktree, 'secret'))).toBe(true);
    expect(await statuses()).toEqual(['active: null']);
    expect(await at.broken()).toEqual([]);
  });
});

test('a container that was half given is taken back, one that was half removed is gone', async () => {
  await faultCase('F1', 'recover after docker start and stop', async () => {
    await ok('start', 's');
    await at.work();
    await killed(['docker', 'start', 's', '--image', 'busybox'], 'kill@2:after');
    expect(await statuses()).toEqual([expect.stringContaining(': para recover s')]);
    expect((await ok('recover', 's')).stdout).toContain('the session is as it was');
    expect(at.fake.containers()).toEqual([]);
    await ok('docker', 'start', 's', '--image', 'busybox');
    await killed(['docker', 'stop', 's', '--remove'], 'kill@3:after');
    expect((await ok('recover', 's')).stdout).toContain('the container is gone');
    expect(at.fake.containers()).toEqual([]);
    expect(await statuses()).toEqual(['active: null']);
    expect(await at.broken()).toEqual([]);
  });
});

test('a start with a container that came up is taken up with it', async () => {
  await faultCase('F1', 'recover after start --docker', async () => {
    await killed(['start', 's', ...DOCKER], 'kill@7:after');
    await ok('recover', 's');
    expect(at.fake.containers()).toHaveLength(1);
    expect(await statuses()).toEqual(['active: null']);
  });
});
