/** `recover` makes a container as it was made: nothing that an agent has written since has a say in it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { inside, type Ended, type Inside } from '../fault/inside.ts';

let world: Inside;
const worktree = (): string => join(world.repo.root, '.para/worktrees/s');
const file = (): string => join(worktree(), '.para/docker.json');

/** All that the engine was told of the session's container, which is the only one. */
function container(): object {
  const all = Object.values(world.engine.containers) as object[];
  expect(all).toHaveLength(1);
  const own = ['id', 'labels', 'createdAt', 'startedAt'];
  return Object.fromEntries(Object.entries(all[0] ?? {}).filter(([key]) => !own.includes(key)));
}
function removeContainer(): void {
  for (const id of Object.keys(world.engine.containers)) Reflect.deleteProperty(world.engine.containers, id);
}
async function must(...args: readonly string[]): Promise<Ended> {
  const ended = await world.para(args);
  expect({ args, code: ended.code, stderr: ended.code === 0 ? '' : ended.stderr }).toEqual({
    ...{ args, code: 0, stderr: '' },
  });
  return ended;
}

const MADE = '{"image":"team/app:1","environment":{"A":"as it was made"}}';
const EVIL = '{"image":"evil/app:1","volumes":[{"source":"/","target":"/h"}],"network":{"mode":"bridge"}}';

beforeAll(async () => {
  world = inside();
  mkdirSync(join(world.repo.root, '.para'));
  writeFileSync(join(world.repo.root, '.para/docker.json'), MADE);
  world.repo.run(['add', '-f', '.para/docker.json']);
  world.repo.run(['commit', '-qm', 'docker.json']);
  await must('start', 's', '--docker');
});
afterAll(() => {
  world.remove();
});

/** What an agent leaves in place of its docker.json. */
const CHANGES: Readonly<Record<string, () => void>> = {
  'another one': () => writeFileSync(file(), EVIL),
  'one that is broken': () => writeFileSync(file(), '{"image":"evil/app:1",'),
  'one that is huge': () => writeFileSync(file(), `${EVIL}${' '.repeat(1024 * 1024)}`),
  'a pipe': () => execFileSync('mkfifo', [file()]),
  'a link': () => {
    writeFileSync(join(worktree(), 'elsewhere'), EVIL);
    symlinkSync('../elsewhere', file());
  },
  nothing: () => undefined,
};

const SAYS = 'has changed; its container stays as it was made';

test.each(Object.entries(CHANGES))(
  '%s in place of its docker.json: the same, and para says so',
  async (_what, change) => {
    const made = container();
    rmSync(file(), { force: true });
    change();
    removeContainer();
    expect((await must('recover', 's')).stderr).toContain(SAYS);
    expect(container()).toEqual(made);
  },
);

test('so it is when the whole session was cancelled', async () => {
  const made = container();
  rmSync(file(), { force: true });
  writeFileSync(file(), EVIL);
  await must('cancel', 's');
  expect((await must('recover', 's')).stderr).toContain(SAYS);
  expect(container()).toEqual(made);
});

test('settings that an agent wrote, or that came to the repository since, change nothing', async () => {
  const made = container();
  const settings = JSON.stringify({ docker: { hardening: 'off', default_image: 'evil/app:1', git: 'off' } });
  for (const root of [worktree(), world.repo.root]) writeFileSync(join(root, '.para/config.json'), settings);
  removeContainer();
  await must('recover', 's');
  expect(container()).toEqual(made);
});
