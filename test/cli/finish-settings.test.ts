/** Settings that change what finish and start do. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
const finish = (...more: readonly string[]): Promise<Ran> =>
  runPara(repo, ['finish', 'Done', 'fix', ...more]);
async function startedWith(settings: object): Promise<void> {
  repo.write('.para/config.json', JSON.stringify(settings));
  expect(await runPara(repo, 'start fix')).toMatchObject({ code: 0 });
  writeFileSync(join(worktree(), 'new file'), 'x');
}

test('git.remote: there, and nowhere else; one that is missing stops before anything is changed', async () => {
  for (const name of ['origin', 'mine']) {
    repo.run(['init', '-q', '--bare', join(repo.base, `${name}.git`)]);
    repo.run(['remote', 'add', name, join(repo.base, `${name}.git`)]);
  }
  await startedWith({ git: { remote: 'nowhere' } });
  const { code, stderr } = await finish();
  expect(stderr).toBe(
    '✗ the setting git.remote is "nowhere", and there is no such remote\n' +
      '  ↳ This repository has: mine, origin\n  ↳ para config set git.remote mine\n',
  );
  expect(code).toBe(4);
  expect(existsSync(join(worktree(), 'new file'))).toBe(true);
  repo.write('.para/config.json', JSON.stringify({ git: { remote: 'mine' } }));
  expect(await finish()).toMatchObject({ code: 0 });
  expect([repo.run(['ls-remote', 'origin']), repo.run(['ls-remote', 'mine'])]).toEqual([
    '',
    expect.stringContaining('refs/heads/para/fix'),
  ]);
});

test.each([[[]], [['-b', 'other']]])(
  'session.preserve_on_finish %j: the worktree stays, clean',
  async (more) => {
    await startedWith({ session: { preserve_on_finish: true } });
    writeFileSync(join(worktree(), 'a.txt'), 'changed');
    const branch = more[1] ?? 'para/fix';
    const { code, stdout } = await finish(...more);
    expect(stdout).toContain(`The worktree stays: ${worktree()}`);
    expect(code).toBe(0);
    expect(repo.run(['-C', worktree(), 'status', '--porcelain', '-b'])).toBe(`## ${branch}`);
    expect(repo.run(['branch', '--format=%(refname:short)']).split('\n').sort()).toEqual(
      ['main', branch].sort(),
    );
    expect((await runPara(repo, 'list')).stdout).toMatch(/^fix +review +/m);
  },
);

test.each([
  ['auto_commit', ['new file'], 'committed: new file'],
  ['auto_commit', ['a.txt', 'new file'], 'committed: a.txt new file'],
  ['auto_stage', ['a.txt', 'new file'], 'staged: a.txt new file'],
])('git.%s false: refuses to finish what is left in %j', async (setting, files, message) => {
  await startedWith({ git: { [setting]: false } });
  for (const file of files) writeFileSync(join(worktree(), file), 'changed');
  const { code, stderr } = await finish();
  expect(stderr).toContain(`✗ git.${setting} is false, and fix has work that is not ${message}\n`);
  expect(stderr).toContain(`cd ${worktree()}`);
  expect(code).toBe(10);
  repo.run(['-C', worktree(), 'add', '.']);
  if (setting === 'auto_commit') {
    expect(await finish()).toMatchObject({ code: 10 });
    repo.run(['-C', worktree(), 'commit', '-qm', 'by hand']);
  }
  expect(await finish()).toMatchObject({ code: 0 });
  expect(repo.run(['show', '--format=', '--name-only', 'para/fix']).split('\n')).toEqual(files);
});

test('session.default_name_format: names that start makes; the second of a day gets a number', async () => {
  repo.write('.para/config.json', JSON.stringify({ session: { default_name_format: 'w%Y%m%d' } }));
  const names = [await runPara(repo, 'start --json'), await runPara(repo, 'start --json')].map(
    ({ stdout }) => (JSON.parse(stdout) as { session: { name: string } }).session.name,
  );
  expect(names).toEqual([expect.stringMatching(/^w2026010[12]$/), `${names[0] ?? ''}-2`]);
  repo.write('.para/config.json', JSON.stringify({ session: { default_name_format: 'My %X' } }));
  const { code, stderr } = await runPara(repo, 'start');
  expect(stderr).toContain('session.default_name_format makes "My %X"');
  expect(code).toBe(5);
});
