/** A start that fails after it has taken what was kept ready takes all of it back, and nothing that is somebody else's. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fakeEngine, type FakeEngine, type Fault } from '../support/fake-engine.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';

const IMAGE = 'localhost/para-test/busybox:1';
let world: World;
let engine: FakeEngine;
let repo: string;

beforeEach(async () => {
  engine = fakeEngine();
  world = makeWorld();
  repo = await world.repo();
  for (const args of [
    ['config', 'set', 'docker.warm_pool', '1'],
    ['docker', 'pool', 'fill', '--image', IMAGE],
  ])
    expect(await para(args)).toMatchObject({ code: 0 });
});
afterEach(async () => {
  engine.remove();
  await world.remove();
});

const para = (args: readonly string[], faults: readonly Fault[] = []): Promise<Ended> =>
  world.para(repo, args, { env: { ...engine.env, FAKE_ENGINE_FAULTS: JSON.stringify(faults) } });
const start = (faults?: readonly Fault[]): Promise<Ended> =>
  para(['start', 's', '--docker', '--image', IMAGE], faults);

/** What there is of the session, and of what was kept ready. */
async function left(): Promise<readonly string[]> {
  const refs = await world.out(
    ['git', 'for-each-ref', '--format=%(refname)', 'refs/heads/para', 'refs/para'],
    {
      cwd: repo,
    },
  );
  const below = ['warm', 'docker'].flatMap((name) => {
    const dir = join(repo, '.para/state', name);
    return existsSync(dir) ? readdirSync(dir) : [];
  });
  const trees = [
    ...readdirSync(join(repo, '.para/worktrees')),
    ...readdirSync(join(repo, '.git'))
      .filter((name) => name === 'worktrees')
      .flatMap((name) => readdirSync(join(repo, '.git', name))),
  ];
  const files = readdirSync(join(repo, '.para/state')).filter((name) => name.endsWith('.state'));
  return [...refs.split('\n').filter((ref) => ref !== ''), ...below, ...trees, ...files];
}

test.each(['start', 'rename', 'network inspect'])('%s fails', async (verb) => {
  const ended = await start([{ verb, do: 'fail', exitCode: 1, stderr: 'Error: no\n' }]);
  expect(ended).toMatchObject({ code: 1 });
  expect(engine.containers()).toEqual([]);
  expect(await left()).toEqual([]);
  expect(await start()).toMatchObject({ code: 0 });
});

test('a container of its name that somebody has made stays', async () => {
  const name = `para-${repoId(repo)}-s`;
  const made = await world.run(['docker', 'create', '--name', name, '--', IMAGE], { env: engine.env });
  expect(made).toMatchObject({ code: 0 });
  const ended = await start();
  expect(ended.code).not.toBe(0);
  expect(ended.stderr).toContain(name);
  expect(engine.containers().map((one) => one.name)).toEqual([name]);
  expect(await left()).toEqual([]);
});

test('one whose container is gone is not taken', async () => {
  const [{ name } = { name: '' }] = engine.containers();
  expect(await world.run(['docker', 'rm', '-f', '--', name], { env: engine.env })).toMatchObject({ code: 0 });
  expect(await start()).toMatchObject({ code: 0 });
  expect(engine.containers().map((one) => one.labels['para.session'])).toEqual(['s']);
  expect(readdirSync(join(repo, '.para/worktrees'))).toEqual(['s']);
});

describe.each([
  ['its record', []],
  ['its record and what git remembers', ['git', 'update-ref', '-d', 'refs/para/meta/s']],
])('a session that has taken one, and lost %s', (_what, lose) => {
  const record = (): string => readFileSync(join(repo, '.para/state/s.state'), 'utf8');

  test('keeps its container and what that mounts, and is recovered with both', async () => {
    expect(await start()).toMatchObject({ code: 0 });
    const [id = ''] = readdirSync(join(repo, '.para/state/warm'));
    await world.out(['sh', '-c', 'echo work >.para/worktrees/s/made'], { cwd: repo });
    for (const file of readdirSync(join(repo, '.para/state')))
      if (file.startsWith('s.state')) rmSync(join(repo, '.para/state', file));
    if (lose.length > 0) await world.out(lose, { cwd: repo });

    expect((await para(['docker', 'cleanup'])).stdout).toContain('para recover s');
    expect(await para(['recover', 's'])).toMatchObject({ code: 0 });
    expect(record()).toContain(`"warm": "${id}"`);
    const [one] = engine.containers();
    expect(one).toMatchObject({ name: `para-${repoId(repo)}-s`, labels: { 'para.op': id } });
    for (const args of [['clean'], ['docker', 'pool', 'fill', '--image', IMAGE], ['docker', 'cleanup']])
      expect(await para(args)).toMatchObject({ code: 0 });
    expect(readdirSync(join(repo, '.para/state/warm'))).toContain(id);
    expect(engine.containers()).toContainEqual(one);
    expect(await para(['cancel', 's'])).toMatchObject({ code: 0 });
    expect(readdirSync(join(repo, '.para/state/warm'))).not.toContain(id);
  });
});
