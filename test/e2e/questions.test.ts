/** Questions on a terminal: `para docker trust`, where only a yes is one, and which session `para recover` is to bring back. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeWorld, type World } from '../support/para.ts';
import { Screen } from '../support/screen.ts';

let world: World;
let repo: string;
let screen: Screen;
const approvals = (): readonly string[] => {
  try {
    return readdirSync(join(world.dir, 'state/para/trust'));
  } catch {
    return [];
  }
};

beforeAll(async () => {
  world = makeWorld();
  repo = await world.repo();
  const source = join(world.dir, 'work/data');
  mkdirSync(source);
  const text = JSON.stringify({ volumes: [{ source, target: '/all' }] });
  const script = 'mkdir .para; echo "$0" >.para/docker.json; git add -f .para; git commit -qm asks';
  await world.out(['sh', '-ec', script, text], { cwd: repo });
  screen = await Screen.open(world, repo, 120, 30);
});
afterAll(async () => {
  await screen.close();
  await world.remove();
});

async function asks(command: string): Promise<void> {
  await screen.line(`clear; stty -g >before; para ${command}; echo "ended with $?"; stty -g >after`);
}
async function trust(): Promise<void> {
  await asks('docker trust');
  const asked = await screen.until(/Approve what is not approved yet\?/);
  expect(asked).toContain('.para/docker.json');
  expect(asked).toMatch(/mounts \S+ at \/all/);
  await screen.takesKeys();
}

/** How it ended; the terminal is as it was before. */
async function ended(): Promise<number> {
  const said = await screen.until(/^ended with \d+$/m);
  await screen.until(/^\$ *$/m);
  expect(await world.run(['cmp', 'before', 'after'], { cwd: repo })).toMatchObject({ code: 0 });
  return Number(/^ended with (\d+)$/m.exec(said)?.[1]);
}

test.each([
  ['Enter alone', ['Enter'], 10],
  ['n', ['n', 'Enter'], 10],
  ['Ctrl-C', ['C-c'], 130],
  ['Ctrl-C on the yes', ['y', 'C-c'], 130],
  ['the end of what is typed', ['C-d'], 130],
])('%s: nothing is approved', async (_what, keys, code) => {
  await trust();
  await screen.keys(...keys);
  expect(await ended()).toBe(code);
  expect(approvals()).toEqual([]);
});

test('y: it is', async () => {
  await trust();
  await screen.keys('y', 'Enter');
  expect(await ended()).toBe(0);
  expect(approvals()).toHaveLength(1);
});

test('recover: the one that was chosen, or none', async () => {
  for (const name of ['first', 'second'])
    for (const verb of ['start', 'cancel'])
      expect(await world.para(repo, [verb, name])).toMatchObject({ code: 0 });
  const there = (): readonly string[] => readdirSync(join(repo, '.para/worktrees'));
  await asks('recover');
  await screen.until(/Which session\?/);
  await screen.keys('C-c');
  expect(await ended()).toBe(130);
  expect(there()).toEqual([]);
  await asks('recover');
  const asked = await screen.until(/Which session\?[^]*second/);
  const chosen = /❯ (\w+)/.exec(asked)?.[1] === 'first' ? 'second' : 'first';
  await screen.keys('Down', 'Enter');
  expect(await ended()).toBe(0);
  expect(there()).toEqual([chosen]);
});
