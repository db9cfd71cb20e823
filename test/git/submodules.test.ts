import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inSubmodules, maySubmodules } from '../../src/git/submodules.ts';
import { tempRepo } from '../support/temp-repo.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
const LOCAL = ['-c', 'protocol.file.allow=always'];
beforeEach(async () => {
  const temp = tempRepo();
  const lib = join(temp.base, 'lib');
  for (const name of ['inner', 'lib']) {
    const path = join(temp.base, name);
    temp.run(['init', '-q', path]);
    writeFileSync(join(path, 'l.txt'), 'l');
    writeFileSync(join(path, '.gitignore'), 'ignored\n');
    if (name === 'lib') temp.run([...LOCAL, 'submodule', 'add', '-q', '../inner', 'inner'], { cwd: path });
    temp.run(['add', '.'], { cwd: path });
    temp.run(['commit', '-qm', name], { cwd: path });
  }
  temp.run([...LOCAL, 'submodule', 'add', '-q', lib, 'deps/lib']);
  temp.run(['commit', '-qm', 'submodule']);
  s = await openSession(temp);
});
afterEach(() => s.temp.remove());

const init = (): string => {
  s.temp.run([...LOCAL, 'submodule', 'update', '-q', '--init', '--recursive'], { cwd: s.path });
  return join(s.path, 'deps/lib');
};
const look = () => inSubmodules(where());
const where = () => ({ repo: s.repo, adminDir: s.admin, worktreePath: s.path, base: s.base });
const sub = (path: string, ...args: string[]): string => s.temp.run(args, { cwd: join(s.path, path) });
const commitIn = (path: string): void => {
  s.write(`${path}/new`, 'x');
  sub(path, 'add', '.');
  sub(path, 'commit', '-qm', 'in the submodule');
};
const NONE = { work: [], ignored: [] };

test('without submodules, and with clean ones, there is nothing', async () => {
  expect(await look()).toEqual(NONE);
  init();
  expect(await maySubmodules(where())).toBe(true);
  expect(await look()).toEqual(NONE);
});

test.each(['deps/lib', 'deps/lib/inner'])('%s: changed, new and ignored files', async (path) => {
  init();
  s.write(`${path}/l.txt`, 'changed');
  s.write(`${path}/new`, 'x');
  s.write(`${path}/ignored`, 'x');
  expect(await look()).toMatchObject({
    work: [{ path, why: 'has 2 changes that are not committed' }],
    ignored: [`${path}/ignored`],
  });
});

describe.each(['deps/lib', 'deps/lib/inner'])('%s: commits', (path) => {
  test.each([
    ['on a detached HEAD', () => commitIn(path)],
    [
      'on a branch that is not checked out',
      () => {
        sub(path, 'switch', '-q', '-c', 'side');
        commitIn(path);
        sub(path, 'switch', '-q', '--detach', 'HEAD~1');
      },
    ],
    [
      'in the stash',
      () => {
        s.write(`${path}/l.txt`, 'put aside');
        sub(path, 'stash', '-q');
      },
    ],
  ])('%s', async (_how, work) => {
    init();
    work();
    expect(await look()).toMatchObject({ work: [{ path, why: 'has commits that are nowhere else' }] });
  });

  test('that are at the remote are known', async () => {
    init();
    commitIn(path);
    sub(path, 'push', '-q', 'origin', 'HEAD:refs/heads/pushed');
    expect(await look()).toEqual(NONE);
  });
});

test('commits that the main checkout’s submodule has are known; so the hint works', async () => {
  init();
  commitIn('deps/lib');
  const { work } = await look();
  const { gitDir = '', mainGitDir = '' } = work[0] ?? {};
  expect(existsSync(join(mainGitDir, 'HEAD'))).toBe(true);
  s.temp.run([`--git-dir=${mainGitDir}`, 'fetch', '-q', gitDir, 'HEAD:refs/heads/s1']);
  expect(await look()).toEqual(NONE);
});

test('commits of a submodule that is no longer checked out are found', async () => {
  init();
  commitIn('deps/lib');
  s.temp.run(['submodule', 'deinit', '-f', '--all'], { cwd: s.path });
  expect(await look()).toMatchObject({
    work: [{ path: 'deps/lib', why: 'has commits that are nowhere else' }],
  });
});

describe('what a container can do to one', () => {
  test('files where none is checked out', async () => {
    s.write('deps/lib/file', 'x');
    expect(await look()).toMatchObject({ work: [{ why: 'has files, but is not checked out' }] });
  });

  test.each(['a directory', 'a pointer elsewhere', 'a link'])(
    'its .git becomes %s: nothing runs',
    async (how) => {
      const path = init();
      const marker = join(s.temp.base, 'marker');
      const evil = join(s.path, 'evil');
      s.temp.run(['init', '-q', evil]);
      writeFileSync(join(evil, '.git/config'), `[core]\n\tfsmonitor = "touch ${marker};"\n`);
      rmSync(join(path, '.git'));
      if (how === 'a directory') s.temp.run(['-c', 'init.templateDir=', 'init', '-q', path]);
      if (how === 'a pointer elsewhere') writeFileSync(join(path, '.git'), `gitdir: ${evil}/.git\n`);
      if (how === 'a link') symlinkSync(join(evil, '.git'), join(path, '.git'));
      expect((await look()).work).toEqual([
        expect.objectContaining({ why: 'has a git directory that is not where git puts it' }),
      ]);
      expect(existsSync(marker)).toBe(false);
    },
  );

  test('its directory becomes a link: that is a changed file, nothing is followed', async () => {
    const path = init();
    const elsewhere = join(s.temp.base, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'x'), '');
    rmSync(path, { recursive: true });
    symlinkSync(elsewhere, path);
    expect(await look()).toEqual(NONE);
  });
});
