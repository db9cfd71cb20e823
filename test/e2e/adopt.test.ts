/** A session gets its container later and loses it again; whatever happens, worktree and commits are there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { blobs, engineTraces } from '../support/look.ts';
import { inBackground, makeWorld, printed, repoId, type Ended, type World } from '../support/para.ts';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('adopt on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  const worktree = (name: string): string => join(repo, '.para/worktrees', name);
  const host = (name: string, script: string): Promise<string> =>
    world.out(['sh', '-ec', script], { cwd: worktree(name) });
  const inside = async (name: string, script: string): Promise<string> => {
    const ended = await world.para(repo, ['docker', 'exec', name, '--', 'sh', '-ec', script]);
    expect(ended).toMatchObject({ code: 0 });
    return ended.stdout.trim();
  };
  const start = (name: string, ...flags: string[]): Promise<Ended> =>
    world.para(repo, ['docker', 'start', name, '--image', testImages().base, ...flags]);
  const remove = (name: string): Promise<Ended> =>
    world.para(repo, ['docker', 'stop', name, '--remove', '--grace', '1']);
  /** A session without a container, with a commit, and with work that is staged, changed and new. */
  const plain = async (name: string): Promise<void> => {
    expect(await world.para(repo, ['start', name])).toMatchObject({ code: 0 });
    await host(
      name,
      'echo c >c; git add c; git commit -qm host; echo s >staged; git add staged; echo more >>a.txt; echo n >new',
    );
  };
  const STATUS = 'M a.txt\nA  staged\n?? new';

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
  });
  afterAll(() => world.remove());

  test('a container comes, works, goes and comes again, and the worktree is usable all the while', async () => {
    await plain('s');
    const files = blobs(worktree('s'));
    expect(await start('s', '--env', 'COLOUR=blue')).toMatchObject({ code: 0 });
    expect(await inside('s', 'git status --porcelain; echo $COLOUR; git log -1 --format=%s')).toBe(
      `${STATUS}\nblue\nhost`,
    );
    expect(await host('s', 'git status --porcelain')).toBe(STATUS);
    expect(blobs(worktree('s'))).toEqual(files);

    await inside(
      's',
      'git commit -qm inside; git tag mark; echo i >inside; git stash -qu; git stash apply -q',
    );
    const gone = await remove('s');
    expect(gone).toMatchObject({ code: 0, stdout: expect.stringContaining('inbox/s/stash') });
    expect(await engineTraces(world, repo)).toEqual([]);
    expect(existsSync(join(repo, '.para/state/docker/s'))).toBe(false);
    expect(
      await host('s', 'git log --format=%s -2; git status --porcelain; git fsck --strict --no-dangling'),
    ).toBe('inside\nhost\n M a.txt\n?? inside\n?? new');

    expect(await start('s')).toMatchObject({ code: 0 });
    expect(await inside('s', 'git log -1 --format=%s; git commit -qam again')).toBe('inside');
    expect(await world.para(repo, ['finish', 'Rest', 's'])).toMatchObject({ code: 0 });
    expect(await world.out(['git', 'log', '--format=%s', '-4', 'para/s'], { cwd: repo })).toBe(
      'Rest\nagain\ninside\nhost',
    );
    expect(await engineTraces(world, repo)).toEqual([]);
  });

  test('a start that fails, or is interrupted, leaves the session as it was', async () => {
    await plain('f');
    const bad = await start(
      'f',
      '--volume',
      `${repo}/.para/worktrees/f:/opt/x`,
      '--image',
      'localhost/no/such:1',
    );
    expect(bad.code).toBe(2);
    expect(await start('f', '--image', 'x')).toMatchObject({ code: 2 });
    const failed = await world.para(repo, ['docker', 'start', 'f', '--image', 'localhost:1/no/such:1']);
    expect(failed).toMatchObject({ code: 8, stdout: '' });
    const running = inBackground(world, ['docker', 'start', 'f', '--image', testImages().base], {
      cwd: repo,
    });
    await printed(running, '✓ Recording', 'stderr');
    running.tell('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130, stdout: '' });
    expect(await engineTraces(world, repo)).toEqual([]);
    expect(await host('f', 'git status --porcelain')).toBe(STATUS);
    expect((await world.para(repo, ['docker', 'exec', 'f', '--', 'true'])).code).toBe(7);
  });

  test.each([
    ['k1', '✓ Recording'],
    ['k2', '✓ Preparing'],
    ['k3', '✓ Creating the container'],
  ])('%s, killed after "%s": the next start settles it', async (name, step) => {
    await plain(name);
    const running = inBackground(world, ['docker', 'start', name, '--image', testImages().base], {
      cwd: repo,
    });
    await printed(running, step, 'stderr');
    running.tell('SIGKILL');
    await running.ended;
    expect(await start(name)).toMatchObject({ code: 0 });
    expect(await inside(name, 'git status --porcelain')).toBe(STATUS);
    expect(await remove(name)).toMatchObject({ code: 0 });
    expect(await host(name, 'git status --porcelain')).toBe(STATUS);
    expect(await engineTraces(world, repo)).toEqual([]);
  });

  test.each([
    ['r1', '✓ Recording'],
    ['r2', '✓ Stopping'],
    ['r3', '✓ Bringing'],
    ['r4', '✓ Removing'],
  ])('%s, a removal killed after "%s" goes on when it is typed again', async (name, step) => {
    await plain(name);
    expect(await start(name)).toMatchObject({ code: 0 });
    await inside(name, 'git commit -qm inside');
    const running = inBackground(world, ['docker', 'stop', name, '--remove', '--grace', '1'], {
      cwd: repo,
    });
    await printed(running, step, 'stderr');
    running.tell('SIGKILL');
    await running.ended;
    expect([0, 7]).toContain((await remove(name)).code);
    expect(await host(name, 'git log -1 --format=%s; git status --porcelain')).toBe(
      'inside\n M a.txt\n?? new',
    );
    expect(await engineTraces(world, repo)).toEqual([]);
  });

  test('a container that was removed by hand is made anew, with all its commits', async () => {
    await plain('h');
    expect(await start('h')).toMatchObject({ code: 0 });
    await inside('h', 'git commit -qm inside');
    await world.engine('rm', '-f', `para-${repoId(repo)}-h`);
    const absent = await world.para(repo, ['docker', 'start', 'h']);
    expect(absent).toMatchObject({ code: 7, stdout: '' });
    expect(absent.stderr).toContain('para recover h');
    expect(await remove('h')).toMatchObject({ code: 0 });
    expect(await start('h')).toMatchObject({ code: 0 });
    expect(await inside('h', 'git log -1 --format=%s')).toBe('inside');
    expect(await remove('h')).toMatchObject({ code: 0 });
  });
});
