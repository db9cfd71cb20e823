/** Every process costs milliseconds: the table in ARCHITECTURE.md says how many para starts, and this holds it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, type World } from '../support/para.ts';
import { spawnsOf } from '../support/spawns.ts';

/** Rows such as "| `para list` | 4 | 1 | … |": command, git calls, engine calls. */
const budget = [
  ...readFileSync(join(import.meta.dirname, '../../ARCHITECTURE.md'), 'utf8').matchAll(
    /^\| `para ([^`]+)` +\| +(\d+) +\| +(\d+) +\|/gm,
  ),
].map(([, command = '', git, engine]) => ({ command, git: Number(git), engine: Number(engine) }));

const [engine] = testEngines();
let world: World;
let repo: string;
beforeAll(async () => {
  world = makeWorld(engine);
  repo = await world.repo();
  // The engine has been asked what it can do before, and the network and the proxy's image are there.
  const image = testImages().base;
  expect(await world.para(repo, ['start', 'first', '--docker', '--image', image])).toMatchObject({ code: 0 });
  const closed = ['start', 'warm', '--image', image, '--allow-domain', 'example.com'];
  expect(await world.para(repo, closed)).toMatchObject({ code: 0 });
  expect(await world.para(repo, ['cancel', 'warm'])).toMatchObject({ code: 0 });
  await world.out(
    ['sh', '-ec', `mkdir -p .para; printf '{"docker":{"default_image":"%s"}}' '${image}' >.para/config.json`],
    {
      cwd: repo,
    },
  );
});
afterAll(() => world.remove());

test('the table has its rows', () => {
  expect(budget.length).toBeGreaterThanOrEqual(10);
});

test.each(budget)(
  'para $command: $git of git, $engine of the engine',
  async ({ command, git, engine: calls }) => {
    if (command.startsWith('finish')) await work(command);
    const started = await spawnsOf(world, repo, command.split(' '));
    const others = started.filter((name) => name !== 'git' && name !== engine?.engine);
    expect({
      git: started.filter((name) => name === 'git').length,
      engine: started.filter((name) => name === engine?.engine).length,
      others,
    }).toEqual({ git, engine: calls, others: [] });
  },
);

/** Something to bring back and something to commit; a message of its own, or both commits may be one object. */
async function work(finish: string): Promise<void> {
  const session = finish.split(' ').at(-1) ?? '';
  const script = ['sh', '-ec', 'echo a >a; git add a; git commit -qm "$0"; echo b >b', session];
  if (session === 'plain') await world.out(script, { cwd: join(repo, '.para/worktrees', session) });
  else
    expect(await world.para(repo, ['docker', 'exec', session, '--', ...script])).toMatchObject({
      code: 0,
      stderr: '',
    });
}
