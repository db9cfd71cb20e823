import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { howMerged, type Merged } from '../../src/git/merged.ts';
import { openSession, type TestSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
  commit(s.path, 'one', '1');
  commit(s.path, 'two', '2');
  // The base goes on meanwhile.
  commit(s.temp.root, 'elsewhere', 'x');
});
afterEach(() => s.temp.remove());

const git = (cwd: string, ...args: string[]): string => s.temp.run(args, { cwd });
function commit(cwd: string, file: string, text: string): void {
  writeFileSync(join(cwd, file), text);
  git(cwd, 'add', file);
  git(cwd, 'commit', '-qm', file);
}
const asked = (): Promise<Merged> => howMerged(s.repo, git(s.path, 'rev-parse', 'HEAD'), 'refs/heads/main');

test('not at all, or only a part', async () => {
  expect(await asked()).toBeUndefined();
  git(s.temp.root, 'cherry-pick', `${s.branch}~1`);
  expect(await asked()).toBeUndefined();
});

test('by a merge, or as nothing but the base', async () => {
  git(s.temp.root, 'merge', '-q', '--no-edit', s.branch);
  expect(await asked()).toBe('merged');
  expect(await howMerged(s.repo, s.base, 'refs/heads/main')).toBe('merged');
});

test('commit by commit', async () => {
  git(s.temp.root, 'cherry-pick', `${s.base}..${s.branch}`);
  expect(await asked()).toBe('rebased');
});

test('squashed, also when the base went on afterwards', async () => {
  git(s.temp.root, 'merge', '-q', '--squash', s.branch);
  git(s.temp.root, 'commit', '-qm', 'all in one');
  commit(s.temp.root, 'one', 'changed later');
  expect(await asked()).toBe('squashed');
});

test('work after the squash is not in it', async () => {
  git(s.temp.root, 'merge', '-q', '--squash', s.branch);
  git(s.temp.root, 'commit', '-qm', 'all in one');
  commit(s.path, 'three', '3');
  expect(await asked()).toBeUndefined();
});
