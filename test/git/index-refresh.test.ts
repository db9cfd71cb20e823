/** The host's index follows the branch that commits of the container have moved, and keeps what was staged. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markIndex } from '../../src/git/index-refresh.ts';
import { createSealed } from '../../src/git/sealed.ts';
import { takeSnapshot } from '../../src/git/snapshot.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
});
afterEach(() => {
  s.temp.remove();
});

const onHost = (...args: string[]): string => s.temp.run(args, { cwd: s.path });
const status = (): readonly string[] => onHost('status', '--porcelain').split('\n');
const commitInside = (file: string, text: string): string => {
  s.write(file, text);
  s.inside('add', file);
  s.inside('commit', '-qm', file);
  return s.inside('rev-parse', 'HEAD');
};

/** New, changed, deleted and made executable: staged; and a file that is not. */
function stageAll(): readonly string[] {
  s.write('staged.txt', 'staged\n');
  s.write('a.txt', 'staged\n');
  onHost('add', 'staged.txt', 'a.txt');
  s.write('a.txt', 'and more\n');
  onHost('rm', '-q', '--cached', 'dir/b.txt');
  s.write('loose.txt', 'loose\n');
  return status();
}

test('nothing to bring: what is staged stays so', async () => {
  const before = stageAll();
  const index = readFileSync(join(s.admin, 'index'));
  expect(await s.bringBack()).toMatchObject({ moved: false });
  expect(status()).toEqual(before);
  expect(readFileSync(join(s.admin, 'index'))).toEqual(index);
});

test('the branch moves: what is staged stays so, what was committed inside is no change', async () => {
  const before = stageAll();
  commitInside('inner.txt', 'inner\n');
  expect(await s.bringBack()).toMatchObject({ moved: true, stagedKept: undefined });
  expect(status()).toEqual(before);
  expect(onHost('show', ':a.txt')).toBe('staged');
  expect(existsSync(join(s.admin, 'para-index-of'))).toBe(false);
});

test('a mode that was staged, and a name that is odd', async () => {
  s.write('ünï "q"\n.txt', 'odd\n');
  chmodSync(join(s.path, 'a.txt'), 0o755);
  onHost('add', '-A');
  const before = status();
  commitInside('inner.txt', 'inner\n');
  await s.bringBack();
  expect(status()).toEqual(before);
});

test('the same path was committed otherwise inside: that is kept in a snapshot, the rest stays staged', async () => {
  s.write('a.txt', 'staged on the host\n');
  s.write('other.txt', 'other\n');
  s.write('ünï.txt', 'odd\n');
  onHost('add', '-A');
  onHost('rm', '-q', '--cached', 'dir/b.txt');
  commitInside('a.txt', 'committed inside\n');
  s.write('loose.txt', 'a container may put a link here while it is read\n');
  const { stagedKept } = await s.bringBack();
  expect(stagedKept).toBe('refs/para/snap/s1/1');
  expect(onHost('ls-tree', '-r', '--name-only', stagedKept ?? '')).not.toContain('loose');
  expect(onHost('show', `${stagedKept ?? ''}^2:a.txt`)).toBe('staged on the host');
  expect(
    onHost('-c', 'core.quotePath=false', 'diff', '--cached', '--name-status', '--no-renames').split('\n'),
  ).toEqual(['D\tdir/b.txt', 'A\tother.txt', 'A\tünï.txt']);
  expect(onHost('show', ':a.txt')).toBe('committed inside');
});

test('the branch moved and para died: the next one lets the index follow', async () => {
  stageAll();
  const before = status();
  const inner = commitInside('inner.txt', 'inner\n');
  await markIndex({ repo: s.repo, path: s.path, branch: s.branch }, s.base);
  onHost('fetch', '-q', s.sealed.dir, inner);
  onHost('update-ref', `refs/heads/${s.branch}`, inner);
  expect(status()).toContain('D  inner.txt');
  expect(await s.bringBack()).toMatchObject({ moved: false });
  expect(status()).toEqual(before);
});

test('a move that never came leaves the index alone', async () => {
  const before = stageAll();
  await markIndex({ repo: s.repo, path: s.path, branch: s.branch }, s.base);
  await s.bringBack();
  expect(status()).toEqual(before);
  expect(existsSync(join(s.admin, 'para-index-of'))).toBe(false);
});

test('a sealed directory is there whole, or as it was', async () => {
  const { repo, branch, base, sealed } = s;
  const head = readFileSync(join(sealed.dir, 'HEAD'), 'utf8');
  writeFileSync(join(sealed.dir, 'mark'), '');
  const request = { repo, session: 's1', branch, base, dir: sealed.dir };
  // What comes last is the index of the worktree.
  await expect(createSealed({ ...request, worktreePath: `${s.path}-none` })).rejects.toThrow(
    'not registered',
  );
  expect(existsSync(join(sealed.dir, 'mark'))).toBe(true);
  rmSync(sealed.dir, { recursive: true });
  await expect(createSealed({ ...request, worktreePath: `${s.path}-none` })).rejects.toThrow(
    'not registered',
  );
  expect(existsSync(sealed.dir)).toBe(false);
  await createSealed({ ...request, worktreePath: s.path });
  expect(readFileSync(join(sealed.dir, 'HEAD'), 'utf8')).toBe(head);
  expect(existsSync(`${sealed.dir}.new`)).toBe(false);
});

test('of a worktree whose files are gone the index stays where it was: nothing of what came back was staged', async () => {
  s.write('staged.txt', 'staged\n');
  commitInside('in.txt', 'inside\n');
  const from = { repo: s.repo, session: 's1', worktreePath: s.path, branch: s.branch };
  rmSync(s.path, { recursive: true });
  expect(await s.bringBack()).toMatchObject({ moved: true });
  expect(await takeSnapshot(from, 'test')).toMatchObject({ commit: undefined });
});

test('what was staged there is kept on the commit that it was staged on', async () => {
  s.write('staged.txt', 'staged\n');
  onHost('add', 'staged.txt');
  commitInside('in.txt', 'inside\n');
  const from = { repo: s.repo, session: 's1', worktreePath: s.path, branch: s.branch };
  rmSync(s.path, { recursive: true });
  await s.bringBack();
  const { commit = '' } = await takeSnapshot(from, 'test');
  expect(s.temp.run(['diff', '--name-status', `${commit}^1`, commit])).toBe('A\tstaged.txt');
  expect(s.temp.run(['rev-parse', `${commit}^1`])).toBe(s.base);
});
