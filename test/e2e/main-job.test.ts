/** The main job: a session is started, worked in and finished; the branch holds all of the work. */
import { chmodSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { blobs, committedBlobs, mainCheckout, sessionTraces, walk } from '../support/look.ts';
import { makeWorld, repoId, type World } from '../support/para.ts';

/** Commit, amend, rebase, stash: what people do with git, done in the container. */
const COMMITS = `set -e
echo in >in.txt; git add in.txt; git commit -qm one
echo more >>in.txt; git commit -qam 'one, amended' --amend
git checkout -qb side HEAD~1; echo side >side.txt; git add .; git commit -qm side
git checkout -q para/s; git rebase -q side
echo later >stash.txt; git add stash.txt; git stash -q; test ! -e stash.txt
git stash pop -q; git commit -qm stashed
git log --format=%s main..`;

/** Changes that git in the container never hears of. */
const REST = `set -e
echo changed >>a.txt; rm gone.txt; mv old.txt 'new name.txt'; chmod +x tool.sh; chmod -x was-tool.sh
echo untracked >'un tracked.txt'; mkdir -p deep/er; echo deep >deep/er/file
ln -s ../a.txt deep/link; ln -s /nowhere dangling; ln -sf b.txt d/relink
echo grüße >'Grüße ✓ 日本.txt'; printf 'a\\r\\nb\\0c' >binary; : >empty; printf 'no newline' >end
head -c 52428800 /dev/urandom >large.bin`;

describe.each(testEngines().map((engine) => [engine.id, engine] as const))(
  'the main job on %s',
  (_id, engine) => {
    let world: World;
    let repo: string;
    const worktree = (session: string): string => `${repo}/.para/worktrees/${session}`;
    const containers = (): Promise<string> =>
      world.engine('ps', '-a', '--filter', `label=para.repo=${repoId(repo)}`, '--format', '{{.Names}}');
    const networks = (): Promise<string> =>
      world.engine('network', 'ls', '-q', '--filter', `label=para.repo=${repoId(repo)}`);

    beforeAll(async () => {
      world = makeWorld(engine);
      repo = await world.repo();
      const more = `echo gone >gone.txt; echo old >old.txt; echo '#!/bin/sh' | tee tool.sh >was-tool.sh
      chmod +x was-tool.sh; ln -s a.txt d/relink; git add .; git commit -qm second; git tag v1; git branch other
      echo dirty >>a.txt; echo staged >staged.txt; git add staged.txt; echo loose >loose.txt`;
      await world.out(['sh', '-ec', more], { cwd: repo });
    });
    afterAll(() => world.remove());

    test('a session holds every commit and every file, byte for byte', async () => {
      const before = await mainCheckout(world, repo);
      const started = await world.para(repo, ['start', 's', '--docker', '--image', testImages().base]);
      expect(started).toMatchObject({ code: 0 });
      expect(await containers()).toBe(`para-${repoId(repo)}-s`);

      const exec = ['docker', 'exec', 's', '--', 'sh', '-c'];
      const commits = await world.para(repo, [...exec, COMMITS]);
      expect(commits).toMatchObject({ code: 0, stdout: 'stashed\none, amended\nside\n' });
      expect(await world.para(repo, [...exec, REST])).toMatchObject({ code: 0 });
      await world.out(['sh', '-c', 'echo from the host >host.txt'], { cwd: worktree('s') });
      for (const path of [...walk(worktree('s')), '.', 'deep', 'deep/er'])
        expect([path, lstatSync(join(worktree('s'), path)).uid]).toEqual([path, engine.uid]);
      const work = blobs(worktree('s'));
      expect(Object.keys(work)).toHaveLength(19);
      expect(await mainCheckout(world, repo)).toEqual(before);

      const finished = await world.para(repo, ['finish', 'The rest', 's', '--json']);
      expect(finished).toMatchObject({ code: 0 });
      expect(JSON.parse(finished.stdout)).toMatchObject({
        ok: true,
        branch: 'para/s',
        commits_brought_back: 3,
      });
      expect(await committedBlobs(world, repo, 'para/s')).toEqual(work);
      const log = await world.out(['git', 'log', '--format=%an %s', 'v1..para/s'], { cwd: repo });
      expect(log).toBe('Ann The rest\nAnn stashed\nAnn one, amended\nAnn side');
      await world.out(['git', 'fsck', '--strict', '--no-dangling'], { cwd: repo });

      expect(await mainCheckout(world, repo)).toEqual(before);
      expect(await containers()).toBe('');
      expect(await networks()).toBe('');
      expect(await sessionTraces(world, repo)).toMatchObject({
        registered: 0,
        worktrees: [],
        records: ['s.state', 's.state.prev'],
        docker: [],
        heldLocks: [],
      });
      const list = await world.para(repo, ['list', '--json']);
      expect(JSON.parse(list.stdout)).toMatchObject({
        sessions: [{ name: 's', status: 'review', container: null }],
      });
    });

    test('a session without a container is finished under the name that was asked for', async () => {
      expect(await world.para(repo, ['start', 'plain', '--base', 'v1'])).toMatchObject({ code: 0 });
      await world.out(['sh', '-ec', 'echo x >x.txt; git add .; git commit -qm x; echo y >y.txt'], {
        cwd: worktree('plain'),
      });
      const work = blobs(worktree('plain'));
      const finished = await world.para(worktree('plain'), ['finish', 'More', '-b', 'feature/plain']);
      expect(finished).toMatchObject({ code: 0 });
      expect(await committedBlobs(world, repo, 'feature/plain')).toEqual(work);
      const branches = await world.out(['git', 'branch', '--list', '*plain', '--format=%(refname:short)'], {
        cwd: repo,
      });
      expect(branches).toBe('feature/plain');
    });

    test('two sessions work at once, and finishing one leaves the other as it is', async () => {
      const image = testImages().base;
      const starts = ['one', 'two'].map((name) =>
        world.para(repo, ['start', name, '--docker', '--image', image]),
      );
      expect((await Promise.all(starts)).map((ended) => ended.code)).toEqual([0, 0]);
      await world.para(repo, ['docker', 'exec', 'one', '--', 'sh', '-c', 'echo 1 >1.txt']);
      await world.para(repo, ['docker', 'exec', 'two', '--', 'sh', '-c', 'echo 2 >2.txt']);
      expect(await world.para(repo, ['finish', 'One', 'one'])).toMatchObject({ code: 0 });
      expect(await world.para(repo, ['docker', 'exec', 'two', '--', 'cat', '2.txt'])).toMatchObject({
        stdout: '2\n',
      });
      expect(await networks()).not.toBe('');
      expect(await world.para(repo, ['finish', 'Two', 'two'])).toMatchObject({ code: 0 });
      expect(await networks()).toBe('');
      expect(Object.keys(await committedBlobs(world, repo, 'para/two'))).toContain('2.txt');
    });

    test('a container that was stopped, and is started again, keeps the work', async () => {
      await world.para(repo, ['start', 'again', '--docker', '--image', testImages().base]);
      await world.para(repo, [
        'docker',
        'exec',
        'again',
        '--',
        'sh',
        '-c',
        'echo kept >k && git add k && git commit -qm k',
      ]);
      expect(await world.para(repo, ['docker', 'stop', 'again'])).toMatchObject({ code: 0 });
      const stopped = JSON.parse((await world.para(repo, ['docker', 'list', '--json'])).stdout) as object;
      expect(stopped).toMatchObject({ containers: [{ session: 'again', state: 'exited' }] });
      expect(await world.para(repo, ['docker', 'start', 'again'])).toMatchObject({ code: 0 });
      const log = await world.para(repo, [
        'docker',
        'exec',
        'again',
        '--',
        'git',
        'log',
        '-1',
        '--format=%s',
      ]);
      expect(log).toMatchObject({ code: 0, stdout: 'k\n' });
      // The worktree as the host made it is enough to finish, even with no git pointer of the container's.
      writeFileSync(join(worktree('again'), 'k'), 'edited\n');
      chmodSync(join(worktree('again'), 'k'), 0o755);
      expect(await world.para(repo, ['finish', 'Edit', 'again'])).toMatchObject({ code: 0 });
      const blob = await world.out(['git', 'show', 'para/again:k'], { cwd: repo });
      expect(blob).toBe('edited');
      expect(readFileSync(join(repo, '.git', 'info', 'exclude'), 'utf8')).toContain('/.para/worktrees/');
    });
  },
);
