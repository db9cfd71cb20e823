/** What no commit can hold is not lost at a finish unless somebody says so; and what is staged is kept as it was. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPara, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let worktree: string;
let archive: string;
beforeEach(async () => {
  repo = tempRepo();
  worktree = join(repo.root, '.para/worktrees/fix');
  archive = join(repo.root, '.para/state/archive');
  await runPara(repo, 'start fix');
  writeFileSync(join(worktree, '.gitignore'), 'secret\nmodules/\n');
});
afterEach(() => {
  repo.remove();
});

const finish = (...more: string[]): Promise<Ran> => runPara(repo, ['finish', 'It is done', 'fix', ...more]);
const status = (): unknown =>
  (JSON.parse(readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8')) as { status: string }).status;

function ignoredAndNested(): void {
  writeFileSync(join(worktree, 'secret'), 'of mine\n');
  mkdirSync(join(worktree, 'modules/deep'), { recursive: true });
  writeFileSync(join(worktree, 'modules/deep/m.js'), 'm\n');
  mkdirSync(join(worktree, 'nested'));
  repo.run(['init', '-q'], { cwd: join(worktree, 'nested') });
  writeFileSync(join(worktree, 'nested/n.txt'), 'n\n');
}

test('refused, naming all of it and both ways out; nothing is changed', async () => {
  ignoredAndNested();
  const { code, stderr } = await finish();
  expect(code).toBe(10);
  expect(stderr).toContain('they would go with the worktree: "modules/", "secret", "nested/"');
  expect(stderr).toContain(`para finish 'It is done' fix --archive-ignored`);
  expect(stderr).toContain(`para finish 'It is done' fix --force`);
  expect(status()).toBe('active');
  expect(existsSync(join(worktree, 'nested/.git'))).toBe(true);
});

test('--archive-ignored: all of it is in a tar, which clean removes when it is old', async () => {
  ignoredAndNested();
  const { code, stderr } = await finish('--archive-ignored');
  const [name = ''] = readdirSync(archive);
  expect({ code, name }).toEqual({ code: 0, name: 'fix-20260102T030405000Z.tar' });
  const tar = join(archive, name);
  expect(stderr).toContain(`What no commit can hold is in ${tar}`);
  const held = execFileSync('tar', ['-tf', tar], { encoding: 'utf8' }).split('\n');
  expect(held).toEqual(
    expect.arrayContaining(['./secret', './modules/deep/m.js', './nested/n.txt', './nested/.git/HEAD']),
  );
  expect(repo.run(['ls-tree', '-r', '--name-only', 'para/fix']).split('\n')).not.toContain('nested');
  await runPara(repo, 'clean');
  expect(existsSync(tar)).toBe(true);
  const old = join(archive, 'fix-20251101T030405000Z.tar');
  renameSync(tar, old);
  expect((await runPara(repo, 'clean --dry-run')).stdout).toContain(
    `Would remove ${old}, which a finish kept`,
  );
  await runPara(repo, 'clean');
  expect(existsSync(old)).toBe(false);
});

test('--force: they go, and are named', async () => {
  ignoredAndNested();
  const { code, stderr } = await finish('-f');
  expect(stderr).toContain('▲ Gone with the worktree, as asked: modules/ secret nested/');
  expect(code).toBe(0);
  expect(existsSync(worktree)).toBe(false);
  expect(existsSync(archive)).toBe(false);
});

test('a worktree that stays keeps them, so nobody is asked', async () => {
  await runPara(repo, 'config set session.preserve_on_finish true');
  writeFileSync(join(worktree, 'secret'), 'of mine\n');
  expect(await finish()).toMatchObject({ code: 0 });
  expect(readFileSync(join(worktree, 'secret'), 'utf8')).toBe('of mine\n');
});

test('staged and not, as they were, in a snapshot, also while index.lock is held; clean forgets it', async () => {
  writeFileSync(join(worktree, 'a.txt'), 'staged\n');
  repo.run(['add', 'a.txt'], { cwd: worktree });
  writeFileSync(join(worktree, 'a.txt'), 'and more\n');
  writeFileSync(join(repo.root, '.git/worktrees/fix/index.lock'), '');
  expect(await finish()).toMatchObject({ code: 0 });
  expect(repo.run(['show', 'refs/para/snap/fix/1:a.txt'])).toBe('and more');
  expect(repo.run(['show', 'refs/para/snap/fix/1^2:a.txt'])).toBe('staged');
  repo.run(['merge', '-q', 'para/fix']);
  expect(await runPara(repo, 'clean')).toMatchObject({ code: 0 });
  expect(repo.run(['for-each-ref', 'refs/para'])).toBe('');
});

test('pipes and sockets, which hold nothing: left out, and named, also where there was a file', async () => {
  rmSync(join(worktree, 'a.txt'));
  const names = ['a.txt', 'dir/p1', 'dir/\u001b[31mp2', 'p3', 'p4', 'p5'];
  execFileSync('mkfifo', names, { cwd: worktree });
  mkdirSync(join(worktree, 'modules'));
  writeFileSync(join(worktree, 'modules/m.js'), '');
  execFileSync('mkfifo', ['modules/ignored'], { cwd: worktree });
  const dry = JSON.parse((await finish('--dry-run', '--json', '-f')).stdout) as { plan: object };
  const left = [...names].sort().map((path) => ({ path, kind: 'pipe' }));
  expect(dry.plan).toMatchObject({ would_leave_out: left });
  const { code, stderr } = await finish('-f');
  expect(stderr).toContain(
    '▲ Left out, since no commit can hold it, and gone with the worktree: "a.txt" (pipe), "dir/\\u001b[31mp2" (pipe), "dir/p1" (pipe), "p3" (pipe), "p4" (pipe), and 1 more\n',
  );
  expect(code).toBe(0);
  const committed = repo.run(['ls-tree', '-r', '--name-only', 'para/fix']).split('\n');
  expect(committed).toContain('.gitignore');
  for (const name of names) expect(committed).not.toContain(name);
});

test('cancel names them too, and recover brings the rest back', async () => {
  rmSync(join(worktree, 'a.txt'));
  execFileSync('mkfifo', ['a.txt', 'p'], { cwd: worktree });
  const { code, stdout } = await runPara(repo, 'cancel fix --json');
  expect(JSON.parse(stdout)).toMatchObject({
    special_files: [
      { path: 'a.txt', kind: 'pipe' },
      { path: 'p', kind: 'pipe' },
    ],
  });
  expect(code).toBe(0);
  expect(await runPara(repo, 'recover fix')).toMatchObject({ code: 0 });
  expect(readdirSync(worktree)).toEqual(expect.arrayContaining(['.gitignore', 'dir']));
});
