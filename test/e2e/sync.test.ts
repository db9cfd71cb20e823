/** `para docker sync`: commits come back while the container goes on, also while it commits. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { inBackground, makeWorld, printed, type Ended, type World } from '../support/para.ts';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('sync on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let worktree: string;
  const sync = (): Promise<Ended> => world.para(repo, ['docker', 'sync', 's']);
  const inside = async (script: string): Promise<string> => {
    const ended = await world.para(repo, ['docker', 'exec', 's', '--', 'sh', '-ec', script]);
    expect(ended).toMatchObject({ code: 0 });
    return ended.stdout.trim();
  };
  const git = (...args: string[]): Promise<string> => world.out(['git', ...args], { cwd: repo });

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    worktree = join(repo, '.para/worktrees/s');
    const started = await world.para(repo, ['start', 's', '--docker', '--image', testImages().base]);
    expect(started).toMatchObject({ code: 0 });
  });
  afterAll(() => world.remove());

  test('brings commits back, and both sides see the same', async () => {
    await inside('echo x >x; git add x; git commit -qm one; echo y >>x; echo z >z');
    const ended = await sync();
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Brought 1 commit back') });
    expect(await git('log', '-1', '--format=%s', 'para/s')).toBe('one');
    const status = await inside('git status --porcelain; git fsck --strict 2>&1 | grep -v "^dangling" || :');
    expect(status).toBe('M x\n?? z');
    expect(await world.out(['git', 'status', '--porcelain'], { cwd: worktree })).toBe('M x\n?? z');
    expect(await sync()).toMatchObject({ code: 0, stdout: expect.stringContaining('has all that was') });
  });

  test('may be done again and again while the container commits and packs, and misses nothing', async () => {
    const script =
      'echo ready; for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do git commit -qm "c $n" --allow-empty; test $((n % 5)) != 0 || git repack -adq; done';
    const running = inBackground(world, ['docker', 'exec', 's', '--', 'sh', '-ec', script], { cwd: repo });
    await printed(running, 'ready');
    let working = true;
    const ended = running.ended.finally(() => (working = false));
    const codes = new Set<number | null>();
    while (working as boolean) codes.add((await sync()).code);
    expect(await ended).toMatchObject({ code: 0 });
    expect(await sync()).toMatchObject({ code: 0 });
    expect([...codes]).toEqual([0]);
    expect(await git('rev-parse', 'para/s')).toBe(await inside('git rev-parse HEAD'));
    expect(await git('log', '--format=%s', '-20', 'para/s')).toBe(
      Array.from({ length: 20 }, (_, n) => `c ${String(20 - n)}`).join('\n'),
    );
  });

  test('both sides moved: 10, and the commands that are said go on', async () => {
    await world.out(['sh', '-ec', 'echo h >h; git add h; git commit -qm host'], { cwd: worktree });
    await inside('echo i >i; git add i; git commit -qm inside');
    const refused = await sync();
    expect(refused).toMatchObject({ code: 10, stdout: '' });
    const [merge = ''] = /cd .* && git merge .*/.exec(refused.stderr) ?? [];
    await world.out(['sh', '-ec', merge]);
    const merged = await sync();
    expect(merged.code).toBe(0);
    const [reset = ''] = /git reset -q \w+/.exec(merged.stderr) ?? [];
    await inside(`${reset}; git log -1 --format=%s; echo after >after; git add after; git commit -qm after`);
    expect(await sync()).toMatchObject({ code: 0, stderr: '' });
    expect(await git('ls-tree', '--name-only', 'para/s')).toMatch(/^after$[^]*^h$[^]*^i$/m);
    expect(await inside('git status --porcelain')).toBe('');
  });

  test('works for a stopped container too', async () => {
    await inside('git commit -qm last --allow-empty');
    expect(await world.para(repo, ['docker', 'stop', 's', '--grace', '1'])).toMatchObject({ code: 0 });
    expect(await sync()).toMatchObject({ code: 0, stdout: expect.stringContaining('Brought 1 commit') });
  });
});
