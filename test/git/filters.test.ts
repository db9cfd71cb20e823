/** Clean filters of the user: run on work that is all the user's own, else nothing is committed past them. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGit, type Git } from '../../src/git/git.ts';
import { commitAll } from '../../src/git/stage.ts';
import { worktreeChanges } from '../../src/git/status.ts';
import { attachWorktree, worktreePlace } from '../../src/git/worktrees.ts';
import { createRunner } from '../../src/sys/run.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
  s.temp.run(['config', 'filter.secret.clean', 'tr a-z A-Z']);
  s.temp.run(['config', 'filter.secret.smudge', 'tr A-Z a-z']);
  s.temp.run(['config', 'filter.secret.required', 'true']);
  s.write('.gitattributes', '*.key filter=secret\n*.free filter=unknown\n*.smudged filter=only\n');
  s.temp.run(['config', 'filter.only.smudge', 'cat']);
});
afterEach(() => s.temp.remove());

const commit = (filters?: 'user' | 'refuse'): Promise<string | undefined> => {
  const { repo, admin: worktreeAdminDir, path: worktreePath, branch } = s;
  return commitAll({
    ...{ repo, worktreeAdminDir, worktreePath, branch, message: 'm' },
    ...(filters === undefined ? {} : { filters }),
  });
};
const show = (path: string): string => s.temp.run(['show', `${s.branch}:${path}`]);

describe('a worktree that a container may have written', () => {
  test('refuses a new file and a changed one with a filter, and names them', async () => {
    s.write('d/ü "q".key', 'hush');
    s.write('plain', 'x');
    await expect(commit()).rejects.toMatchObject({
      code: 'REFUSED',
      exit: 10,
      message: expect.stringContaining('these have a filter (secret)'),
      details: { paths: ['d/ü "q".key'], filters: ['secret'] },
    });
    expect(s.temp.run(['rev-parse', s.branch])).toBe(s.base);
    // As the hint has it; what is left has no filter.
    s.temp.run(['add', '--', 'd/ü "q".key'], { cwd: s.path });
    s.temp.run(['commit', '-qm', 'mine'], { cwd: s.path });
    expect(await commit()).toBeDefined();
    expect(show('d/ü "q".key')).toBe('HUSH');
    expect(show('plain')).toBe('x');
    s.write('d/ü "q".key', 'hush again');
    await expect(commit()).rejects.toMatchObject({ code: 'REFUSED' });
  });

  test('files that are as they were checked out are left alone, though git can not tell', async () => {
    s.temp.write('.gitattributes', '*.key filter=secret\n');
    for (const name of ['a', 'b', 'ü']) s.temp.write(`${name}.key`, `hush ${name}`);
    s.temp.run(['add', '.']);
    s.temp.run(['commit', '-qm', 'keys']);
    const other = await openSession(s.temp, 's2');
    try {
      const { repo, admin: worktreeAdminDir, path: worktreePath, branch } = other;
      const all = { repo, worktreeAdminDir, worktreePath, branch, message: 'm' };
      await other.bringBack();
      other.write('plain', 'x');
      expect(await commitAll(all)).toBeDefined();
      expect(s.temp.run(['diff', '--name-only', `${branch}~1`, branch])).toBe('plain');
      other.write('a.key', 'hush a');
      await expect(commitAll(all)).rejects.toMatchObject({ details: { paths: ['a.key'] } });
    } finally {
      s.temp.run(['worktree', 'remove', '--force', other.path]);
    }
  });

  test('links, drivers nobody set up, and those that only write files are no reason', async () => {
    symlinkSync('/nowhere', join(s.path, 'link.key'));
    s.write('a.free', 'x');
    s.write('a.smudged', 'x');
    expect(await commit()).toBeDefined();
  });

  test('the attributes of the repository and of the user count too', async () => {
    s.temp.write('.git/info/attributes', 'plain filter=secret\n');
    s.write('plain', 'hush');
    await expect(commit()).rejects.toMatchObject({ details: { paths: ['plain'] } });
  });

  test.each([
    [
      'by a file that is read for some worktrees only',
      ['config', 'includeIf.gitdir:**/worktrees/**.path', 'own'],
    ],
    ['by its own settings', ['config', 'extensions.worktreeConfig', 'true']],
  ])('a filter that this worktree alone has, %s, is turned off too', async (_how, args) => {
    s.temp.run(args);
    const text = '[filter "mine"]\n\tclean = tr a-z A-Z\n';
    writeFileSync(join(s.temp.root, '.git/own'), text);
    writeFileSync(join(s.admin, 'config.worktree'), text);
    expect(await s.repo.git.filtersNotRun({ gitDir: s.repo.commonDir })).toEqual(['secret']);
    const place = worktreePlace(s.repo, s.admin, s.path);
    expect([...(await s.repo.git.filtersNotRun(place))].sort()).toEqual(['mine', 'secret']);
    s.write('.gitattributes', '*.txt filter=mine\n');
    s.write('new.txt', 'x');
    await expect(commit()).rejects.toMatchObject({ code: 'REFUSED', details: { filters: ['mine'] } });
  });

  test('git-lfs runs as ever', async () => {
    s.temp.run(['config', 'filter.lfs.clean', 'git-lfs clean -- %f']);
    s.temp.run(['config', 'filter.lfs.required', 'true']);
    s.write('.gitattributes', '*.bin filter=lfs\n');
    s.write('a.bin', 'big');
    // There is no git-lfs here: that it is missed shows that it was to run.
    await expect(commit()).rejects.toMatchObject({ code: 'GIT_FAILED' });
  });
});

describe('git-lfs in a worktree that is made again', () => {
  /** Stands in for git-lfs, and says what it was told. */
  function gitWithLfs(more: Readonly<Record<string, string>> = {}): Git {
    const bin = join(s.temp.base, 'bin');
    mkdirSync(bin, { recursive: true });
    const script = '#!/bin/sh\ncat >/dev/null; echo "$1 skip=$GIT_LFS_SKIP_SMUDGE"\n';
    writeFileSync(join(bin, 'git-lfs'), script, { mode: 0o755 });
    const env = { ...s.temp.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, ...more };
    return createGit(createRunner({ env }), env);
  }
  const made = async (filters: 'off' | 'user', more = {}): Promise<string> => {
    const repo = { ...s.repo, git: gitWithLfs(more) };
    s.temp.run(['worktree', 'remove', '--force', s.path]);
    await attachWorktree({ repo, path: s.path, branch: s.branch }, filters);
    return readFileSync(join(s.path, 'a.bin'), 'utf8');
  };
  beforeEach(() => {
    s.write('.gitattributes', '*.bin filter=lfs\n');
    s.write('.lfsconfig', '[lfs]\n\turl = https://evil.test\n');
    s.write('a.bin', 'a pointer');
    s.temp.run(['add', '.'], { cwd: s.path });
    s.temp.run(['commit', '-qm', 'inside'], { cwd: s.path });
    s.temp.run(['config', 'filter.lfs.smudge', 'git-lfs smudge -- %f']);
  });

  test('of what came from a container nothing is fetched', async () => {
    expect(await made('off')).toBe('smudge skip=1\n');
  });

  test('of the user’s own it is as they say', async () => {
    expect(await made('user')).toBe('smudge skip=\n');
    expect(await made('user', { GIT_LFS_SKIP_SMUDGE: '1' })).toBe('smudge skip=1\n');
    expect(await made('off', { GIT_LFS_SKIP_SMUDGE: '0' })).toBe('smudge skip=1\n');
  });
});

describe('a worktree that is all the user’s own', () => {
  test('what is committed went through the filter, and nothing is left to change', async () => {
    s.write('a.key', 'hush');
    expect(await commit('user')).toBeDefined();
    expect(show('a.key')).toBe('HUSH');
    const where = { repo: s.repo, worktreeAdminDir: s.admin, worktreePath: s.path };
    expect(await worktreeChanges({ ...where, filters: 'user' })).toMatchObject({ modified: 0, untracked: 0 });
    expect(await commit('user')).toBeUndefined();
  });

  test('a filter that is required and fails stops it', async () => {
    s.temp.run(['config', 'filter.secret.clean', 'false']);
    s.write('a.key', 'hush');
    await expect(commit('user')).rejects.toMatchObject({ code: 'GIT_FAILED' });
    expect(s.temp.run(['rev-parse', s.branch])).toBe(s.base);
  });
});
