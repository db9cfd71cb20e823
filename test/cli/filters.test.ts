/** A secret that the user's filter hides is never committed in plain text, whoever wrote it. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { started } from '../support/conversation.ts';
import { runPara } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
beforeEach(() => {
  repo = tempRepo();
  for (const [key, value] of [
    ['clean', 'tr a-z A-Z'],
    ['smudge', 'tr A-Z a-z'],
    ['required', 'true'],
  ] as const)
    repo.run(['config', `filter.secret.${key}`, value]);
  repo.write('.gitattributes', '*.key filter=secret\n');
  repo.write('old.key', 'old');
  repo.run(['add', '.']);
  repo.run(['commit', '-qm', 'keys']);
});
afterEach(() => {
  repo.remove();
});

const worktree = (): string => join(repo.root, '.para/worktrees/fix');
const read = (name: string): string => readFileSync(join(worktree(), name), 'utf8');

test('without a container: as git add does; cancel and recover bring back what was there', async () => {
  await runPara(repo, 'start fix');
  expect(read('old.key')).toBe('old');
  writeFileSync(join(worktree(), 'new.key'), 'new');
  expect(await runPara(repo, 'cancel fix')).toMatchObject({ code: 0 });
  expect(await runPara(repo, 'recover fix')).toMatchObject({ code: 0 });
  expect([read('old.key'), read('new.key')]).toEqual(['old', 'new']);
  expect(await runPara(repo, ['finish', 'Done', 'fix'])).toMatchObject({ code: 0 });
  expect(repo.run(['show', 'para/fix:new.key'])).toBe('NEW');
  expect(repo.run(['show', 'para/fix:old.key'])).toBe('OLD');
});

test('with a container, and after one: refused, with the commands', async () => {
  const talk = await started(repo, 'docker');
  writeFileSync(join(worktree(), 'new.key'), 'new');
  const calls = [talk.status('running'), talk.stop(), talk.wake()];
  const refused = await runPara(repo, ['finish', 'Done', 'fix'], { calls });
  expect(refused).toMatchObject({ code: 10 });
  expect(refused.stderr).toContain(
    'filter (secret), which para does not run where a container has worked: "new.key"\n',
  );
  expect(refused.stderr).toContain('git -C ');
  const away = [talk.status('running'), talk.stop(), talk.remove(), talk.networkRemove()];
  expect(await runPara(repo, 'docker stop fix --remove', { calls: away })).toMatchObject({ code: 0 });
  expect(await runPara(repo, ['finish', 'Done', 'fix'])).toMatchObject({ code: 10 });
  repo.run(['add', '.'], { cwd: worktree() });
  repo.run(['commit', '-qm', 'mine'], { cwd: worktree() });
  expect(await runPara(repo, ['finish', 'Done', 'fix'])).toMatchObject({ code: 0 });
  expect(repo.run(['show', 'para/fix:new.key'])).toBe('NEW');
});
