/** Work that is half done, or beside the session's branch: not committed as it is, and not lost. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { started } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { runPara, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const worktree = (): string => join(repo.root, '.para/worktrees/fix');
const git = (...args: string[]): string => repo.run(args, { cwd: worktree() });
const finish = (): Promise<Ran> => runPara(repo, ['finish', 'All done', 'fix']);
const commit = (file: string, text: string): string => {
  writeFileSync(join(worktree(), file), text);
  git('add', '.');
  git('commit', '-qm', text);
  return git('rev-parse', 'HEAD');
};
const statusOf = async (): Promise<string | undefined> => {
  const { stdout } = await runPara(repo, 'list --json --no-containers');
  return (JSON.parse(stdout) as { sessions: { status: string }[] }).sessions[0]?.status;
};
/** Branches with one commit each that change the same line. */
function diverge(): void {
  git('switch', '-q', '-c', 'other');
  commit('a.txt', 'theirs');
  git('switch', '-q', 'para/fix');
  commit('a.txt', 'ours');
}

describe('without a container', () => {
  beforeEach(async () => {
    expect(await runPara(repo, 'start fix')).toMatchObject({ code: 0 });
  });

  test('a merge with conflicts is refused, with the commands; once it is done, it is finished', async () => {
    diverge();
    expect(() => git('merge', 'other')).toThrow();
    const before = footprint(repo);
    const { code, stderr } = await finish();
    expect(code).toBe(10);
    expect(stderr).toContain('there is a merge that is not done in the worktree, with conflicts');
    for (const way of ['status', 'merge --continue', 'merge --abort'])
      expect(stderr).toContain(`git -C '${worktree()}' ${way}`);
    expect(footprint(repo)).toEqual(before);
    expect(await statusOf()).toBe('conflict');
    writeFileSync(join(worktree(), 'a.txt'), 'both');
    git('add', '.');
    expect(await statusOf()).toBe('merging');
    expect(await finish()).toMatchObject({ code: 10 });
    git('-c', 'core.editor=true', 'merge', '--continue');
    expect(await finish()).toMatchObject({ code: 0 });
    expect(repo.run(['show', 'para/fix:a.txt'])).toBe('both');
  });

  test('a rebase that waits is refused', async () => {
    diverge();
    expect(() => git('rebase', 'other')).toThrow();
    const { code, stderr } = await finish();
    expect(code).toBe(10);
    expect(stderr).toContain(`git -C '${worktree()}' rebase --abort`);
    git('rebase', '--abort');
    expect(await finish()).toMatchObject({ code: 0 });
  });

  test('commits on a detached HEAD are taken, and it says so', async () => {
    git('switch', '-q', '--detach');
    const made = commit('new', 'detached');
    writeFileSync(join(worktree(), 'left'), 'x');
    const { code, stderr } = await finish();
    expect(code).toBe(0);
    expect(stderr).toContain('▲ HEAD was detached; its commits are on para/fix now');
    expect(repo.run(['rev-parse', 'para/fix~1'])).toBe(made);
  });

  test('HEAD beside the branch is refused; cancel archives both', async () => {
    const ours = commit('ours', 'ours');
    git('switch', '-q', '--detach', 'HEAD~1');
    const beside = commit('beside', 'beside');
    const { code, stderr } = await finish();
    expect(code).toBe(10);
    expect(stderr).toContain(`git -C '${worktree()}' switch para/fix`);
    expect(await runPara(repo, 'cancel fix')).toMatchObject({ code: 0 });
    repo.run(['reflog', 'expire', '--expire=now', '--all']);
    repo.run(['gc', '-q', '--prune=now']);
    const kept = repo.run(['rev-list', '--glob=refs/para/archive/*']).split('\n');
    expect(kept).toEqual(expect.arrayContaining([ours, beside]));
  });

  test.each(['finish', 'cancel'])('%s: a branch that was deleted is made again', async (verb) => {
    const made = commit('new', 'work');
    repo.run(['update-ref', '-d', 'refs/heads/para/fix']);
    writeFileSync(join(worktree(), 'left'), 'x');
    const { code, stderr } = await (verb === 'finish' ? finish() : runPara(repo, 'cancel fix'));
    expect(code).toBe(0);
    expect(stderr).toContain(`the branch para/fix was gone; it is there again, at ${made.slice(0, 10)}`);
    if (verb === 'cancel') expect(await runPara(repo, 'recover fix')).toMatchObject({ code: 0 });
    const tip = verb === 'finish' ? 'para/fix~1' : 'para/fix';
    expect(repo.run(['rev-parse', tip])).toBe(made);
    expect(existsSync(join(worktree(), 'left'))).toBe(verb === 'cancel');
  });
});

describe('in a container', () => {
  /** git in the container: the sealed directory, with the objects where the host has them. */
  const inside = (...args: string[]): string => {
    const dir = join(repo.root, '.para/state/docker/fix/git');
    writeFileSync(join(dir, 'objects/info/alternates'), `${join(repo.root, '.git/objects')}\n`);
    return repo.run(args, { cwd: worktree(), env: { GIT_DIR: dir, GIT_WORK_TREE: worktree() } });
  };
  const commitInside = (file: string, text: string): void => {
    writeFileSync(join(worktree(), file), text);
    inside('add', '.');
    inside('commit', '-qm', text);
  };

  test('a merge with conflicts is refused before the container is stopped', async () => {
    await started(repo, 'docker');
    inside('switch', '-q', '-c', 'other');
    commitInside('a.txt', 'theirs');
    inside('switch', '-q', 'para/fix');
    commitInside('a.txt', 'ours');
    expect(() => inside('merge', 'other')).toThrow();
    const { code, stderr } = await finish();
    expect(code).toBe(10);
    expect(stderr).toContain('para docker exec fix -- git merge --abort');
    expect(await statusOf()).toBe('conflict');
  });

  test('HEAD beside the branch is refused, and the container runs again', async () => {
    const talk = await started(repo, 'docker');
    commitInside('ours', 'ours');
    inside('switch', '-q', '-c', 'side', 'HEAD~1');
    commitInside('side', 'side');
    const calls = [talk.status('running'), talk.stop(), talk.wake()];
    const { code, stderr } = await runPara(repo, ['finish', 'All done', 'fix'], { calls });
    expect(code).toBe(10);
    expect(stderr).toContain('para docker exec fix -- git switch para/fix\n');
    expect(stderr).toContain('para docker exec fix -- git merge side\n');
  });

  test('HEAD on another branch after it: its commits are taken, and it says so', async () => {
    const talk = await started(repo, 'docker');
    inside('switch', '-q', '-c', 'side');
    commitInside('side', 'side');
    const calls = [talk.status('running'), talk.stop(), talk.remove(), talk.networkRemove()];
    const { code, stderr } = await runPara(repo, ['finish', 'All done', 'fix'], { calls });
    expect(code).toBe(0);
    expect(stderr).toContain('▲ in the container, HEAD was on side; its commits are on para/fix now');
  });
});
