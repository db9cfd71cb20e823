/** What a git that was cut off has said: nothing. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { commitOf, dropRef } from '../../src/git/refs.ts';
import { createGit, type Git } from '../../src/git/git.ts';
import { openRepository, type Repository } from '../../src/git/repository.ts';
import { createRunner } from '../../src/sys/run.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let at: TempRepo;
let repo: Repository;
beforeEach(async () => {
  at = tempRepo();
  repo = await openRepository(at.git, at.root);
});
afterEach(() => {
  at.remove();
});

/** The repository as a para sees it whose person has just asked it to stop. */
function interrupted(): Repository {
  const git: Git = createGit(createRunner({ env: at.env, signal: () => AbortSignal.abort() }), at.env);
  return { ...repo, git };
}

test('a ref is not taken for gone when nobody could look', async () => {
  await expect(commitOf(interrupted(), 'refs/heads/main')).rejects.toMatchObject({ code: 'INTERRUPTED' });
});

test('a change of a ref is done whole: its lock would stay', async () => {
  const tip = (await commitOf(repo, 'refs/heads/main')) ?? '';
  at.run(['branch', 'other']);
  await dropRef(interrupted(), 'refs/heads/other', tip);
  expect(await commitOf(repo, 'refs/heads/other')).toBeUndefined();
});

test('what passes its deadline has not answered either', async () => {
  const call = { args: ['x'], config: ['alias.x=!sleep 5'], timeoutMs: 100 };
  await expect(at.git.attempt(call)).rejects.toMatchObject({
    code: 'GIT_FAILED',
    message: 'git x: deadline passed',
  });
});

test('filters that could not be asked for are asked for again', async () => {
  const signal = { now: AbortSignal.abort() };
  const git = createGit(createRunner({ env: at.env, signal: () => signal.now }), at.env);
  at.run(['config', 'filter.f.clean', 'cat']);
  const place = { gitDir: repo.commonDir };
  await expect(git.filtersNotRun(place)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  signal.now = new AbortController().signal;
  expect(await git.filtersNotRun(place)).toEqual(['f']);
});
