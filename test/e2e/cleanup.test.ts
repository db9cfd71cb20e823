/** `para docker cleanup` on every engine: what lost its session goes, what holds work stays. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { engineTraces } from '../support/look.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('cleanup on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  const cleanup = (...flags: string[]): Promise<Ended> => world.para(repo, ['docker', 'cleanup', ...flags]);
  const start = async (name: string, at = repo): Promise<void> => {
    const line = ['start', name, '--docker', '--image', testImages().base];
    expect(await world.para(at, line)).toMatchObject({ code: 0 });
  };
  /** As when somebody deletes para's state. */
  const forget = (name: string): void => {
    rmSync(join(repo, `.para/state/${name}.state`));
  };
  const name = (session: string): string => `para-${repoId(repo)}-${session}`;

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    mkdirSync(join(world.dir, 'aside'));
  });
  afterAll(() => world.remove());

  test('keeps what sessions have and what holds work, and removes the rest', async () => {
    for (const session of ['live', 'dirty', 'commits', 'lost']) await start(session);
    expect(await cleanup()).toMatchObject({ code: 0, stdout: 'Nothing to clean up.\n' });

    await world.out(['sh', '-c', 'echo x >x'], { cwd: join(repo, '.para/worktrees/dirty') });
    const commit = ['sh', '-ec', 'git commit -q --allow-empty -m inside'];
    expect(await world.para(repo, ['docker', 'exec', 'commits', '--', ...commit])).toMatchObject({ code: 0 });
    for (const session of ['dirty', 'commits', 'lost']) forget(session);

    const dry = await cleanup('--dry-run');
    expect(dry.stdout).toContain(`Would remove the container ${name('lost')}`);
    expect(dry.code).toBe(0);
    expect((await engineTraces(world, repo)).length).toBe(5);

    const ran = await cleanup();
    expect(ran.stdout).toContain(`Removed the container ${name('lost')}: no session has it`);
    expect(ran.stdout).toContain(`Kept the container ${name('dirty')}: its worktree holds uncommitted work`);
    expect(ran.stdout).toContain(`Kept the container ${name('commits')}: its git directory holds commits`);
    expect(ran.code).toBe(10);
    const left = await engineTraces(world, repo);
    expect([...left].sort()).toEqual(
      [name('commits'), name('dirty'), name('live'), `para-network-${repoId(repo)}`].sort(),
    );
    expect(await world.para(repo, ['docker', 'exec', 'live', '--', 'true'])).toMatchObject({ code: 0 });
  });

  test('of other repositories: only of one that is gone', async () => {
    const other = await world.repo('other');
    await start('s', other);
    const id = repoId(other);
    expect((await cleanup('--all-repos', '--dry-run')).stdout).not.toContain(id);
    // Out of sight: the engine still knows where it was.
    renameSync(other, join(world.dir, 'aside/other'));
    const dry = await cleanup('--all-repos');
    expect(dry.stdout).toContain(`Would remove the container para-${id}-s: its repository ${other} is gone`);
    renameSync(join(world.dir, 'aside/other'), other);
    expect((await cleanup('--all-repos')).stdout).not.toContain(id);
    expect(await world.para(other, ['docker', 'exec', 's', '--', 'true'])).toMatchObject({ code: 0 });
  });
});
