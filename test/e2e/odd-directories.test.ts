/** Directories that are gone, git directories, and more sessions than a process likes listeners. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { makeWorld, type Ended, type World } from '../support/para.ts';

let world: World;
let root: string;

beforeAll(async () => {
  world = makeWorld();
  root = await world.repo("it's");
});
afterAll(() => world.remove());

const inShell = (script: string): Promise<Ended> =>
  world.run(['sh', '-c', `para() { "$NODE" "$PARA" "$@"; }; ${script}`], {
    cwd: root,
    env: { NODE: process.execPath, PARA: world.binary },
  });

test('a shell whose worktree was finished is told where to go, and what needs no repository works', async () => {
  expect(await world.para(root, ['start', 'fix'])).toMatchObject({ code: 0 });
  const { stdout } = await inShell('cd .para/worktrees/fix && para finish Done');
  const back = `cd '${root.replace("'", `'\\''`)}'`;
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(`  ${back}`);
  expect(await world.para(root, ['start', 'fix-2'])).toMatchObject({ code: 0 });
  const gone = await inShell('cd .para/worktrees/fix-2 && para cancel -q && para list');
  expect(gone).toMatchObject({ code: 4, stderr: `✗ this directory is gone\n  ↳ ${back}\n` });
  expect(gone.stdout).toContain(back);
  const leave = 'mkdir gone && cd gone && rmdir ../gone && ';
  for (const line of ['--help', '--version', 'start --help', 'completion bash', 'config get git.push'])
    expect(await inShell(`${leave}para ${line}`)).toMatchObject({ code: 0, stderr: '' });
  expect((await inShell(`${leave}para doctor`)).stderr).not.toContain('bug');
});

test('in the git directory the checkout around it is meant', async () => {
  const listed = await world.para(join(root, '.git', 'refs'), ['list', '--json']);
  expect(listed).toMatchObject({ code: 0, stderr: '' });
});

test('no git, and a disk that is full: said as such', async () => {
  const without = await world.run([process.execPath, world.binary, 'list'], { env: { PATH: '/nowhere' } });
  expect(without).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('git was not found on PATH\n  ↳ Install git') as unknown,
  });
  const full = await inShell('para list >/dev/full');
  expect(full).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the answer can not be written: ENOSPC') as unknown,
  });
});

test('many sessions at once: no warning of the runtime', async () => {
  for (let i = 0; i < 11; i += 1)
    expect(await world.para(root, ['start', `many-${String(i)}`])).toMatchObject({ code: 0 });
  const { stdout, stderr } = await world.para(root, ['list']);
  expect(stderr).toBe('');
  expect(stdout.match(/many-/g)?.length).toBeGreaterThanOrEqual(11);
});
