import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { commitAll } from '../../src/git/stage.ts';
import { worktreeChanges } from '../../src/git/status.ts';
import { tempRepo } from '../support/temp-repo.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
});
afterEach(() => s.temp.remove());

const tip = (ref = 'refs/heads/para/s1'): string => s.temp.run(['rev-parse', ref]);
const changes = () => worktreeChanges({ repo: s.repo, worktreeAdminDir: s.admin, worktreePath: s.path });
const commitInside = (file: string): string => {
  s.write(file, `${file}\n`);
  s.inside('add', '-A');
  s.inside('commit', '-qm', file);
  return s.inside('rev-parse', 'HEAD');
};

describe('a sealed directory', () => {
  test('is clean at once, knows the caller and the other branches', () => {
    expect(s.inside('status', '--porcelain')).toBe('');
    expect(s.inside('config', 'user.name')).toBe('Ann "Q" O\'Neil');
    expect(s.inside('log', '--oneline', 'main..')).toBe('');
    expect(s.inside('fsck')).toBe('');
    expect(readFileSync(s.sealed.gitFile, 'utf8')).toBe('gitdir: /para/git\n');
    expect(s.sealed.mounts.map(({ target, readOnly }) => [target, readOnly])).toEqual([
      ['/workspace/.git', true],
      ['/para/git', false],
      ['/para/objects', true],
    ]);
    expect(tip('refs/para/inbox/s1/head')).toBe(s.base);
  });
});

describe('bringBack', () => {
  test('without new commits does nothing', async () => {
    expect(await s.bringBack()).toMatchObject({
      moved: false,
      commits: 0,
      before: s.base,
      after: s.base,
      others: [],
    });
  });

  test('takes commits, leaves the uncommitted, touches nothing else', async () => {
    const mainIndex = readFileSync(join(s.temp.root, '.git/index'));
    commitInside('x.txt');
    const last = commitInside('ünï "q"\n.txt');
    s.write('a.txt', 'changed\n');
    s.write('new.txt', 'new\n');
    expect(await s.bringBack()).toMatchObject({
      moved: true,
      commits: 2,
      before: s.base,
      after: last,
      kept: undefined,
    });
    expect(tip()).toBe(last);
    expect(await changes()).toEqual({ staged: 0, modified: 1, untracked: 1, conflicted: 0 });
    expect(readFileSync(join(s.temp.root, '.git/index'))).toEqual(mainIndex);
    expect(s.temp.run(['status', '--porcelain'])).toBe('');
    expect(readdirSync(dirname(s.sealed.dir)).sort()).toEqual(['git', 'gitfile']);
    expect(await s.bringBack()).toMatchObject({ moved: false });
  });

  test('works after gc inside (packed refs and objects)', async () => {
    const last = commitInside('x.txt');
    s.inside('gc', '-q');
    s.inside('pack-refs', '--all');
    expect(existsSync(join(s.sealed.dir, 'refs/heads/para/s1'))).toBe(false);
    expect(await s.bringBack()).toMatchObject({ moved: true, after: last });
  });

  test('takes an amend and a rebase of what came back before, and keeps the old tip', async () => {
    const first = commitInside('x.txt');
    await s.bringBack();
    s.inside('commit', '-q', '--amend', '-m', 'better');
    expect(await s.bringBack()).toMatchObject({ moved: true, kept: 'refs/para/snap/s1/1' });
    expect(tip('refs/para/snap/s1/1')).toBe(first);
    s.inside('commit', '-q', '--amend', '-m', 'best');
    expect(await s.bringBack()).toMatchObject({ kept: 'refs/para/snap/s1/2' });
  });

  test('refuses when both sides moved, keeps both, and goes on after a merge', async () => {
    const inner = commitInside('x.txt');
    s.temp.run([
      'update-ref',
      'refs/heads/para/s1',
      s.temp.run(['commit-tree', '-p', s.base, '-m', 'host', `${s.base}^{tree}`]),
    ]);
    const host = tip();
    await expect(s.bringBack()).rejects.toMatchObject({
      code: 'REFUSED',
      hint: expect.stringContaining('git merge -s ours --no-commit refs/para/inbox/s1/incoming'),
    });
    expect(tip()).toBe(host);
    expect(tip('refs/para/inbox/s1/incoming')).toBe(inner);
    // As the hint has it, with the files of both sides in the worktree.
    s.temp.run(['merge', '-s', 'ours', '--no-commit', 'refs/para/inbox/s1/incoming'], { cwd: s.path });
    s.temp.run(['add', '-A'], { cwd: s.path });
    s.temp.run(['commit', '-q', '--no-edit'], { cwd: s.path });
    expect(s.temp.run(['show', `${tip()}:x.txt`])).toBe('x.txt');
    expect(await s.bringBack()).toMatchObject({ moved: false, inside: inner });
  });

  test('both sides moved: the way to the container’s side keeps the host’s under a ref', async () => {
    const inner = commitInside('x.txt');
    s.write('y.txt', 'y');
    s.temp.run(['add', 'y.txt'], { cwd: s.path });
    s.temp.run(['commit', '-qm', 'host'], { cwd: s.path });
    const host = tip();
    const refused = await s.bringBack().then(
      () => undefined,
      (error: unknown) => error as { hint: string },
    );
    const way = refused?.hint.split('\n').find((line) => line.includes('/host '));
    execFileSync('sh', ['-ec', way ?? 'false'], { cwd: '/', env: s.temp.env });
    expect([tip(), tip('refs/para/snap/s1/host')]).toEqual([inner, host]);
    expect(await s.bringBack()).toMatchObject({ moved: false, inside: inner });
    expect(await changes()).toMatchObject({ untracked: 1, modified: 0, staged: 0 });
  });

  test('follows HEAD to another branch, and brings other heads and the stash into the inbox', async () => {
    s.inside('checkout', '-q', '-b', 'feature/x');
    const there = commitInside('x.txt');
    s.inside('checkout', '-q', '-b', 'side', s.base);
    commitInside('side.txt');
    s.inside('checkout', '-q', 'feature/x');
    s.write('a.txt', 'stashed\n');
    s.inside('stash', '-q');
    const back = await s.bringBack();
    expect(back).toMatchObject({ moved: true, after: there, takenFrom: 'feature/x' });
    expect([...back.others].sort()).toEqual(
      ['heads/feature%2Fx', 'heads/side', 'stash'].map((name) => `refs/para/inbox/s1/${name}`),
    );
  });

  test("branch names that were in each other's way over time do not stop it", async () => {
    mkdirSync(join(dirname(s.sealed.dir), 'quarantine-left'));
    s.inside('checkout', '-q', '-b', 'x');
    commitInside('1.txt');
    s.inside('checkout', '-q', '-B', 'para/s1');
    await s.bringBack();
    s.inside('branch', '-m', 'x', 'x/y');
    s.inside('checkout', '-q', 'x/y');
    const there = commitInside('2.txt');
    expect(await s.bringBack()).toMatchObject({ after: there, others: ['refs/para/inbox/s1/heads/x%2Fy'] });
    expect(readdirSync(dirname(s.sealed.dir)).sort()).toEqual(['git', 'gitfile']);
    expect(s.temp.run(['for-each-ref', '--format=%(refname)', 'refs/para/inbox/s1/incoming'])).toBe('');
  });

  test('takes a detached HEAD that contains the branch', async () => {
    s.inside('checkout', '-q', '--detach');
    const there = commitInside('x.txt');
    expect(await s.bringBack()).toMatchObject({ moved: true, after: there, takenFrom: 'HEAD' });
  });

  test.each([0, 300])('A14: refuses a tree that holds .git, beside %d other new objects', async (others) => {
    for (let n = 0; n < others; n += 1) s.write(`many/${String(n)}`, String(n));
    if (others > 0) commitInside('x.txt');
    const blob = s.temp.run(['hash-object', '-w', '--stdin'], { env: { GIT_DIR: s.sealed.dir }, input: 'x' });
    const raw = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
    writeFileSync(join(s.temp.base, 'tree'), raw);
    const tree = s.inside('hash-object', '-t', 'tree', '-w', '--literally', join(s.temp.base, 'tree'));
    const commit = s.inside('commit-tree', '-p', 'HEAD', '-m', 'evil', tree);
    s.inside('update-ref', 'refs/heads/para/s1', commit);
    await expect(s.bringBack()).rejects.toMatchObject({ code: 'GIT_FAILED' });
    expect(tip()).toBe(s.base);
    expect(() => s.temp.run(['cat-file', '-e', commit])).toThrow();
  });

  test('config, hooks and links in the sealed directory do nothing', async () => {
    const marker = join(s.temp.base, 'marker');
    const last = commitInside('x.txt');
    writeFileSync(
      join(s.sealed.dir, 'config'),
      `[core]\n\tfsmonitor = "touch ${marker}"\n\thooksPath = /\n[uploadpack]\n\tpackObjectsHook = "touch ${marker};"\n`,
    );
    for (const hook of ['reference-transaction', 'post-index-change', 'pre-commit']) {
      writeFileSync(join(s.sealed.dir, 'hooks', hook), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
    }
    symlinkSync('/etc', join(s.sealed.dir, 'refs/heads/etc'));
    symlinkSync('/etc/passwd', join(s.sealed.dir, 'refs/heads/passwd'));
    symlinkSync('/etc', join(s.sealed.dir, 'objects/zz'));
    writeFileSync(join(s.sealed.dir, 'refs/heads/--upload-pack=x'), `${last}\n`);
    expect(await s.bringBack()).toMatchObject({ moved: true, after: last, others: [] });
    expect(existsSync(marker)).toBe(false);
  });

  test('a commit that is not there, or is no commit, moves nothing', async () => {
    writeFileSync(join(s.sealed.dir, 'refs/heads/para/s1'), `${'1'.repeat(40)}\n`);
    await expect(s.bringBack()).rejects.toMatchObject({ code: 'GIT_FAILED' });
    expect(tip()).toBe(s.base);
  });

  test('a sealed directory that is gone is no error', async () => {
    rmSync(s.sealed.dir, { recursive: true });
    expect(await s.bringBack()).toMatchObject({ moved: false });
  });

  test('one that lost the branch stops it, and the hint goes on without the commits', async () => {
    commitInside('x.txt');
    const ref = join(s.sealed.dir, 'refs/heads/para/s1');
    rmSync(ref);
    await expect(s.bringBack()).rejects.toMatchObject({
      code: 'REFUSED',
      hint: expect.stringContaining(`echo ${s.base} >/para/git/refs/heads/para/s1`),
    });
    expect(tip()).toBe(s.base);
    writeFileSync(ref, `${s.base}\n`);
    expect(await s.bringBack()).toMatchObject({ moved: false });
  });

  test('what para commits on the host afterwards holds what was staged inside', async () => {
    s.write('staged.txt', 'x\n');
    s.inside('add', '-A');
    await s.bringBack();
    const commit = await commitAll({
      repo: s.repo,
      worktreeAdminDir: s.admin,
      worktreePath: s.path,
      branch: s.branch,
      message: 'm',
    });
    expect(s.temp.run(['show', '--name-only', '--format=', commit ?? ''])).toBe('staged.txt');
  });
});

describe('other repositories', () => {
  test('sha256, a shallow clone and a clone with alternates go round', async () => {
    for (const kind of ['sha256', 'shallow', 'shared'] as const) {
      const temp = tempRepo({
        name: 'we ird, "q": \'r\'',
        ...(kind === 'sha256' ? { format: 'sha256' } : {}),
      });
      if (kind !== 'sha256') {
        const how = kind === 'shallow' ? ['--depth', '1'] : ['--shared'];
        temp.write('a.txt', 'more\n');
        temp.run(['commit', '-qam', 'second']);
        temp.run([
          'clone',
          '-q',
          ...how,
          `file://${temp.root}`.replace('file://', kind === 'shallow' ? 'file://' : ''),
          join(temp.base, 'clone'),
        ]);
      }
      const session = await openSession(
        kind === 'sha256' ? temp : { ...temp, root: join(temp.base, 'clone') },
      );
      session.write('x', 'x');
      session.inside('add', '-A');
      session.inside('commit', '-qm', 'x');
      expect(await session.bringBack()).toMatchObject({ moved: true, commits: 1 });
      temp.remove();
    }
  });
});
