/** Repositories at unusual places, with a container: where engines differ is the path that is mounted. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { blobs, committedBlobs, mainCheckout, sessionTraces } from '../support/look.ts';
import { makeWorld, type World } from '../support/para.ts';

const COMMIT = 'echo in >"in side.txt"; git add .; git commit -qm inside; echo left >left.txt; pwd';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (_id, engine) => {
  let world: World;
  beforeAll(() => {
    world = makeWorld(engine);
  });
  afterAll(() => world.remove());

  /** Start, commit inside, edit on the host, finish; `cwd` is anywhere in the repository. */
  async function work(cwd: string): Promise<string> {
    const start = ['start', 's', '--docker', '--image', testImages().base, '--json'];
    const started = await world.para(cwd, start);
    expect(started).toMatchObject({ code: 0 });
    const { session } = JSON.parse(started.stdout) as { session: { worktree: string } };
    // From a sub-directory of the worktree, the command runs in the same one inside.
    const inside = await world.para(join(session.worktree, 'd'), [
      'docker',
      'exec',
      '--',
      'sh',
      '-ec',
      COMMIT,
    ]);
    expect(inside).toMatchObject({ code: 0, stdout: '/workspace/d\n' });
    writeFileSync(join(session.worktree, 'a.txt'), 'from the host\n');
    const held = blobs(session.worktree);
    expect(Object.keys(held).sort()).toEqual(['a.txt', 'd/b.txt', 'd/in side.txt', 'd/left.txt']);
    expect(await world.para(session.worktree, ['finish', 'Work'])).toMatchObject({ code: 0 });
    expect(await committedBlobs(world, cwd, 'para/s')).toEqual(held);
    expect(await world.out(['git', 'log', '--format=%s', '-2', 'para/s'], { cwd })).toBe('Work\ninside');
    expect(existsSync(session.worktree)).toBe(false);
    return session.worktree;
  }

  test.each(['a, b:c', `q"uo'te`, '日本 $HOME', 'a\\b,readonly', '-v'])(
    'a path that holds %j works',
    async (name) => {
      const root = await world.repo(`odd ${name}/${name}`);
      const before = await mainCheckout(world, root);
      await work(root);
      expect(await mainCheckout(world, root)).toEqual(before);
      expect(await sessionTraces(world, root)).toMatchObject({ registered: 0, worktrees: [], docker: [] });
    },
  );

  test('a detached HEAD, a dirty main checkout and a sub-directory work, and stay as they are', async () => {
    const root = await world.repo('detached');
    const dirty = 'git checkout -q --detach; echo x >x; git add x; echo y >>a.txt; rm d/b.txt; echo z >d/z';
    await world.out(['sh', '-ec', dirty], { cwd: root });
    const before = await mainCheckout(world, root);
    await work(join(root, 'd'));
    expect(existsSync(join(root, 'd', '.para'))).toBe(false);
    expect(await mainCheckout(world, root)).toEqual(before);
  });

  test('in a submodule, the submodule is the repository', async () => {
    const inner = await world.repo('inner');
    const root = await world.repo('super');
    const add = `git -c protocol.file.allow=always submodule --quiet add '${inner}' mod && git commit -qm sub`;
    await world.out(['sh', '-ec', add], { cwd: root });
    const before = [await mainCheckout(world, root), await mainCheckout(world, join(inner))];
    expect(await work(join(root, 'mod', 'd'))).toBe(join(root, 'mod/.para/worktrees/s'));
    expect([await mainCheckout(world, root), await mainCheckout(world, inner)]).toEqual(before);
  });

  test('from a worktree of the user’s own, the main checkout is meant', async () => {
    const root = await world.repo('owner');
    await world.out(['git', 'worktree', 'add', '-q', '-b', 'mine', '../mine'], { cwd: root });
    const before = await mainCheckout(world, root);
    expect(await work(join(root, '..', 'mine', 'd'))).toBe(join(root, '.para/worktrees/s'));
    expect(existsSync(join(root, '..', 'mine', '.para'))).toBe(false);
    expect(await mainCheckout(world, root)).toEqual(before);
  });
});
