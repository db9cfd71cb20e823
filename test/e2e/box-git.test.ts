/** What is planted in the container's git directory and in the worktree: no verb of para runs or follows it. */
import { chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { committedBlobs, mainCheckout } from '../support/look.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';
import { plantInGit, plantInWorktree, type Host } from '../support/planted.ts';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('planted on %s', (_id, engine) => {
  const worlds: World[] = [];
  let world: World;
  let repo: string;
  let worktree: string;
  let host: Host;
  const sh = (script: string, cwd = repo): Promise<string> => world.out(['sh', '-ec', script], { cwd });
  const inside = (script: string): Promise<Ended> =>
    world.para(worktree, ['docker', 'exec', '--', 'sh', '-c', script]);
  const mounts = async (): Promise<unknown> =>
    (
      JSON.parse(await world.engine('inspect', `para-${repoId(repo)}-s`)) as [
        { Mounts: { Source: string }[] },
      ]
    )[0].Mounts.map(({ Source }) => Source).sort();

  /** A repository whose own hooks, filters and remote are the user's, and a session with one commit made inside. */
  beforeEach(async () => {
    world = makeWorld(engine);
    worlds.push(world);
    repo = await world.repo();
    worktree = join(repo, '.para/worktrees/s');
    const work = join(world.dir, 'work');
    host = { worktree, marker: join(work, 'marker'), secret: join(work, 'secret') };
    writeFileSync(host.secret, 'hush-72c1\n', { mode: 0o600 });
    chownSync(host.secret, engine.uid, engine.gid);
    // Settings of the user's that run what the tree brings along, as husky's and many filters do.
    await sh(`git tag v1; git branch other; git init -q --bare ../origin.git; git remote add origin ../origin.git
      git config core.hooksPath .husky; git config diff.user.textconv './evil.sh user-textconv'
      for f in clean smudge process; do git config filter.user.$f "./evil.sh user-$f"; done
      git config filter.user.required true; git config core.fsmonitor ./evil.sh
      git config submodule.recurse true; git config diff.external ./evil.sh`);
    const start = ['start', 's', '--docker', '--image', testImages().base];
    expect(await world.para(repo, start)).toMatchObject({ code: 0 });
    expect(await inside('echo in >in && git add in && git commit -qm inside')).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    for (const made of worlds) await made.remove();
  });

  /** Every verb that reads the session or works on its container. */
  async function verbs(): Promise<void> {
    const lines = [
      ['list'],
      ['list', '--json'],
      ['docker', 'list'],
      ['docker', 'exec', '--', 'true'],
      ['docker', 'stop'],
      ['list'],
      ['docker', 'start'],
      ['docker', 'exec', 's', '--', 'true'],
    ];
    for (const line of lines)
      for (const cwd of line.includes('s') ? [repo] : [worktree])
        expect([line, await world.para(cwd, line)]).toMatchObject([line, { code: 0 }]);
    expect(await world.para(repo, ['list'])).toMatchObject({ code: 0 });
  }

  async function stolen(): Promise<string> {
    const found = await world.run(['git', 'grep', '-l', 'hush-72c1', 'para/s'], { cwd: repo });
    return found.stdout;
  }

  test('in the sealed git directory: nothing runs, the session’s branch alone moves', async () => {
    expect(await inside(plantInGit(host))).toMatchObject({ code: 0, stderr: '' });
    const before = await mainCheckout(world, repo);
    const mounted = await mounts();
    await verbs();
    expect(await mounts()).toEqual(mounted);
    expect(existsSync(host.marker)).toBe(false);
    // The payloads are good: git itself, asked in that directory, runs them.
    const sealed = join(repo, '.para/state/docker/s/git');
    await world.run(['rm', join(sealed, 'index'), join(sealed, 'commondir')]);
    await world.run(['git', '--git-dir', sealed, '--work-tree', worktree, 'add', '-A'], { cwd: worktree });
    expect(existsSync(host.marker)).toBe(true);
    rmSync(host.marker);
    await inside('cd /para/git; rm -f index; mkfifo index; echo /etc >commondir; git --version');

    const finished = await world.para(worktree, ['finish', 'Rest', '--json']);
    expect(finished).toMatchObject({ code: 0 });
    expect(existsSync(host.marker)).toBe(false);
    expect(await mainCheckout(world, repo)).toEqual(before);
    const refs = await sh("git for-each-ref --format='%(refname)' refs/heads refs/tags");
    expect(refs).toBe('refs/heads/main\nrefs/heads/other\nrefs/heads/para/s\nrefs/tags/v1');
    expect(await sh('git log --format=%s main..para/s')).toBe('Rest\ninside');
    expect(await stolen()).toBe('');
    expect(await sh('git --git-dir ../origin.git log -1 --format=%s para/s')).toBe('Rest');
    await sh('git fsck --strict --no-dangling');
  });

  test('in the worktree: nothing runs, nothing is followed, all of it is data', async () => {
    expect(await inside(plantInWorktree(host))).toMatchObject({ code: 0, stderr: '' });
    const before = await mainCheckout(world, repo);
    const mounted = await mounts();
    await verbs();
    for (const cwd of ['fake', '.husky', '.para'])
      expect(await world.para(join(worktree, cwd), ['list'])).toMatchObject({ code: 0 });
    expect(await mounts()).toEqual(mounted);
    expect(existsSync(host.marker)).toBe(false);
    // The payloads are good: an ordinary `git add` in a copy of the worktree runs them.
    await sh(`cp -a '${worktree}' ../copy; rm ../copy/pipe ../copy/.git; cp -a .git ../copy/.git`);
    await world.run(['git', 'add', '-A'], { cwd: join(repo, '../copy') });
    expect(existsSync(host.marker)).toBe(true);
    rmSync(host.marker);

    expect(await world.para(worktree, ['finish', 'Rest'])).toMatchObject({ code: 0 });
    expect(existsSync(host.marker)).toBe(false);
    expect(await mainCheckout(world, repo)).toEqual(before);
    const held = await committedBlobs(world, repo, 'para/s');
    for (const link of ['leak', 'a.txt', 'root', '.gitignore', '.mailmap'])
      expect([link, held[link]]).toEqual([link, expect.stringMatching(/^120000 /)]);
    expect(Object.keys(held)).not.toContain('pipe');
    expect(await sh('git show para/s:evil.attributes')).toBe('* filter=evil diff=evil merge=evil');
    expect(await stolen()).toBe('');
    expect(readFileSync(host.secret, 'utf8')).toBe('hush-72c1\n');
  });

  test('a repository in the worktree is neither run nor committed, and says so', async () => {
    const script = `mkdir sub && cd sub && git init -q && git config core.fsmonitor '${worktree}/evil.sh x' && echo x >x
      printf '#!/bin/sh\\necho x >>${host.marker}\\n' >../evil.sh; chmod 755 ../evil.sh`;
    expect(await inside(script)).toMatchObject({ code: 0 });
    await verbs();
    const finished = await world.para(worktree, ['finish', 'Rest']);
    expect(finished).toMatchObject({ code: 10 });
    expect(finished.stderr).toContain('sub/');
    expect(existsSync(host.marker)).toBe(false);
    await world.run(['git', 'status'], { cwd: join(worktree, 'sub') });
    expect(existsSync(host.marker)).toBe(true);
    rmSync(host.marker);
    expect(await inside('rm -rf sub/.git')).toMatchObject({ code: 0 });
    expect(await world.para(worktree, ['finish', 'Rest'])).toMatchObject({ code: 0 });
    expect(await sh('git show para/s:sub/x')).toBe('x');
  });

  test('names made inside do not reach the terminal as they are', async () => {
    // ESC, BEL, CR, a C1 control and a right-to-left override.
    const name = 'n\\033]0;title\\007\\033[2J\\r\\302\\2330m\\342\\200\\256';
    const script = `n="$(printf '${name}')"; echo x >"ignored$n"; echo 'ignored*' >.gitignore
      mkdir "$n" && git -C "$n" init -q && echo x >"$n/x" && git checkout -q -b side && git commit -qm "$n" --allow-empty`;
    expect(await inside(script)).toMatchObject({ code: 0 });
    const shown: string[] = [];
    for (const [line, code] of [
      [['list'], 0],
      [['finish', 'Rest'], 10],
      [['finish', 'Rest', '--json'], 10],
    ] as const) {
      const ended = await world.para(worktree, line);
      expect(ended).toMatchObject({ code });
      shown.push(ended.stdout, ended.stderr);
    }
    expect(shown.join('')).toContain('title');
    expect(await inside('rm -rf ./n*/.git')).toMatchObject({ code: 0 });
    const finished = await world.para(worktree, ['finish', 'Rest', '-f']);
    expect(finished).toMatchObject({ code: 0, stderr: expect.stringContaining('ignored') });
    shown.push(finished.stdout, finished.stderr);
    expect(shown.join('')).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  });

  test.each([
    ['HEAD is a link', 'rm HEAD; ln -s SECRET HEAD', 0],
    ['HEAD and packed-refs are fifos', 'rm -f HEAD packed-refs; mkfifo HEAD packed-refs', 0],
    ['HEAD leaves its directory', 'echo "ref: refs/heads/../../../../../../secret" >HEAD', 0],
    ['refs is a link', 'mv refs /tmp/refs; ln -s SECRET refs', 10],
    ['objects is a link', 'rm -rf objects; ln -s / objects', 4],
    ['the commit is broken', 'for f in objects/*/*; do chmod 600 $f; echo broken >$f; done', 4],
    ['a ref names nothing', 'echo $(printf "%040d" 7) >refs/heads/para/s', 4],
    ['the git directory is empty', 'rm -rf ./* 2>/dev/null; :', 10],
  ])('%s: the finish ends, and loses nothing that is there', async (_what, script, code) => {
    const before = await mainCheckout(world, repo);
    await inside('echo left >left.txt');
    expect(await inside(`cd /para/git && ${script.replaceAll('SECRET', host.secret)}`)).toMatchObject({
      code: 0,
    });
    expect(await world.para(repo, ['list'])).toMatchObject({ code: 0 });
    const finished = await world.para(worktree, ['finish', 'Rest']);
    expect(finished).toMatchObject({ code });
    expect(await mainCheckout(world, repo)).toEqual(before);
    expect(await stolen()).toBe('');
    const left =
      code === 0 ? await sh('git show para/s:left.txt') : readFileSync(join(worktree, 'left.txt'), 'utf8');
    expect(left.trim()).toBe('left');
  });
});
