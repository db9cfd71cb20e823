/** `para recover NAME` brings whatever was cut short to its end, with what was asked for then. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

test('a finish that a person has to decide first goes back, and the session goes on', async () => {
  await faultCase('F1', 'recover after finish, commits on both sides', async () => {
    await ok('start', 's', ...DOCKER);
    await at.work();
    await killed(['finish', 'Done', 's', '-b', 'para/x'], 'kill@2:after');
    await at.world.out(['git', 'commit', '-qm', 'on the host'], { cwd: at.worktree });
    const { stdout, stderr } = await ok('recover', 's');
    expect(stdout).toContain('is taken back: a person has to decide first');
    expect(stderr).toMatch(/got commits both on the host and in the container[^]*git merge -s ours/);
    expect(await statuses()).toEqual(['active: null']);
    expect(await at.para(['finish', 'Done', 's'])).toMatchObject({ code: 10 });
    await ok('cancel', 's');
    expect(await at.broken()).toEqual([]);
  });
});

test('a finish on a detached HEAD goes on after more work', async () => {
  await faultCase('F1', 'recover after finish, detached', async () => {
    await ok('start', 's');
    await at.work();
    await at.world.out(['git', 'switch', '-q', '--detach'], { cwd: at.worktree });
    // Committed, and the branch not named yet.
    await killed(['finish', 'Done', 's', '-b', 'para/x'], 'kill@5:after');
    expect(await git('log', '--format=%s', 'main..para/s')).toBe('Done\ncommitted');
    writeFileSync(join(at.worktree, 'more'), 'more\n');
    await ok('recover', 's');
    expect(await git('log', '--format=%s', 'main..para/x')).toBe('Done\nDone\ncommitted');
    expect(await at.broken()).toEqual([]);
  });
});

test('a record that can not be read, and nothing else, is put aside', async () => {
  await faultCase('F8', 'recover of nothing but a record', async () => {
    await ok('start', 'other');
    const record = join(at.repo, '.para/state/s.state');
    writeFileSync(record, '{"schema":1,');
    const list = await ok('list');
    expect(list.stderr).toContain('to put the record aside: para recover s');
    const { stderr } = await ok('recover', 's');
    const [, aside = ''] = /it is kept as (\S+)/.exec(stderr) ?? [];
    expect(readFileSync(aside, 'utf8')).toBe('{"schema":1,');
    expect(await statuses()).toEqual(['active: null']);
    expect((await ok('list')).stderr).toBe('');
  });
});

test('what a cancel let go when it began is packed when it is gone on with', async () => {
  await faultCase('F1', 'recover after cancel --force', async () => {
    await ok('start', 's');
    writeFileSync(join(at.repo, '.git/info/exclude'), '*.log\n');
    writeFileSync(join(at.worktree, 'old.log'), 'let go\n');
    await killed(['cancel', 's', '--force'], 'kill@1:after');
    writeFileSync(join(at.worktree, 'new.log'), 'not let go\n');
    await ok('start', 't');
    await ok('recover', 's');
    expect(readFileSync(join(at.worktree, 'new.log'), 'utf8')).toBe('not let go\n');
  });
});

test.each(['finish', 'cancel', 'recover'])('staged, the worktree removed, then %s', async (verb) => {
  await faultCase('F13', `staged, worktree removed, ${verb}`, async () => {
    await ok('start', 's');
    await at.work();
    rmSync(at.worktree, { recursive: true });
    await ok(verb, ...(verb === 'finish' ? ['Done', 's'] : ['s']));
    const objects = await git('rev-list', '--objects', '--all', '--indexed-objects');
    expect(objects).toContain(' staged');
  });
});

test('a recover that was cut short begins anew, and what was done since is kept', async () => {
  await faultCase('F1', 'recover after recover, with work since', async () => {
    await ok('start', 's');
    await at.work();
    await ok('cancel', 's');
    await killed(['recover', 's'], 'kill@3:after');
    writeFileSync(join(at.worktree, 'since'), 'since\n');
    const { stderr } = await ok('recover', 's');
    const [, ref = ''] = /since is kept: (\S+)/.exec(stderr) ?? [];
    expect(await git('show', `${ref}:since`)).toBe('since');
    expect(await at.broken()).toEqual([]);
  });
});

test('a record that is torn after a recover is that of a session that is back', async () => {
  await faultCase('F8', 'recover, then a torn record', async () => {
    await ok('start', 's');
    await at.work();
    await ok('cancel', 's');
    await ok('recover', 's');
    writeFileSync(join(at.repo, '.para/state/s.state'), '{"schema":1,');
    writeFileSync(join(at.worktree, 'since'), 'since\n');
    await ok('recover', 's');
    expect(readFileSync(join(at.worktree, 'since'), 'utf8')).toBe('since\n');
    expect(await at.broken()).toEqual([]);
  });
});
