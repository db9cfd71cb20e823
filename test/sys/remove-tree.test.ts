/** Directories that are made so that nobody can remove them. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { removeTree } from '../../src/sys/remove-tree.ts';

let dir: string;
let tree: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-tree-'));
  tree = join(dir, 'tree');
  mkdirSync(tree);
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});
const sh = (script: string): void => void execFileSync('bash', ['-c', script], { cwd: tree });

test('deeper than any path can name, with files on the way', async () => {
  sh('for i in {1..60}; do d=$(printf "%0200d" $i); mkdir $d; echo x >$d.file; cd -P ./$d; done; chmod 0 .');
  await removeTree(tree);
  expect(readdirSync(dir)).toEqual([]);
});

test('without permissions, and with names that are no text', async () => {
  sh(
    `mkdir -p a/b $'bad\\377'; echo x >a/b/x; echo y >$'bad\\377/y\\376'; echo z >$'z\\377'; chmod 0 a/b a $'bad\\377'`,
  );
  await removeTree(tree);
  expect(readdirSync(dir)).toEqual([]);
});

test('a link is unlinked and not followed, even where all is moved about', async () => {
  mkdirSync(join(dir, 'kept'));
  writeFileSync(join(dir, 'kept/file'), 'mine');
  symlinkSync(join(dir, 'kept'), join(tree, 'link'));
  sh(
    'for i in {1..30}; do d=$(printf "%0200d" $i); mkdir $d; cd -P ./$d; done; ln -s ' +
      join(dir, 'kept') +
      ' link',
  );
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
  expect(readFileSync(join(dir, 'kept/file'), 'utf8')).toBe('mine');
});

test('a directory whose name is no text is not taken for a link that is named as it is shown', async () => {
  mkdirSync(join(dir, 'kept'));
  writeFileSync(join(dir, 'kept/file'), 'mine');
  symlinkSync(join(dir, 'kept'), join(tree, 'x\ufffd'));
  sh(`mkdir $'x\\377'; echo x >$'x\\377/file'`);
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
  expect(readFileSync(join(dir, 'kept/file'), 'utf8')).toBe('mine');
});

test('what is not there is gone already', async () => {
  await removeTree(join(dir, 'nothing'));
  await removeTree(tree);
  expect(readdirSync(dir)).toEqual([]);
});
