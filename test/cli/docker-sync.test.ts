import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Conversation, started } from '../support/conversation.ts';
import { gitInside } from '../support/inside.ts';
import { runPara, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let docker: Conversation;

beforeEach(async () => {
  repo = tempRepo();
  docker = await started(repo, 'docker');
});
afterEach(() => {
  repo.remove();
});

const sync = (line = 'docker sync fix', cwd = repo.root): Promise<Ran> => runPara(repo, line, { cwd });
const tip = (ref = 'para/fix'): string => repo.run(['rev-parse', ref]);
const inside = (...args: readonly string[]): string => gitInside(repo, 'fix', ...args);

/** Commits a file, in the container or on the host; it is in the worktree that both see. */
function commit(git: (...args: readonly string[]) => string, file: string): string {
  writeFileSync(join(docker.worktree, file), `${file}\n`);
  git('add', file);
  git('commit', '-qm', file);
  return git('rev-parse', 'HEAD');
}
const onHost = (...args: readonly string[]): string => repo.run([...args], { cwd: docker.worktree });

describe('no engine is asked', () => {
  test('commits come back, once; what is not committed stays so on both sides', async () => {
    const base = tip();
    commit(inside, 'one.txt');
    const two = commit(inside, 'two.txt');
    writeFileSync(join(docker.worktree, 'a.txt'), 'changed\n');
    const range = `${base.slice(0, 10)}..${two.slice(0, 10)}`;
    expect(await sync()).toEqual({
      ...{ code: 0, stdout: `Brought 2 commits back to para/fix (${range})\n`, stderr: '' },
    });
    expect(tip()).toBe(two);
    expect(onHost('status', '--porcelain')).toBe('M a.txt');
    expect(inside('status', '--porcelain')).toBe('M a.txt');
    expect(await sync()).toEqual({
      ...{ code: 0, stdout: 'para/fix has all that was committed in the container\n', stderr: '' },
    });

    const three = commit(inside, 'three.txt');
    const { stdout } = await sync('docker sync --json', docker.worktree);
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 1, ok: true, session: 'fix', branch: 'para/fix', commit: three },
      ...{ commits_brought_back: 1, rewritten_tip_kept: null, taken_from: null },
      ...{ other_refs: [], commits_only_on_host: 0 },
    });
    inside('fsck', '--strict');
  });

  test('a branch that was rewritten inside: what it was is kept', async () => {
    const first = commit(inside, 'one.txt');
    await sync();
    inside('commit', '-q', '--amend', '-m', 'better');
    const { code, stderr } = await sync();
    expect(stderr).toContain('what it was is kept as refs/para/snap/fix/1\n');
    expect(code).toBe(0);
    expect(tip('refs/para/snap/fix/1')).toBe(first);
  });

  test('another branch and a tag come too', async () => {
    commit(inside, 'one.txt');
    inside('checkout', '-q', '-b', 'side');
    commit(inside, 'side.txt');
    const { stdout, stderr } = await sync();
    expect(stderr).toContain("They were taken from side, where the container's HEAD is");
    expect(stdout).toContain('  also taken: refs/para/inbox/fix/heads/side\n');
  });

  test('both sides moved: 10, both are kept, and the commands that are said go on', async () => {
    const host = commit(onHost, 'host.txt');
    const there = commit(inside, 'inside.txt');
    const ran = await sync();
    expect(ran).toMatchObject({ code: 10, stdout: '' });
    expect(ran.stderr).toContain('✗ para/fix got commits both on the host and in the container');
    expect([tip(), tip('refs/para/inbox/fix/incoming')]).toEqual([host, there]);

    const [command = ''] = /cd .* && git merge .*/.exec(ran.stderr) ?? [];
    execFileSync('sh', ['-ec', command], { env: { ...repo.env }, stdio: 'ignore' });
    const merged = await sync();
    expect(merged.stderr).toContain("▲ The container's branch has not got 2 commits of the host.");
    expect(merged.code).toBe(0);
    expect(repo.run(['ls-tree', '--name-only', 'para/fix']).split('\n')).toEqual(
      expect.arrayContaining(['host.txt', 'inside.txt']),
    );

    const [reset = ''] = /git reset -q \w+/.exec(merged.stderr) ?? [];
    inside(...reset.split(' ').slice(1));
    expect(inside('status', '--porcelain')).toBe('');
    expect(await sync()).toMatchObject({ code: 0, stderr: '' });
    const after = commit(inside, 'after.txt');
    expect(await sync()).toMatchObject({ code: 0, stderr: '' });
    expect(tip()).toBe(after);
  });

  test('commits of the host alone: said, and nothing moves', async () => {
    const host = commit(onHost, 'host.txt');
    const { code, stderr } = await sync();
    expect(stderr).toContain('has not got 1 commit of the host');
    expect(code).toBe(0);
    expect(tip()).toBe(host);
  });

  test('the branch is gone inside: 10, and nothing is taken', async () => {
    rmSync(join(repo.root, '.para/state/docker/fix/git/refs/heads/para/fix'));
    expect(await sync()).toMatchObject({ code: 10, stdout: '' });
  });

  test('what is broken is not taken, and nothing is left of the try', async () => {
    const base = tip();
    const oid = commit(inside, 'one.txt');
    rmSync(join(repo.root, '.para/state/docker/fix/git/objects', oid.slice(0, 2), oid.slice(2)));
    expect(await sync()).toMatchObject({ code: 4, stdout: '' });
    expect(tip()).toBe(base);
    expect(existsSync(join(repo.root, '.para/state/locks/session-fix'))).toBe(false);
  });

  test.each([
    ['docker sync nope', 3, /there is no session nope/],
    ['docker sync', 3, /no session was named/],
    ['docker sync bare', 7, /the session bare has no container/],
  ])('%s', async (line, exit, message) => {
    await runPara(repo, 'start bare');
    const { code, stderr } = await sync(line);
    expect(stderr).toMatch(message);
    expect(code).toBe(exit);
  });

  test('a session that is in review', async () => {
    const file = join(repo.root, '.para/state/fix.state');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"active"', '"review"'));
    const { code, stderr } = await sync();
    expect(stderr).toContain('the session fix is finished');
    expect(code).toBe(10);
  });
});

test('a merge that is not done on the host is told, and nothing moves', async () => {
  const base = tip();
  commit(inside, 'one.txt');
  writeFileSync(join(repo.root, '.git/worktrees/fix/MERGE_HEAD'), `${base}\n`);
  const { code, stderr } = await sync();
  expect(code).toBe(10);
  expect(stderr).toContain('there is a merge that is not done in the worktree');
  expect(stderr).toContain('merge --abort');
  expect(tip()).toBe(base);
  const removed = await runPara(repo, 'docker stop fix --remove');
  expect(removed).toMatchObject({ code: 10, stderr: expect.stringContaining('merge --continue') });
});
