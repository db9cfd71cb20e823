/** Work in a submodule of the worktree is not taken away with it. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPara } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
const LOCAL = ['-c', 'protocol.file.allow=always'];
const worktree = (): string => join(repo.root, '.para/worktrees/fix');
const inLib = (...args: string[]): string => repo.run(args, { cwd: join(worktree(), 'lib') });

beforeEach(async () => {
  repo = tempRepo();
  repo.run(['clone', '-q', '--bare', repo.root, join(repo.base, 'lib.git')]);
  repo.run([...LOCAL, 'submodule', 'add', '-q', join(repo.base, 'lib.git'), 'lib']);
  repo.run(['commit', '-qm', 'lib']);
  expect(await runPara(repo, 'start fix')).toMatchObject({ code: 0 });
  repo.run([...LOCAL, 'submodule', 'update', '-q', '--init'], { cwd: worktree() });
});
afterEach(() => {
  repo.remove();
});

const finish = () => runPara(repo, ['finish', 'Done', 'fix']);
const changes = async (): Promise<number | undefined> => {
  const { stdout } = await runPara(repo, 'list --json');
  return (JSON.parse(stdout) as { sessions: { changes: number }[] }).sessions[0]?.changes;
};

test('a clean one is no matter', async () => {
  expect(await changes()).toBe(0);
  expect(await finish()).toMatchObject({ code: 0 });
});

test('finish refuses what is not committed or not pushed, names it, and goes on after that', async () => {
  writeFileSync(join(worktree(), 'lib/new'), 'x');
  expect(await changes()).toBe(1);
  const dirty = await finish();
  expect(dirty).toMatchObject({ code: 10 });
  expect(dirty.stderr).toContain('"lib" has 1 changes that are not committed');
  expect(dirty.stderr).toContain(`git -C ${worktree()}/lib status`);
  inLib('add', '.');
  inLib('commit', '-qm', 'new');
  const unpushed = await finish();
  expect(unpushed).toMatchObject({ code: 10 });
  expect(unpushed.stderr).toContain('"lib" has commits that are nowhere else');
  const twin = join(repo.root, '.git/modules/lib');
  expect(unpushed.stderr).toContain(`git --git-dir=${twin} fetch`);
  expect(existsSync(join(worktree(), 'lib/new'))).toBe(true);
  inLib('push', '-q', 'origin', 'HEAD:refs/heads/fix');
  expect(await finish()).toMatchObject({ code: 0 });
  const gitlink = repo.run(['rev-parse', 'para/fix:lib']);
  expect(repo.run(['--git-dir', join(repo.base, 'lib.git'), 'rev-parse', 'fix'])).toBe(gitlink);
});

test('cancel refuses it too, and lets it go only with --force', async () => {
  writeFileSync(join(worktree(), 'lib/new'), 'x');
  for (const line of ['cancel fix', 'cancel fix --archive-ignored']) {
    const { code, stderr } = await runPara(repo, line);
    expect(stderr).toContain('no archive can hold it; to let it go: para cancel fix --force');
    expect(code).toBe(10);
  }
  const { code, stderr } = await runPara(repo, 'cancel fix --force');
  expect(stderr).toMatch(/Gone with the worktree, as asked: .*lib/);
  expect(code).toBe(0);
});
