/** What a container mounts is what it was made with: an engine follows links anew at each start, and an agent can make one. */
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { inside, type Ended, type Inside } from '../fault/inside.ts';

let world: Inside;
let restore: () => void;
const at = (path: string): string => join(world.repo.base, path);
const states = (): string[] => Object.values(world.engine.containers).map(({ state }) => state);

async function must(...args: readonly string[]): Promise<Ended> {
  const ended = await world.para(args);
  expect({ args, code: ended.code, stderr: ended.code === 0 ? '' : ended.stderr }).toEqual({
    ...{ args, code: 0, stderr: '' },
  });
  return ended;
}
async function refused(...args: readonly string[]): Promise<Ended> {
  const ended = await world.para(args);
  expect([ended.code, ended.stderr]).toEqual([
    10,
    expect.stringContaining(`${at('cache')} is a link to "${at('private')}" now, and was none when`),
  ]);
  return ended;
}
/** What an agent would do that can write to what holds the source. */
function swap(): void {
  renameSync(at('cache'), at('cache.old'));
  symlinkSync(at('private'), at('cache'));
}

beforeAll(async () => {
  world = inside();
  for (const path of ['cache', 'private', 'home/.config/para']) mkdirSync(at(path), { recursive: true });
  await must('start', 's', '--docker', '--image', 'team/app:1', '--volume', `${at('cache')}:/cache`);
  restore = world.keep();
});
afterAll(() => {
  world.remove();
});
beforeEach(() => {
  restore();
  for (const path of ['cache', 'cache.old']) rmSync(at(path), { recursive: true, force: true });
  mkdirSync(at('cache'));
});

test('docker start: refused before the engine is told anything, until it is put back', async () => {
  await must('docker', 'stop', 's');
  swap();
  const before = world.footprint();
  const { stderr } = await refused('docker', 'start', 's');
  expect(stderr).toContain('para docker stop s --remove && para docker start s');
  expect(states()).toEqual(['exited']);
  expect(world.footprint()).toBe(before);
  rmSync(at('cache'));
  renameSync(at('cache.old'), at('cache'));
  await must('docker', 'start', 's');
  expect(states()).toEqual(['running']);
});

test('resume', async () => {
  await must('docker', 'stop', 's');
  swap();
  await refused('resume', 's');
  expect(states()).toEqual(['exited']);
});

test('supervise: one that died stays down, and it says why', async () => {
  for (const one of Object.values(world.engine.containers))
    Object.assign(one, { state: 'exited', exitCode: 137 });
  swap();
  const { stdout, stderr } = await world.para(['docker', 'supervise', '--once']);
  expect(stdout + stderr).toContain(`could not be restarted (1 of 3): ${at('cache')} is a link to`);
  expect(states()).toEqual(['exited']);
});

test('recover makes no other container, and stops none to mend it', async () => {
  swap();
  rmSync(join(world.repo.root, '.para/worktrees/s/.git'));
  await refused('recover', 's');
  expect(states()).toEqual(['running']);
  for (const id of Object.keys(world.engine.containers)) Reflect.deleteProperty(world.engine.containers, id);
  await refused('recover', 's');
  expect(states()).toEqual([]);
});

test('what is taken back after a failure does not start it either', async () => {
  swap();
  const ended = await world.para(['docker', 'stop', 's', '--remove'], { fault: { nth: 3, do: 'fail' } });
  expect(ended.stderr).toMatch(/not everything could be undone\n.*para docker start s\n/);
  expect(states()).toEqual(['exited']);
});

test('one in another is not mounted, of the same container or of another session', async () => {
  mkdirSync(at('cache/npm'));
  const both = ['--volume', `${at('cache')}:/c`, '--volume', `${at('cache/npm')}:/n`];
  const start = (name: string, ...flags: readonly string[]): Promise<Ended> =>
    world.para(['start', name, '--docker', '--image', 'team/app:1', ...flags]);
  const before = world.footprint();
  for (const [flags, whose] of [
    [both, 'the container'],
    [both.slice(2), 'the container of s'],
  ] as const) {
    const { code, stderr } = await start('t', ...flags);
    expect([code, stderr]).toEqual([
      10,
      expect.stringContaining(`${at('cache/npm')} lies in ${at('cache')}, to which ${whose} can write`),
    ]);
  }
  expect(world.footprint()).toBe(before);
  expect(states()).toEqual(['running']);
  expect(await start('t', '--volume', `${at('cache')}:/cache`)).toMatchObject({ code: 0 });
});
