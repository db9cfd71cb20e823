/** `docker.warm_pool` on every engine: what is kept ready is taken once, is the session's own then, and never ran before. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';

interface Row {
  readonly session: string | null;
  readonly warm: boolean;
  readonly name: string;
  readonly state: string;
}

const isFull = process.env['PARA_FAULT_FULL'] === '1';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (id, engine) => {
  // What is decided by files and hashes is the same on all of them.
  const isWhole = isFull || id === 'docker';

  let world: World;
  let repo: string;
  const image = ['--image', testImages().base];

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    await must('config', 'set', 'docker.warm_pool', '2');
  });
  afterAll(() => world.remove());

  async function must(...args: string[]): Promise<Ended> {
    const ended = await world.para(repo, args);
    expect({ args, ...ended }).toMatchObject({ code: 0 });
    return ended;
  }
  const inside = async (session: string, script: string): Promise<string> =>
    (await must('docker', 'exec', session, '--', 'sh', '-ec', script)).stdout.trim();
  const start = (name: string): Promise<Ended> => must('start', name, '--docker', ...image);
  const fill = (): Promise<Ended> => must('docker', 'pool', 'fill', ...image);
  const warmOf = (session: string): string | undefined =>
    /"warm": "(.*)"/.exec(readFileSync(join(repo, `.para/state/${session}.state`), 'utf8'))?.[1];
  async function rows(): Promise<readonly Row[]> {
    const { stdout } = await must('docker', 'list', '--json');
    return (JSON.parse(stdout) as { containers: Row[] }).containers;
  }
  const ready = async (): Promise<readonly string[]> =>
    (await rows()).filter(({ warm, state }) => warm && state === 'created').map(({ name }) => name);
  const slots = (): readonly string[] => {
    const dir = join(repo, '.para/state/warm');
    return existsSync(dir) ? readdirSync(dir) : [];
  };

  test('two are made, never started, and shown; a second filling makes none', async () => {
    await fill();
    expect(await ready()).toHaveLength(2);
    expect(JSON.parse((await must('docker', 'pool', 'fill', ...image, '--json')).stdout)).toMatchObject({
      made: [],
      removed: [],
      ready: 2,
    });
    expect(await world.out(['git', 'worktree', 'list', '--porcelain'], { cwd: repo })).toMatch(
      /warm--[0-9a-f]{8}\nHEAD \w+\ndetached\nlocked para keeps it ready/,
    );
  });

  test('a start takes one: all in it is the session, and it does what any other does', async () => {
    writeFileSync(join(repo, 'a.txt'), 'newer\n');
    await world.out(['git', 'commit', '-qam', 'newer'], { cwd: repo });
    await start('s');
    expect(warmOf('s')).toMatch(/^warm--/);
    expect((await rows()).find(({ session }) => session === 's')).toMatchObject({
      name: `para-${repoId(repo)}-s`,
      state: 'running',
      warm: false,
    });
    expect(await ready()).toHaveLength(1);
    expect(await inside('s', 'cat a.txt; git status -sb; git log --format=%s')).toBe(
      'newer\n## para/s\nnewer\nfirst',
    );
    // What runs by itself is told whose it is, too.
    const queued = await must(
      'docker',
      'exec',
      's',
      '--detach',
      '--json',
      '--',
      'sh',
      '-c',
      'echo $PARA_SESSION',
    );
    const { id } = (JSON.parse(queued.stdout) as { command: { id: string } }).command;
    expect((await must('docker', 'queue', 'wait', id, 's')).stdout).toBe('s\n');
    await inside('s', 'echo work >made; git add made; git commit -qm inside');
    await must('docker', 'stop', 's', '--grace', '1');
    await must('docker', 'start', 's');
    expect(await inside('s', 'cat made')).toBe('work');
  });

  test('it comes back after a cancel, and its commits come to the host at the finish', async () => {
    await must('cancel', 's');
    expect(slots()).toHaveLength(1);
    await must('recover', 's');
    expect(await inside('s', 'cat made')).toBe('work');
    await must('finish', 'Done', 's');
    expect(await world.out(['git', 'show', 'para/s:made'], { cwd: repo })).toBe('work');
    expect(await world.out(['git', 'log', '--format=%s', '-1', 'para/s'], { cwd: repo })).toBe('inside');
  });

  if (isWhole)
    test('many at once: each is taken by one', async () => {
      await fill();
      const names = ['m1', 'm2', 'm3', 'm4'];
      await Promise.all(names.map(start));
      const taken = names.map(warmOf).filter((id) => id !== undefined);
      expect(taken).toHaveLength(2);
      expect(new Set(taken).size).toBe(2);
      expect((await rows()).filter(({ state }) => state === 'running')).toHaveLength(4);
      expect(await ready()).toEqual([]);
      for (const name of names) await must('cancel', name);
      expect(slots()).toEqual([]);
    });

  test('one that somebody has started, or worked in, is not taken', async () => {
    await fill();
    const [first = '', second = ''] = await ready();
    await world.engine('start', first);
    const tree = join(repo, '.para/worktrees', second.slice(`para-${repoId(repo)}-`.length));
    await world.out(['sh', '-c', `echo mine >'${tree}/mine'`]);
    await start('t');
    expect(warmOf('t')).toBeUndefined();
    const drained = await world.para(repo, ['docker', 'pool', 'drain']);
    expect(drained).toMatchObject({ code: 10 });
    expect(readFileSync(join(tree, 'mine'), 'utf8')).toBe('mine\n');
    await world.engine('rm', '-f', first);
    await world.out(['rm', `${tree}/mine`]);
    await must('docker', 'pool', 'drain');
    expect(slots()).toEqual([]);
    await must('cancel', 't');
  });

  if (isWhole)
    test('other flags, and an image that is another one by now, are not the same', async () => {
      const tag = 'localhost/para-test/warm:1';
      await world.engine('tag', testImages().busybox, tag);
      await must('docker', 'pool', 'fill', '--image', tag);
      await world.engine('tag', testImages().base, tag);
      const like = ['start', 'other', '--docker', '--image', tag];
      await must(...like, '--memory', '512m');
      expect(warmOf('other')).toBeUndefined();
      await must('cancel', 'other');
      expect(await ready()).toHaveLength(2);
      await must(...like);
      expect(warmOf('other')).toBeUndefined();
      expect(await ready()).toEqual([]);
      await must('cancel', 'other');
      await world.engine('rmi', tag);
    });

  test('what is kept ready goes when none is wanted any more', async () => {
    await fill();
    expect(await ready()).toHaveLength(2);
    expect((await must('docker', 'cleanup', '--dry-run')).stdout).toMatch('Nothing to clean up');
    await must('config', 'unset', 'docker.warm_pool');
    await must('docker', 'cleanup');
    expect(slots()).toEqual([]);
    expect(await rows()).toEqual([]);
    const trees = await world.out(['git', 'worktree', 'list'], { cwd: repo });
    expect(trees.split('\n')).toHaveLength(1);
  });
});
