import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hideParaFiles } from '../../src/git/exclude.ts';
import { checkBranchName, resolveBase } from '../../src/git/refs.ts';
import { openRepository } from '../../src/git/repository.ts';
import { type TempRepo, tempRepo } from '../support/temp-repo.ts';
import { openSession } from './session.ts';

let temp: TempRepo;
afterEach(() => temp.remove());

describe('openRepository', () => {
  test('is the same from a sub-directory, a worktree, a nested worktree and a swapped .git', async () => {
    temp = tempRepo({ name: 'a b, "c": \'d\'' });
    const s = await openSession(temp);
    temp.run(['worktree', 'add', '-q', join(temp.base, 'other')]);
    const from = async (dir: string) => openRepository(temp.git, dir);
    const main = await from(temp.root);
    expect(main).toMatchObject({
      root: temp.root,
      headBranch: 'main',
      objectFormat: 'sha1',
      refFormat: 'files',
      shallow: false,
      currentWorktree: temp.root,
    });
    expect(main.id).toMatch(/^[0-9a-f]{8}$/);
    for (const dir of [join(temp.root, 'dir'), join(temp.base, 'other'), s.path, join(s.path, 'dir')]) {
      expect(await from(dir)).toMatchObject({
        root: main.root,
        id: main.id,
        commonDir: main.commonDir,
        headCommit: main.headCommit,
      });
    }
    rmSync(join(s.path, '.git'));
    expect(await from(join(s.path, 'dir'))).toMatchObject({ root: main.root, currentWorktree: s.path });
    temp.run(['init', '-q', s.path]);
    expect(await from(s.path)).toMatchObject({ root: main.root, currentWorktree: s.path });
  });

  test('inside a submodule, the submodule is the repository', async () => {
    temp = tempRepo();
    const source = join(temp.base, 'source');
    temp.run(['clone', '-q', temp.root, source]);
    temp.run(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', source, 'sub']);
    const repo = await openRepository(temp.git, join(temp.root, 'sub', 'dir'));
    expect(repo).toMatchObject({
      root: join(temp.root, 'sub'),
      commonDir: join(temp.root, '.git/modules/sub'),
    });
    const s = await openSession({ ...temp, root: join(temp.root, 'sub') });
    s.write('x', 'x');
    s.inside('add', '-A');
    s.inside('commit', '-qm', 'x');
    expect(await s.bringBack()).toMatchObject({ moved: true });
  });

  test('refuses what it can not work in, and says why', async () => {
    temp = tempRepo({ commit: false });
    await expect(resolveBase(await openRepository(temp.git, temp.root))).rejects.toMatchObject({
      code: 'GIT_REFUSED',
      hint: 'git commit --allow-empty -m init',
    });
    temp.run(['init', '-q', '--bare', join(temp.base, 'bare')]);
    await expect(openRepository(temp.git, join(temp.base, 'bare'))).rejects.toMatchObject({
      code: 'GIT_REFUSED',
      message: expect.stringContaining('bare'),
    });
    await expect(openRepository(temp.git, temp.base)).rejects.toMatchObject({ code: 'NOT_A_REPOSITORY' });
    const broken = join(temp.base, 'line\nbreak');
    mkdirSync(broken);
    temp.run(['init', '-q'], { cwd: broken });
    await expect(openRepository(temp.git, broken)).rejects.toMatchObject({
      code: 'GIT_REFUSED',
      message: expect.stringContaining('line break'),
    });
    const config = join(temp.root, '.git/config');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('= 0', '= 1') + '[extensions]\n\tnosuchthing = x\n',
    );
    await expect(openRepository(temp.git, temp.root)).rejects.toMatchObject({ code: 'GIT_REFUSED' });
  });

  test('inherited GIT_ variables do not lead astray', async () => {
    temp = tempRepo();
    const { createGit } = await import('../../src/git/git.ts');
    const { createRunner } = await import('../../src/sys/run.ts');
    const env = { ...temp.env, GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere', GIT_EXTERNAL_DIFF: 'false' };
    expect((await openRepository(createGit(createRunner({ env }), env), temp.root)).root).toBe(temp.root);
  });
});

test('hideParaFiles keeps what is there and writes once', async () => {
  temp = tempRepo();
  const file = join(temp.root, '.git/info/exclude');
  writeFileSync(file, 'mine\r\n*.log');
  const repo = await openRepository(temp.git, temp.root);
  await hideParaFiles(repo);
  await hideParaFiles(repo);
  expect(readFileSync(file, 'utf8')).toBe('mine\r\n*.log\n/.para/worktrees/\n/.para/state/\n');
  rmSync(join(temp.root, '.git/info'), { recursive: true });
  await hideParaFiles(repo);
  temp.write('.para/state/x', 'x');
  expect(temp.run(['status', '--porcelain'])).toBe('');
});

test('branch names', async () => {
  temp = tempRepo();
  const repo = await openRepository(temp.git, temp.root);
  temp.run(['branch', 'para/a/b']);
  temp.run(['branch', 'para/c']);
  for (const good of ['para/x', 'ünï', 'a.b']) await checkBranchName(repo, good);
  for (const bad of [
    '-x',
    '',
    'a..b',
    'a b',
    'x.lock',
    'a\nb',
    'a~1',
    '@{-1}',
    'HEAD',
    'para/a',
    'para/c/d',
    'x'.repeat(201),
    'a\0b',
  ]) {
    await expect(checkBranchName(repo, bad)).rejects.toMatchObject({ code: 'NAME_INVALID' });
  }
  for (const bad of ['-x', '', 'nothing', '--all', 'main:a.txt'])
    await expect(resolveBase(repo, bad)).rejects.toMatchObject({ code: 'NAME_INVALID' });
  expect(await resolveBase(repo, 'para/c')).toBe(repo.headCommit);
});

test('a repository of somebody else: what git wants to be told, fit for a shell', async () => {
  temp = tempRepo({ name: "it's" });
  const stderr = `fatal: detected dubious ownership in repository at '${temp.root}'\nTo add an exception …\n`;
  const answer = { file: 'git', args: [], exitCode: 128, signal: undefined, stdout: '', stderr, ms: 1 };
  const rest = { stdoutBytes: Buffer.from(''), timedOut: false, aborted: false, spawnError: undefined };
  const git = { ...temp.git, attempt: () => Promise.resolve({ ...answer, ...rest }) };
  await expect(openRepository(git, temp.root)).rejects.toMatchObject({
    code: 'GIT_REFUSED',
    hint: `If you do:\ngit config --global --add safe.directory '${temp.base}/it'\\''s'`,
  });
});
