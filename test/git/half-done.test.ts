import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { halfDoneIn, hasConflicts } from '../../src/git/half-done.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
});
afterEach(() => s.temp.remove());

const git = (...args: string[]): string => s.temp.run(args, { cwd: s.path });
const conflicts = (): Promise<boolean> => hasConflicts(join(s.admin, 'index'), 'sha1');

/** Two branches that change one file, each in one commit. */
function diverge(): void {
  git('switch', '-q', '-c', 'other');
  s.write('a.txt', 'theirs');
  git('commit', '-qam', 'theirs');
  git('switch', '-q', s.branch);
  s.write('a.txt', 'ours');
  git('commit', '-qam', 'ours');
}

test('a worktree in which nothing is under way', async () => {
  expect(await halfDoneIn(s.admin)).toBeUndefined();
  expect(await conflicts()).toBe(false);
});

describe.each([
  ['merge', ['merge', 'other'], 'merging', ['merge --continue', 'merge --abort']],
  ['rebase', ['rebase', 'other'], 'rebasing', ['rebase --continue', 'rebase --abort']],
  ['rebase', ['rebase', '--apply', 'other'], 'rebasing', ['rebase --continue', 'rebase --abort']],
  ['cherry-pick', ['cherry-pick', 'other'], 'picking', ['cherry-pick --continue', 'cherry-pick --abort']],
])('git %s: %j', (what, command, word, ways) => {
  test('is told, and the conflict; not any more once it is taken back', async () => {
    diverge();
    expect(() => git(...command)).toThrow();
    expect(await halfDoneIn(s.admin)).toEqual({ what, word, ways });
    expect(await conflicts()).toBe(true);
    git(what, '--abort');
    expect(await halfDoneIn(s.admin)).toBeUndefined();
    expect(await conflicts()).toBe(false);
  });
});

test('git revert and git bisect', async () => {
  diverge();
  s.write('a.txt', 'later');
  git('commit', '-qam', 'later');
  expect(() => git('revert', 'HEAD~1')).toThrow();
  expect(await halfDoneIn(s.admin)).toMatchObject({ what: 'revert', word: 'reverting' });
  git('revert', '--abort');
  git('bisect', 'start');
  expect(await halfDoneIn(s.admin)).toMatchObject({ word: 'bisecting', ways: ['bisect reset'] });
});

test.each(['2', '3', '4'])('a conflict without an operation, index version %s', async (version) => {
  for (let n = 0; n < 9; n += 1) s.write(`deep/${'x'.repeat(n * 3)}ü/f${String(n)}`, 'x');
  git('add', '.');
  git('commit', '-qm', 'many');
  if (version === '3') git('update-index', '--skip-worktree', 'a.txt');
  git('update-index', '--index-version', version);
  expect(await conflicts()).toBe(false);
  if (version === '3') git('update-index', '--no-skip-worktree', 'a.txt');
  s.write('dir/b.txt', 'put aside');
  git('stash', '-q');
  s.write('dir/b.txt', 'other');
  git('commit', '-qam', 'other');
  expect(() => git('stash', 'pop')).toThrow();
  expect(await halfDoneIn(s.admin)).toBeUndefined();
  expect(await conflicts()).toBe(true);
});

test('in a sealed directory: what is there is looked at, and not followed or believed', async () => {
  const index = join(s.sealed.dir, 'index');
  s.inside('switch', '-q', '-c', 'other');
  s.write('a.txt', 'theirs');
  s.inside('commit', '-qam', 'theirs');
  s.inside('switch', '-q', s.branch);
  s.write('a.txt', 'ours');
  s.inside('commit', '-qam', 'ours');
  expect(() => s.inside('merge', 'other')).toThrow();
  expect(await halfDoneIn(s.sealed.dir)).toMatchObject({ word: 'merging' });
  expect(await hasConflicts(index, 'sha1')).toBe(true);
  s.inside('merge', '--abort');
  symlinkSync('/nowhere', join(s.sealed.dir, 'rebase-merge'));
  expect(await halfDoneIn(s.sealed.dir)).toMatchObject({ word: 'rebasing' });
  const damaged = [Buffer.alloc(0), Buffer.from('DIRC\0\0\0\x02\xff\xff\xff\xff'), Buffer.alloc(4096, 0xff)];
  for (const bytes of [
    ...damaged,
    Buffer.concat([Buffer.from('DIRC\0\0\0\x04\0\xff\0\0', 'latin1'), Buffer.alloc(999)]),
  ]) {
    writeFileSync(index, bytes);
    expect(await hasConflicts(index, 'sha1')).toBe(false);
  }
  rmSync(index);
  mkdirSync(index);
  expect(await hasConflicts(index, 'sha1')).toBe(false);
});
