import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeTree } from '../../src/sys/remove-tree.ts';
import { removeWorktree } from '../../src/git/worktree-remove.ts';
import { specialFiles } from '../../src/git/special-files.ts';
import { commitAll } from '../../src/git/stage.ts';
import { aheadOf, worktreeChanges } from '../../src/git/status.ts';
import { type TestSession, openSession } from './session.ts';

let s: TestSession;
let marker: string;
beforeEach(async () => {
  s = await openSession();
  marker = join(s.temp.base, 'marker');
});
afterEach(() => s.temp.remove());

const commit = (message = 'm'): Promise<string | undefined> =>
  commitAll({ repo: s.repo, worktreeAdminDir: s.admin, worktreePath: s.path, branch: s.branch, message });
const changes = () => worktreeChanges({ repo: s.repo, worktreeAdminDir: s.admin, worktreePath: s.path });
const treeOf = (ref: string): string[] =>
  s.temp
    .run(['-c', 'core.quotePath=false', 'ls-tree', '-r', '--format=%(objectmode) %(path)', ref])
    .split('\n');

describe('commitAll', () => {
  test('nothing to commit', async () => {
    expect(await commit()).toBeUndefined();
  });

  test('a change in the second of the checkout that leaves the size as it was', async () => {
    const now = (): number => Math.floor(Date.now() / 1000);
    do {
      await sleep(1000 - (Date.now() % 1000));
      rmSync(join(s.path, 'a.txt'));
      s.temp.run(['checkout', '-q', '--force', 'HEAD', '--', 'a.txt'], { cwd: s.path });
      s.write('a.txt', 'two\n');
      // Only when all of it was in one second is there anything to see.
    } while (Math.floor(statSync(join(s.admin, 'index')).mtimeMs / 1000) !== now());
    await sleep(1000 - (Date.now() % 1000));
    const made = await commit();
    expect(s.temp.run(['show', `${made ?? 'HEAD'}:a.txt`])).toBe('two');
  });

  test('modes, links, deletions, odd names, type changes', async () => {
    rmSync(join(s.path, 'dir'), { recursive: true });
    symlinkSync('/etc', join(s.path, 'dir'));
    rmSync(join(s.path, 'a.txt'));
    s.write('a.txt/inner', 'x');
    s.write('-x', 'x');
    s.write('ünï', 'x');
    s.write('run.sh', '#!/bin/sh\n');
    chmodSync(join(s.path, 'run.sh'), 0o755);
    s.write('.gitignore', 'ignored\n');
    s.write('ignored', 'x');
    const made = await commit('-- subject\n\nbody');
    expect(treeOf(made ?? '').sort()).toEqual([
      '100644 -x',
      '100644 .gitignore',
      '100644 a.txt/inner',
      '100644 ünï',
      '100755 run.sh',
      '120000 dir',
    ]);
    expect(s.temp.run(['log', '-1', '--format=%B|%an', made ?? ''])).toBe(
      '-- subject\n\nbody\n|Ann "Q" O\'Neil',
    );
    expect(await changes()).toEqual({ staged: 0, modified: 0, untracked: 0, conflicted: 0 });
    expect(await aheadOf(s.repo, s.base, s.branch)).toBe(1);
  });

  test('without an identity says how to set one', async () => {
    writeFileSync(s.temp.env['GIT_CONFIG_GLOBAL'] ?? '', '');
    s.write('x', 'x');
    await expect(commit()).rejects.toMatchObject({
      code: 'GIT_FAILED',
      hint: expect.stringContaining('user.email'),
    });
  });

  test('refuses nested repositories with the list', async () => {
    s.write('sub/file', 'x');
    s.temp.run(['init', '-q'], { cwd: join(s.path, 'sub') });
    s.temp.run(['init', '-q'], { cwd: join(s.path, 'dir') });
    await expect(commit()).rejects.toMatchObject({ code: 'REFUSED', details: { paths: ['dir/', 'sub/'] } });
  });

  test('what git passes over with a warning, or without one, is named: it would be lost', async () => {
    for (const path of ['x/.GIT/config', 'x/.Git', 'git~1', '.git ./hooks/post-commit', 'y/.git:$INDEX/f'])
      s.write(path, 'x');
    s.write('git~12', 'x');
    await expect(commit()).rejects.toMatchObject({
      code: 'REFUSED',
      details: { paths: ['.git ./', 'git~1', 'x/.GIT/', 'x/.Git', 'y/.git:$INDEX/'] },
    });
    for (const path of ['x', 'git~1', '.git .', 'y']) rmSync(join(s.path, path), { recursive: true });
    // Deeper than git can open a directory; one without permissions is the same to it.
    const deep = 'for i in $(seq 60); do d=$(printf "%0200d" $i); mkdir $d; cd -P ./$d; done; echo x >x';
    execFileSync('bash', ['-c', deep], { cwd: s.path });
    await expect(commit()).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringMatching(/^git can not look into "0{198}/),
    });
    await removeTree(join(s.path, '1'.padStart(200, '0')));
    await commit();
    expect(treeOf(s.branch)).toContain('100644 git~12');
  });

  test('a file that became a pipe or a socket is gone, and stops nothing; a new one is passed over', async () => {
    s.write('dir/b.txt', 'b');
    const before = treeOf((await commit()) ?? '');
    expect(before).toEqual(expect.arrayContaining(['100644 dir/b.txt']));
    rmSync(join(s.path, 'dir/b.txt'));
    execFileSync('mkfifo', ['dir/b.txt', 'new', 'dir/new'], { cwd: s.path });
    expect(treeOf((await commit()) ?? '')).toEqual(before.filter((line) => !line.includes('b.txt')));
    expect(await specialFiles(s.path, [])).toEqual([
      ...['dir/b.txt', 'dir/new', 'new'].map((path) => ({ path, kind: 'pipe' })),
    ]);
    expect(await specialFiles(s.path, ['dir/'])).toEqual([{ path: 'new', kind: 'pipe' }]);
  });

  test('special files: no link is followed, and names that are no text are named', async () => {
    symlinkSync('/dev', join(s.path, 'link'));
    mkdirSync(join(s.path, 'deep/er'), { recursive: true });
    execFileSync('bash', ['-c', "mkfifo deep/er/$'\\xff\\n'"], { cwd: s.path });
    const server = createServer();
    await new Promise<void>((listening) => server.listen(join(s.path, 'deep/s'), listening));
    const found = await specialFiles(s.path, []);
    await new Promise((closed) => server.close(closed));
    expect(found).toEqual([
      { path: 'deep/er/\ufffd\n', kind: 'pipe' },
      { path: 'deep/s', kind: 'socket' },
    ]);
  });

  test('a file that no buffer of para would hold, and more names than a pipe or a command line takes', async () => {
    mkdirSync(join(s.path, 'many'));
    const tail = 'x'.repeat(240);
    for (let n = 0; n < 600; n += 1) writeFileSync(join(s.path, 'many', `${String(n)}${tail}`), '');
    s.write('huge', Buffer.alloc(17 * 1024 * 1024));
    expect(treeOf((await commit()) ?? '').length).toBe(603);
  });
});

describe('attacks on the host', () => {
  const evil = (): string =>
    `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = "touch ${marker};"\n\thooksPath = hooks\n[filter "x"]\n\tclean = "touch ${marker}; cat"\n[diff]\n\texternal = "touch ${marker};"\n`;
  const evilRepository = (dir: string): void => {
    s.temp.run(['init', '-q', dir]);
    writeFileSync(join(dir, '.git/config'), evil());
    mkdirSync(join(dir, '.git/hooks'), { recursive: true });
    for (const hook of ['pre-commit', 'post-index-change', 'reference-transaction'])
      writeFileSync(join(dir, '.git/hooks', hook), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  };
  const script = (path: string): void => {
    s.write(path, `#!/bin/sh\ntouch ${marker}\ncat\n`);
    chmodSync(join(s.path, path), 0o755);
  };
  const attacks: Readonly<Record<string, () => void>> = {
    'A01 .git becomes a directory': () => {
      rmSync(join(s.path, '.git'));
      evilRepository(s.path);
    },
    'A02 .git points into the worktree': () => {
      rmSync(join(s.path, '.git'));
      evilRepository(s.path);
      renameSync(join(s.path, '.git'), join(s.path, 'fake'));
      writeFileSync(join(s.path, '.git'), 'gitdir: fake\n');
    },
    'A03 .git is gone': () => rmSync(join(s.path, '.git')),
    'A06 hooksPath in the tree': () => {
      s.temp.run(['config', 'core.hooksPath', '.husky']);
      for (const hook of ['pre-commit', 'post-checkout', 'reference-transaction', 'post-index-change'])
        script(`.husky/${hook}`);
    },
    "A07 the user's hook and filter run a script of the tree": () => {
      mkdirSync(join(s.temp.root, '.git/hooks'), { recursive: true });
      for (const hook of ['pre-commit', 'reference-transaction', 'post-index-change'])
        writeFileSync(join(s.temp.root, '.git/hooks', hook), '#!/bin/sh\n./evil.sh </dev/null\n', {
          mode: 0o755,
        });
      script('evil.sh');
      s.temp.run(['config', 'filter.x=y.clean', './evil.sh']);
      s.temp.run(['config', 'filter.x=y.required', 'true']);
      s.write('.gitattributes', '* filter=x=y diff=x\n');
    },
  };
  test.each(Object.keys(attacks))('%s', async (name) => {
    const main = s.temp.run(['rev-parse', 'main']);
    attacks[name]?.();
    s.write('a.txt', 'changed\n');
    expect((await changes()).modified).toBe(1);
    await s.bringBack();
    if (name.startsWith('A07')) {
      // Staging it without the filter might publish what the filter hides.
      await expect(commit()).rejects.toMatchObject({ code: 'REFUSED', exit: 10 });
      rmSync(join(s.path, '.gitattributes'));
    }
    const made = await commit();
    expect(s.temp.run(['rev-parse', s.branch])).toBe(made);
    expect(s.temp.run(['rev-parse', 'main'])).toBe(main);
    expect(s.temp.run(['show', `${s.branch}:a.txt`])).toBe('changed');
    await removeWorktree(s.repo, s.path);
    expect(existsSync(s.path)).toBe(false);
    expect(existsSync(s.admin)).toBe(false);
    expect(existsSync(marker)).toBe(false);
    expect(readFileSync(join(s.temp.root, 'a.txt'), 'utf8')).toBe('one\n');
  });

  test('the attacks do work on a git that is not hardened', () => {
    attacks['A01 .git becomes a directory']?.();
    s.temp.run(['status'], { cwd: s.path });
    expect(existsSync(marker)).toBe(true);
  });

  test('A04 a nested repository is refused, A05 a tracked one is only data', async () => {
    evilRepository(join(s.path, 'sub'));
    s.write('sub/f', 'x');
    await changes();
    await expect(commit()).rejects.toMatchObject({ code: 'REFUSED' });
    writeFileSync(join(s.path, 'sub/.git/config'), '');
    s.temp.run(['-c', 'core.hooksPath=/dev/null', 'add', '.'], { cwd: join(s.path, 'sub') });
    s.temp.run(['-c', 'core.hooksPath=/dev/null', 'commit', '-qm', 'x'], { cwd: join(s.path, 'sub') });
    s.temp.run(['add', 'sub'], { cwd: s.path });
    s.temp.run(['commit', '-qm', 'gitlink'], { cwd: s.path });
    rmSync(marker, { force: true });
    writeFileSync(join(s.path, 'sub/.git/config'), evil());
    s.write('sub/f', 'dirty');
    s.write('a.txt', 'changed\n');
    await changes();
    expect(await commit()).toBeDefined();
    expect(existsSync(marker)).toBe(false);
  });
});
