import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { objectsOf } from '../../src/git/refs.ts';
import { makeMove, moveToHead, ownNames, remakeBranch, type BranchMove } from '../../src/git/session-head.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
});
afterEach(() => s.temp.remove());

const git = (...args: string[]): string => s.temp.run(args, { cwd: s.path });
const commit = (name: string): string => {
  s.write(name, name);
  git('add', '.');
  git('commit', '-qm', name);
  return git('rev-parse', 'HEAD');
};
const where = () => ({
  ...{ repo: s.repo, session: 's1', branch: s.branch, base: s.base, adminDir: s.admin, worktreePath: s.path },
});
const settle = async (): Promise<BranchMove | undefined> => {
  const move = await moveToHead(where());
  if (move !== undefined) await makeMove(where(), move);
  return move;
};
const sh = (script: string): string =>
  execFileSync('sh', ['-ec', script], {
    cwd: '/',
    stdio: 'pipe',
    encoding: 'utf8',
    env: { ...s.temp.env, GIT_MERGE_AUTOEDIT: 'no' },
  });
const tip = (): string => s.temp.run(['rev-parse', s.branch]);

test('on the branch there is nothing to do', async () => {
  commit('x');
  expect(await settle()).toBeUndefined();
});

test.each([
  ['detached', ['switch', '-q', '--detach'], /HEAD was detached; its commits are on para\/s1 now/],
  ['on another branch', ['switch', '-q', '-c', 'side'], /HEAD was on side; its commits/],
])('%s, after it: the branch goes along', async (_how, command, why) => {
  commit('x');
  git(...command);
  expect(await settle()).toBeUndefined();
  const last = commit('y');
  expect(await settle()).toMatchObject({ after: last, why: expect.stringMatching(why) });
  expect(tip()).toBe(last);
});

describe('HEAD beside the branch, or behind it, is refused, and the hint works as typed', () => {
  test.each([
    ['detached beside it', ['switch', '-q', '--detach', 'HEAD~1'], 'beside'],
    ['on another branch beside it', ['switch', '-q', '-c', 'side', 'HEAD~1'], 'beside'],
    ['behind it, to look', ['switch', '-q', '--detach', 'HEAD~1'], undefined],
  ])('%s', async (_how, command, then) => {
    const first = commit('x');
    git(...command);
    if (then !== undefined) commit(then);
    const head = git('rev-parse', 'HEAD');
    const refused = await moveToHead(where()).then(
      () => undefined,
      (error: unknown) => error as { code: string; exit: number; hint: string },
    );
    expect(refused).toMatchObject({ code: 'REFUSED', exit: 10 });
    expect(tip()).toBe(first);
    const commands = (refused?.hint ?? '').split('\n').filter((line) => line.startsWith('git '));
    sh(commands.join(' && '));
    expect(await settle()).toBeUndefined();
    expect(git('merge-base', '--is-ancestor', head, s.branch)).toBe('');
    expect(git('merge-base', '--is-ancestor', first, s.branch)).toBe('');
  });

  test('an orphan branch without a commit', async () => {
    git('checkout', '-q', '--orphan', 'new');
    await expect(moveToHead(where())).rejects.toMatchObject({ code: 'REFUSED', exit: 10 });
  });
});

describe('the branch is deleted', () => {
  const gone = (): string => s.temp.run(['update-ref', '-d', `refs/heads/${s.branch}`]);

  test('while the worktree is on it: back at the last commit, from the log of HEAD', async () => {
    const last = commit('x');
    gone();
    expect(await settle()).toMatchObject({ before: undefined, after: last });
    expect(tip()).toBe(last);
    expect(git('status', '--porcelain')).toBe('');
  });

  test('renamed: back at the commit of the new name', async () => {
    const last = commit('x');
    git('branch', '-m', 'renamed');
    expect(await settle()).toMatchObject({ after: last });
  });

  test('after commits came from the container: back at the last of those', async () => {
    s.write('in', 'x');
    s.inside('add', 'in');
    s.inside('commit', '-qm', 'inside');
    const { after } = await s.bringBack();
    gone();
    s.temp.run(['reflog', 'expire', '--expire=now', '--all'], { cwd: s.path });
    expect(await remakeBranch({ ...where(), adminDir: undefined })).toMatchObject({ after });
  });

  test('without any trace: back at the base', async () => {
    gone();
    expect(await remakeBranch({ ...where(), adminDir: undefined })).toMatchObject({ after: s.base });
  });
});

test('commits that only the worktree’s own git directory knows', async () => {
  const first = commit('x');
  git('switch', '-q', '--detach', 'HEAD~1');
  const detached = commit('y');
  s.write('a.txt', 'put aside');
  expect(() => git('rebase', '-q', '--autostash', '-x', 'false', `${detached}~1`)).toThrow();
  const aside = readFileSync(join(s.admin, 'rebase-merge/autostash'), 'utf8').trim();
  const own = await objectsOf(s.repo, await ownNames(s.admin));
  expect(own).toEqual(expect.arrayContaining([detached, aside]));
  expect(own).not.toContain(first);
});
