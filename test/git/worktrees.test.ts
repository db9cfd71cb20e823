import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pushBranch, pushRemote } from '../../src/git/push.ts';
import { branchExists, deleteBranch, dropRef, swapRef } from '../../src/git/refs.ts';
import { sealedMounts } from '../../src/git/sealed.ts';
import { removeWorktree, takeAway } from '../../src/git/worktree-remove.ts';
import { isHalfMade, lockWorktree, requireUnlocked, unlockWorktree } from '../../src/git/worktree-lock.ts';
import { addWorktree, adminDirOf, attachWorktree, listWorktrees, undoAdd } from '../../src/git/worktrees.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
});
afterEach(() => s.temp.remove());

test('lists, locks, unlocks', async () => {
  await lockWorktree(s.repo, s.path, 'para\nsession');
  const [main, session] = await listWorktrees(s.repo);
  expect(main).toMatchObject({ path: s.temp.root, branch: 'main' });
  expect(session).toEqual({ path: s.path, head: s.base, branch: 'para/s1', locked: true, prunable: false });
  await unlockWorktree(s.repo, s.path);
  expect((await listWorktrees(s.repo))[1]?.locked).toBe(false);
});

test('finds the admin directory of each, also when another one has its name', async () => {
  const other = join(s.temp.base, 'elsewhere', 's1');
  await addWorktree({ repo: s.repo, path: other, branch: 'para/other', base: s.base });
  const all = join(s.repo.commonDir, 'worktrees');
  expect(await adminDirOf(s.repo, s.path)).toBe(join(all, 's1'));
  expect(await adminDirOf(s.repo, other)).toBe(join(all, 's11'));
  expect(await adminDirOf(s.repo, join(s.temp.base, 'none', 's1'))).toBeUndefined();
});

test('removes only its own, never through a link, and twice is fine', async () => {
  const outside = join(s.temp.base, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'keep'), 'x');
  symlinkSync(outside, join(s.path, 'link'));
  s.write('closed/x', 'x');
  chmodSync(join(s.path, 'closed'), 0);
  s.temp.run(['worktree', 'add', '-q', join(s.temp.base, 'users')]);
  rmSync(join(s.temp.base, 'users'), { recursive: true });
  await removeWorktree(s.repo, s.path);
  await removeWorktree(s.repo, s.path);
  expect(readdirSync(outside)).toEqual(['keep']);
  expect(readdirSync(join(s.repo.commonDir, 'worktrees'))).toEqual(['users']);
  for (const path of [
    s.temp.root,
    outside,
    join(s.temp.root, '.para/worktrees'),
    join(s.path, '../../../dir'),
    `${s.path}/../../..`,
  ]) {
    await expect(removeWorktree(s.repo, path)).rejects.toMatchObject({ code: 'REFUSED' });
  }
  rmSync(join(s.temp.root, '.para/worktrees'), { recursive: true });
  symlinkSync(s.temp.base, join(s.temp.root, '.para/worktrees'));
  await expect(removeWorktree(s.repo, join(s.temp.root, '.para/worktrees/outside'))).rejects.toMatchObject({
    code: 'REFUSED',
  });
});

test('one that was taken away is gone at once, and its files with the next removal of any', async () => {
  const home = join(s.temp.root, '.para/worktrees');
  await takeAway(s.repo, s.path);
  expect(readdirSync(join(s.repo.commonDir, 'worktrees'))).toEqual([]);
  expect(readdirSync(home)).toEqual([expect.stringMatching(/^\..*\.gone$/)]);
  await removeWorktree(s.repo, join(home, 'never'));
  expect(readdirSync(home)).toEqual([]);
});

test('files are written without the lock, and until they are there the worktree counts as half made', async () => {
  const { repo, base } = s;
  const path = join(s.temp.root, '.para/worktrees/s2');
  let inLock: unknown;
  await addWorktree({ repo, path, branch: 'para/s2', base }, async (work) => {
    const said = await work();
    inLock = { files: readdirSync(path), half: await isHalfMade(repo, path), locked: await isLocked(path) };
    return said;
  });
  expect(inLock).toEqual({ files: ['.git'], half: true, locked: false });
  expect(readdirSync(path).sort()).toEqual(['.git', 'a.txt', 'dir']);
  expect(await isHalfMade(repo, path)).toBe(false);
  expect(s.temp.run(['status', '--porcelain'], { cwd: path })).toBe('');
});

/** By a person, as far as para can tell. */
function isLocked(path: string): Promise<boolean> {
  return requireUnlocked(s.repo, path).then(
    () => false,
    () => true,
  );
}

test('undoes an add that was killed half-way, and keeps a branch that has work', async () => {
  const { repo, path, branch, base } = s;
  writeFileSync(join(s.admin, 'locked'), 'initializing');
  writeFileSync(join(s.admin, 'index.lock'), '');
  writeFileSync(join(repo.commonDir, 'refs/heads/para/s1.lock'), '');
  await undoAdd({ repo, path, branch, base, branchMade: true, lockedSince: new Date(0) });
  expect(await branchExists(repo, branch)).toBe(false);
  await addWorktree({ repo, path, branch, base });
  await swapRef(repo, `refs/heads/${branch}`, {
    before: base,
    after: s.temp.run(['commit-tree', '-p', base, '-m', 'x', `${base}^{tree}`]),
  });
  await undoAdd({ repo, path, branch, base, branchMade: true });
  expect(await branchExists(repo, branch)).toBe(true);
  await attachWorktree({ repo, path, branch });
  expect(existsSync(join(path, 'a.txt'))).toBe(true);
});

test('a branch that moved is not deleted, one that is gone is no error', async () => {
  await expect(deleteBranch(s.repo, 'main', '1'.repeat(40))).rejects.toMatchObject({ code: 'GIT_FAILED' });
  await dropRef(s.repo, 'refs/heads/none', s.base);
  await expect(
    swapRef(s.repo, 'refs/heads/main', { before: undefined, after: s.base }),
  ).rejects.toMatchObject({ code: 'GIT_FAILED' });
});

test('alternates of the repository are mounted and chained', async () => {
  mkdirSync(join(s.temp.base, 'far'));
  writeFileSync(join(s.repo.commonDir, 'objects/info/alternates'), `${join(s.temp.base, 'far')}\n`);
  expect((await sealedMounts(s.repo, s.sealed.dir)).at(-1)).toEqual({
    source: join(s.temp.base, 'far'),
    target: '/para/objects-1',
    readOnly: true,
  });
});

test('pushes where git would, or where the settings say, without hooks, and says what to run', async () => {
  const marker = join(s.temp.base, 'marker');
  expect(await pushRemote(s.repo, s.branch, null)).toBeUndefined();
  expect(await pushRemote(s.repo, s.branch, 'mine')).toBeUndefined();
  s.temp.run(['init', '-q', '--bare', join(s.temp.base, 'up.git')]);
  s.temp.run(['remote', 'add', 'up', join(s.temp.base, 'up.git')]);
  expect(await pushRemote(s.repo, s.branch, null)).toBe('up');
  mkdirSync(join(s.repo.commonDir, 'hooks'), { recursive: true });
  writeFileSync(join(s.repo.commonDir, 'hooks/pre-push'), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  await pushBranch(s.repo, { branch: s.branch, remote: 'up' });
  expect(existsSync(marker)).toBe(false);
  expect(readFileSync(join(s.temp.base, 'up.git/refs/heads/para/s1'), 'utf8').trim()).toBe(s.base);
  // The repository's settings are the user's.
  expect(s.temp.run(['config', '--local', '--list'])).not.toContain('branch.para');
  s.temp.run(['remote', 'add', 'origin', '/nowhere']);
  expect(await pushRemote(s.repo, s.branch, null)).toBe('origin');
  expect(await pushRemote(s.repo, s.branch, 'up')).toBe('up');
  await expect(pushBranch(s.repo, { branch: s.branch, remote: 'origin' })).rejects.toMatchObject({
    code: 'PUSH_FAILED',
    hint: 'git push -u origin para/s1',
  });
  await expect(pushRemote(s.repo, s.branch, 'mine')).rejects.toMatchObject({
    message: 'the setting git.remote is "mine", and there is no such remote',
    hint: 'This repository has: origin, up\npara config set git.remote origin',
  });
  s.temp.run(['config', 'branch.para/s1.pushRemote', 'up']);
  expect(await pushRemote(s.repo, s.branch, null)).toBe('up');
});

test('a push that the other side refuses: its own words come back, clean', async () => {
  const up = join(s.temp.base, 'up.git');
  s.temp.run(['init', '-q', '--bare', up]);
  s.temp.run(['remote', 'add', 'up', up]);
  writeFileSync(join(up, 'hooks/pre-receive'), '#!/bin/sh\nprintf "no \\033[31mTICKET\\n" >&2; exit 1\n', {
    mode: 0o755,
  });
  await expect(pushBranch(s.repo, { branch: s.branch, remote: 'up' })).rejects.toMatchObject({
    details: {
      stderr: expect.stringMatching(
        /^remote: no .*TICKET\n ! \[remote rejected\] .*pre-receive hook declined\)$/,
      ) as unknown,
    },
  });
});
