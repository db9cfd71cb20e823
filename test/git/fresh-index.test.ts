/** A large index, in which git would compare the content of most files at each look. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { takeSnapshot } from '../../src/git/snapshot.ts';
import { addDetached } from '../../src/git/worktree-lock.ts';
import { settleNewIndex } from '../../src/git/fresh-index.ts';
import { commitAll } from '../../src/git/stage.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
  const deep = Array.from({ length: 6 }, () => 'd'.repeat(180)).join('/');
  for (let n = 0; n < 260; n += 1) s.write(`${deep}/${String(n)}`, 'a');
  s.temp.run(['add', '-A'], { cwd: s.path });
  s.temp.run(['commit', '-qm', 'many'], { cwd: s.path });
});
afterEach(() => s.temp.remove());

test('is looked through once for all, and misses nothing that was changed in its own second', async () => {
  expect(statSync(join(s.admin, 'index')).size).toBeGreaterThan(256 * 1024);
  s.write('a.txt', 'staged\n');
  s.temp.run(['add', 'a.txt'], { cwd: s.path });
  // As large as before, and in the same second: only their content tells.
  s.write('a.txt', 'edited\n');
  const refreshed: unknown[] = [];
  const attempt: typeof s.repo.git.attempt = (call) => {
    if (call.args.includes('--refresh')) refreshed.push(call.args);
    return s.repo.git.attempt(call);
  };
  const repo = { ...s.repo, git: { ...s.repo.git, attempt } };
  const { admin: worktreeAdminDir, path: worktreePath, branch } = s;
  const { commit = '' } = await takeSnapshot({ repo, session: 's1', branch, worktreePath }, 'kept');
  const show = (of: string): string => s.temp.run(['show', `${of}:a.txt`]);
  expect([show(commit), show(`${commit}^2`)]).toEqual(['edited', 'staged']);
  s.write('a.txt', 'hasted\n');
  await commitAll({ repo, worktreeAdminDir, worktreePath, branch, message: 'm' });
  expect(show(branch)).toBe('hasted');
  expect(refreshed).toHaveLength(1);
  expect(readdirSync(s.admin).filter((name) => name.startsWith('index'))).toEqual(['index']);
});

test('in a new worktree git has looked at each file, in a later second than they are of', async () => {
  const path = join(s.temp.root, 'kept');
  await addDetached({ repo: s.repo, path, base: s.temp.run(['rev-parse', s.branch]) }, 'kept');
  const index = join(s.temp.root, '.git/worktrees/kept/index');
  const second = (file: string): number => Math.floor(statSync(file).mtimeMs / 1000);
  const newest = Math.max(...['a.txt', 'dir/b.txt'].map((name) => second(join(path, name))), second(index));
  await settleNewIndex({ repo: s.repo, worktreePath: path });
  expect(second(index)).toBeGreaterThan(newest);
  expect(s.temp.run(['-C', path, 'status', '--porcelain'])).toBe('');
  s.temp.run(['worktree', 'remove', '-f', '-f', path]);
});
