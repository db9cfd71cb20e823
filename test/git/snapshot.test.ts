import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restoreSnapshot, takeSnapshot, type Snapshot } from '../../src/git/snapshot.ts';
import { attachWorktree } from '../../src/git/worktrees.ts';
import { removeWorktree } from '../../src/git/worktree-remove.ts';
import { blobs } from '../support/look.ts';
import { openSession, type TestSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
});
afterEach(() => s.temp.remove());

const take = (why = 'test'): Promise<Snapshot> =>
  takeSnapshot({ repo: s.repo, session: 's1', worktreePath: s.path, branch: s.branch }, why);
const git = (...args: string[]): string =>
  s.temp.run(['-c', 'core.quotePath=false', ...args], { cwd: s.path });
const status = (): string => git('status', '--porcelain=v1', '-uall', '--no-renames');

/** Removes the worktree and makes it again from branch and snapshot. */
async function again(snapshot: Snapshot): Promise<void> {
  await removeWorktree(s.repo, s.path);
  await attachWorktree({ repo: s.repo, path: s.path, branch: s.branch });
  await restoreSnapshot(s.repo, s.path, snapshot.commit ?? '');
}

function changeEverything(): void {
  s.write('both', 'staged');
  s.write('staged new', 'x');
  s.write('tool', '#!/bin/sh\n');
  git('add', '.');
  s.write('both', 'staged, then changed');
  s.write('untracked/ü ✓\n日本', Buffer.from([0, 1, 0xff]));
  chmodSync(join(s.path, 'tool'), 0o755);
  symlinkSync('/nowhere', join(s.path, 'link'));
  git('rm', '-q', '--cached', 'a.txt');
  rmSync(join(s.path, 'dir'), { recursive: true });
  s.write('dir', 'a file now');
}

test('a clean worktree needs none', async () => {
  expect(await take()).toEqual({ ref: undefined, commit: undefined, nested: [] });
});

test('brings back files, links, modes and what was staged', async () => {
  changeEverything();
  const before = { files: blobs(s.path), status: status() };
  const index = readFileSync(join(s.admin, 'index'));
  const snapshot = await take();
  expect(snapshot).toMatchObject({ ref: 'refs/para/snap/s1/1', nested: [] });
  expect(readFileSync(join(s.admin, 'index'))).toEqual(index);
  expect({ files: blobs(s.path), status: status() }).toEqual(before);
  await again(snapshot);
  expect({ files: blobs(s.path), status: status() }).toEqual(before);
});

test('only staged, or only deleted, is something too', async () => {
  s.write('a.txt', 'other');
  git('add', 'a.txt');
  s.write('a.txt', s.temp.run(['show', `${s.base}:a.txt`]) + '\n');
  rmSync(join(s.path, 'dir'), { recursive: true });
  const before = status();
  await again(await take());
  expect(status()).toBe(before);
});

test('is taken while index.lock is held, and without any index', async () => {
  s.write('new', 'x');
  writeFileSync(join(s.admin, 'index.lock'), '');
  expect((await take()).ref).toBe('refs/para/snap/s1/1');
  expect(readFileSync(join(s.admin, 'index.lock'), 'utf8')).toBe('');
  rmSync(join(s.admin, 'index.lock'));
  rmSync(join(s.admin, 'index'));
  s.write('newer', 'x');
  const { commit } = await take();
  expect(git('ls-tree', '-r', '--name-only', commit ?? '').split('\n')).toEqual(
    expect.arrayContaining(['a.txt', 'new', 'newer']),
  );
});

test('the same work is kept once, other work beside it', async () => {
  s.write('new', 'x');
  expect((await take()).ref).toBe('refs/para/snap/s1/1');
  expect((await take()).ref).toBe('refs/para/snap/s1/1');
  git('add', 'new');
  expect((await take()).ref).toBe('refs/para/snap/s1/2');
  s.write('new', 'y');
  expect((await take()).ref).toBe('refs/para/snap/s1/3');
});

function conflict(): void {
  git('checkout', '-q', '-b', 'other');
  s.write('a.txt', 'theirs');
  git('commit', '-qam', 'theirs');
  git('checkout', '-q', s.branch);
  s.write('a.txt', 'ours');
  git('commit', '-qam', 'ours');
  expect(() => git('merge', '-q', 'other')).toThrow();
}

test('a conflicted index does not stop it', async () => {
  conflict();
  const conflicted = readFileSync(join(s.path, 'a.txt'), 'utf8');
  const snapshot = await take();
  git('merge', '--abort');
  await again(snapshot);
  expect(readFileSync(join(s.path, 'a.txt'), 'utf8')).toBe(conflicted);
});

describe('of a worktree whose directory is gone', () => {
  const gone = async (): Promise<Snapshot> => {
    rmSync(s.path, { recursive: true });
    return take();
  };

  test('what was staged is kept, and comes back', async () => {
    s.write('new', 'staged');
    git('rm', '-q', 'a.txt');
    git('add', 'new');
    s.write('new', 'not staged, and gone');
    const snapshot = await gone();
    expect(snapshot).toMatchObject({ ref: 'refs/para/snap/s1/1', nested: [] });
    await again(snapshot);
    expect(status()).toBe('D  a.txt\nA  new');
  });

  test('nothing staged is nothing', async () => {
    s.write('new', 'not staged');
    expect(await gone()).toMatchObject({ commit: undefined });
  });

  test('of a file with conflicts ours is kept, beside what was staged', async () => {
    conflict();
    s.write('new', 'staged');
    git('add', 'new');
    const { commit = '' } = await gone();
    expect(s.temp.run(['show', `${commit}:a.txt`])).toBe('ours');
    expect(s.temp.run(['show', `${commit}:new`])).toBe('staged');
  });

  test('an index that can not be read is named', async () => {
    writeFileSync(join(s.admin, 'index'), 'no index');
    await expect(gone()).rejects.toMatchObject({
      code: 'GIT_FAILED',
      hint: expect.stringMatching(/^rm .*index$/m) as unknown,
    });
  });
});

test('nested repositories are named and left out, what is beside them is kept', async () => {
  s.write('sub/deep/file', 'x');
  s.temp.run(['init', '-q'], { cwd: join(s.path, 'sub/deep') });
  s.write('sub/beside', 'x');
  s.temp.run(['init', '-q'], { cwd: join(s.path, 'dir') });
  s.write('.gitignore', 'ignored/\n');
  s.write('ignored/inner/file', 'x');
  s.temp.run(['init', '-q'], { cwd: join(s.path, 'ignored/inner') });
  const { nested, commit } = await take();
  expect(nested).toEqual(['dir/', 'sub/deep/']);
  const kept = git('ls-tree', '-r', '--name-only', commit ?? '').split('\n');
  expect(kept).toContain('sub/beside');
  expect(kept.filter((path) => path.startsWith('sub/deep'))).toEqual([]);
});

test('filters of the repository are not run', async () => {
  const marker = join(s.temp.base, 'marker');
  s.temp.run(['config', 'filter.x.clean', `touch '${marker}'; cat`]);
  s.write('.gitattributes', '* filter=x\n');
  s.write('new', 'x');
  await again(await take());
  expect(() => readFileSync(marker)).toThrow(/ENOENT/);
});

test('file names that git would quote, and a moved file, come back', async () => {
  mkdirSync(join(s.path, 'to'));
  renameSync(join(s.path, 'a.txt'), join(s.path, 'to/"quoted\tname"'));
  const before = blobs(s.path);
  await again(await take());
  expect(blobs(s.path)).toEqual(before);
});
