/** A finish that meets a broken container, a conflict, a remote that refuses, a signal or a full disk. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { engineTraces, mainCheckout, NO_TRACES, sessionTraces } from '../support/look.ts';
import { inBackground, makeWorld, printed, repoId, type Ended, type World } from '../support/para.ts';

const { base } = testImages();
const NOTHING_BUT_THE_RESULT = { registered: 0, worktrees: [], docker: [], heldLocks: [] };

describe.each(testEngines().map((engine) => [engine.id, engine] as const))(
  'finishing on %s',
  (_id, engine) => {
    let world: World;
    let repo: string;
    const worktree = (name: string): string => join(repo, '.para', 'worktrees', name);
    const inside = (name: string, script: string): Promise<string> =>
      world.out([process.execPath, world.binary, 'docker', 'exec', name, '--', 'sh', '-ec', script], {
        cwd: repo,
      });
    /** A session with one commit made inside and one file that is in no commit. */
    const begin = async (name: string): Promise<void> => {
      const started = await world.para(repo, ['start', name, '--docker', '--image', base]);
      expect(started).toMatchObject({ code: 0 });
      await inside(name, 'echo in >in.txt; git add .; git commit -qm inside; echo left >left.txt');
    };
    const expectAll = async (name: string): Promise<void> => {
      const log = await world.out(['git', 'log', '--format=%s', `main..para/${name}`], { cwd: repo });
      expect(log).toBe('Rest\ninside');
      for (const [file, text] of [
        ['in.txt', 'in'],
        ['left.txt', 'left'],
      ])
        expect(await world.out(['git', 'show', `para/${name}:${file!}`], { cwd: repo })).toBe(text);
      expect(await sessionTraces(world, repo)).toMatchObject(NOTHING_BUT_THE_RESULT);
      expect(await engineTraces(world, repo)).toEqual([]);
    };

    beforeAll(async () => {
      world = makeWorld(engine);
      repo = await world.repo();
    });
    afterAll(() => world.remove());

    // Rootless podman can freeze nothing on cgroup v1.
    const canPause = engine.id !== 'rootless' || existsSync('/sys/fs/cgroup/cgroup.controllers');
    test.each([
      ['gone', ['rm', '-f']],
      ['stopped', ['stop', '-t', '1']],
      ['killed', ['kill']],
      ...(canPause ? [['paused', ['pause']] as [string, string[]]] : []),
    ])('works when the container is %s: commits made inside come back', async (name, command) => {
      await begin(name);
      await world.engine(...command, `para-${repoId(repo)}-${name}`);
      expect(await world.para(repo, ['finish', 'Rest', name])).toMatchObject({ code: 0 });
      await expectAll(name);
    });

    test('refuses when the host and the container both made commits, keeps both, goes on after a merge', async () => {
      await begin('both');
      const commit = 'echo host >host.txt; git add host.txt; git commit -qm host';
      await world.out(['sh', '-ec', commit], { cwd: worktree('both') });
      const tip = await world.out(['git', 'rev-parse', 'para/both'], { cwd: repo });

      const refused = await world.para(repo, ['finish', 'Rest', 'both']);
      expect(refused).toMatchObject({ code: 10, stdout: '' });
      expect(refused.stderr).toContain('both are kept');
      expect(refused.stderr).toContain('git merge -s ours --no-commit refs/para/inbox/both/incoming');
      expect(await world.out(['git', 'rev-parse', 'para/both'], { cwd: repo })).toBe(tip);
      expect(
        await world.out(['git', 'log', '-1', '--format=%s', 'refs/para/inbox/both/incoming'], { cwd: repo }),
      ).toBe('inside');
      // The session goes on as it was: worktree, container and what is in them.
      expect(readFileSync(join(worktree('both'), 'left.txt'), 'utf8')).toBe('left\n');
      expect(await inside('both', 'cat left.txt && git log -1 --format=%s')).toBe('left\ninside');

      const [command = ''] = /cd .* && git merge .*/.exec(refused.stderr) ?? [];
      await world.out(['sh', '-ec', command]);
      expect(await world.para(repo, ['finish', 'Rest', 'both'])).toMatchObject({ code: 0 });
      const files = await world.out(['git', 'ls-tree', '--name-only', 'para/both'], { cwd: repo });
      expect(files.split('\n')).toEqual(expect.arrayContaining(['host.txt', 'in.txt', 'left.txt']));
      expect(await engineTraces(world, repo)).toEqual([]);
    });

    test('interrupted while the container stops, the session goes on, and can be finished', async () => {
      await begin('cut');
      const running = inBackground(world, ['finish', 'Rest', 'cut'], { cwd: repo });
      await printed(running, '✓ Recording what is to be done', 'stderr');
      running.tell('SIGINT');
      expect(await running.ended).toMatchObject({ code: 130, stdout: '' });
      expect(await inside('cut', 'cat left.txt')).toBe('left');
      const list = JSON.parse((await world.para(repo, ['list', '--json'])).stdout) as object;
      expect(list).toMatchObject({
        sessions: expect.arrayContaining([
          expect.objectContaining({ name: 'cut', status: 'active', container: 'running' }),
        ]),
      });
      expect(await world.para(repo, ['finish', 'Rest', 'cut'])).toMatchObject({ code: 0 });
      await expectAll('cut');
    });

    test('a kill at any row: list names what settles it, and finish does', async () => {
      const rows = ['Stopping the container', 'Bringing the commits back', 'Committing what is left'];
      for (const [n, row] of [...rows, 'Removing the container', 'Removing the worktree'].entries()) {
        const name = `kill${String(n)}`;
        await begin(name);
        const running = inBackground(world, ['finish', 'Rest', name], { cwd: repo });
        await printed(running, `✓ ${row}`, 'stderr');
        running.tell('SIGKILL');
        await running.ended;
        const list = await world.para(repo, ['list']);
        // It may have been quicker than the kill: then nothing but its lock can be left.
        if (new RegExp(`^${name} +review`, 'm').test(list.stdout))
          rmSync(join(repo, '.para/state/locks', `session-${name}`), { force: true });
        else {
          expect(list.stderr).toContain(`to settle it: para recover ${name}`);
          expect(await world.para(repo, ['finish', 'Rest', name])).toMatchObject({ code: 0 });
        }
        await expectAll(name);
      }
    });
  },
);

describe('finishing without a container', () => {
  let world: World;
  let repo: string;
  const worktree = (): string => join(repo, '.para', 'worktrees', 's');
  const finish = (...flags: string[]): Promise<Ended> => world.para(repo, ['finish', 'Work', 's', ...flags]);
  const git = (cwd: string, ...args: string[]): Promise<string> => world.out(['git', ...args], { cwd });

  beforeEach(async () => {
    world = makeWorld();
    repo = await world.repo();
    expect(await world.para(repo, ['start', 's'])).toMatchObject({ code: 0 });
    writeFileSync(join(worktree(), 'work.txt'), 'work\n');
  });
  afterEach(() => world.remove());

  test('nothing to commit: the branch stays where it began', async () => {
    rmSync(join(worktree(), 'work.txt'));
    const before = await git(repo, 'rev-parse', 'main');
    const finished = await finish('--json');
    expect(finished.code).toBe(0);
    expect(JSON.parse(finished.stdout)).toMatchObject({ committed: null, commit: before });
    expect(await git(repo, 'rev-parse', 'para/s')).toBe(before);
    expect(existsSync(worktree())).toBe(false);
  });

  test('-b onto a branch that exists is refused, and nothing is lost', async () => {
    await git(repo, 'branch', 'taken');
    const before = await git(repo, 'rev-parse', 'taken');
    const refused = await finish('-b', 'taken');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('the branch taken exists already');
    expect(readFileSync(join(worktree(), 'work.txt'), 'utf8')).toBe('work\n');
    expect(await git(repo, 'rev-parse', 'taken')).toBe(before);
    expect(await finish('-b', 'free')).toMatchObject({ code: 0 });
    expect(await git(repo, 'show', 'free:work.txt')).toBe('work');
  });

  test('two at once: one finishes, the other says that it is done', async () => {
    const both = await Promise.all([finish(), finish()]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 10]);
    expect(both.find(({ code }) => code === 10)?.stderr).toContain('is finished already');
    expect(await git(repo, 'show', 'para/s:work.txt')).toBe('work');
    expect(await git(repo, 'log', '--format=%s', 'main..para/s')).toBe('Work');
    const list = JSON.parse((await world.para(repo, ['list', '--json'])).stdout) as object;
    expect(list).toMatchObject({ sessions: [{ name: 's', status: 'review', settle: null }] });
  });

  test('two at once from inside the worktree, which goes away', async () => {
    const finishHere = (): Promise<Ended> => world.para(worktree(), ['finish', 'Work']);
    const both = await Promise.all([finishHere(), finishHere()]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 10]);
    expect(await git(repo, 'show', 'para/s:work.txt')).toBe('work');
  });

  describe('with a remote', () => {
    let remote: string;
    const there = (branch = 'para/s'): Promise<string> =>
      git(remote, 'for-each-ref', '--format=%(refname:short)', `refs/heads/${branch}`);
    /** All of the work is on the branch here, and the session is over. */
    const expectKept = async (branch = 'para/s'): Promise<void> => {
      expect(await git(repo, 'show', `${branch}:work.txt`)).toBe('work');
      expect(await sessionTraces(world, repo)).toMatchObject(NOTHING_BUT_THE_RESULT);
    };
    const setPush = (value: string): Promise<Ended> => world.para(repo, ['config', 'set', 'git.push', value]);

    beforeEach(async () => {
      remote = join(world.dir, 'work', 'remote.git');
      await git(world.dir, 'init', '-q', '--bare', remote);
      await git(repo, 'remote', 'add', 'origin', remote);
    });

    test('pushes by default', async () => {
      const finished = await finish('--json');
      expect(finished.code).toBe(0);
      expect(JSON.parse(finished.stdout)).toMatchObject({ pushed_to: 'origin', push_error: null });
      expect(await git(remote, 'show', 'para/s:work.txt')).toBe('work');
      await expectKept();
    });

    test('pushes the branch that -b names, and to remote.pushDefault', async () => {
      const other = join(world.dir, 'work', 'other.git');
      await git(world.dir, 'init', '-q', '--bare', other);
      await git(repo, 'remote', 'add', 'other', other);
      await git(repo, 'config', 'remote.pushDefault', 'other');
      expect(await finish('-b', 'feature/x')).toMatchObject({ code: 0 });
      expect(await git(other, 'show', 'feature/x:work.txt')).toBe('work');
      expect(await there('feature/x')).toBe('');
      await expectKept('feature/x');
    });

    test('does not push with --no-push', async () => {
      expect(await finish('--no-push')).toMatchObject({ code: 0 });
      expect(await there()).toBe('');
      await expectKept();
    });

    test('git.push never, which --push overrules', async () => {
      expect(await setPush('never')).toMatchObject({ code: 0 });
      expect(await finish()).toMatchObject({ code: 0 });
      expect(await there()).toBe('');
      expect(await world.para(repo, ['start', 't'])).toMatchObject({ code: 0 });
      expect(await world.para(repo, ['finish', 'Work', 't', '--push'])).toMatchObject({ code: 0 });
      expect(await there('para/t')).toBe('para/t');
    });

    test('git.push always: without a remote nothing is begun', async () => {
      expect(await setPush('always')).toMatchObject({ code: 0 });
      await git(repo, 'remote', 'remove', 'origin');
      const refused = await finish();
      expect(refused).toMatchObject({ code: 4, stdout: '' });
      expect(refused.stderr).toContain('git remote add origin');
      expect(readFileSync(join(worktree(), 'work.txt'), 'utf8')).toBe('work\n');
      expect(await finish('--no-push')).toMatchObject({ code: 0 });
      await expectKept();
    });

    test.each([
      ['is gone', () => rmSync(remote, { recursive: true })],
      [
        'rejects it',
        () => {
          const hook = join(remote, 'hooks', 'pre-receive');
          writeFileSync(hook, '#!/bin/sh\necho "not on my watch" >&2; exit 1\n');
          chmodSync(hook, 0o755);
        },
      ],
    ])('a remote that %s loses nothing, and the command to retry is named', async (_what, spoil) => {
      spoil();
      const finished = await finish();
      expect(finished.code).toBe(4);
      expect(finished.stderr).toContain('git push -u origin para/s');
      expect(finished.stderr).toContain('the branch is kept here');
      await expectKept();
      // What it says works, once the remote does.
      rmSync(remote, { recursive: true, force: true });
      await git(world.dir, 'init', '-q', '--bare', remote);
      await git(repo, 'push', 'origin', 'para/s');
      expect(await there()).toBe('para/s');
    });

    test('says a failed push in JSON too', async () => {
      rmSync(remote, { recursive: true });
      const finished = await finish('--json');
      expect(finished.code).toBe(4);
      expect(JSON.parse(finished.stdout)).toMatchObject({ pushed_to: null, branch: 'para/s' });
      expect((JSON.parse(finished.stdout) as { push_error: string }).push_error).toContain('was not pushed');
    });

    test('interrupted in a push that hangs, it says how to go on, and goes on', async () => {
      const hook = join(remote, 'hooks', 'pre-receive');
      const hang = join(remote, 'hang');
      writeFileSync(hang, '');
      writeFileSync(hook, `#!/bin/sh\nwhile [ -e '${hang}' ]; do sleep 0.1; done; exit 1\n`);
      chmodSync(hook, 0o755);
      const running = inBackground(world, ['finish', 'Work', 's'], { cwd: repo });
      await printed(running, '✓ Committing what is left', 'stderr');
      await new Promise((resolve) => setTimeout(resolve, 300));
      running.tell('SIGINT');
      const told = Date.now();
      const ended = await running.ended;
      expect(Date.now() - told).toBeLessThan(10_000);
      expect(ended).toMatchObject({ code: 130, stdout: '' });
      expect(ended.stderr).toContain('To go on: para recover');
      expect(await git(repo, 'show', 'para/s:work.txt')).toBe('work');
      // The remote's own process has not heard of it.
      rmSync(hang);
      rmSync(hook);
      expect(await finish()).toMatchObject({ code: 0 });
      await expectKept();
      expect(await there()).toBe('para/s');
    });
  });
});

// Mounting needs root; who is not has no root engine either.
describe.each(
  testEngines()
    .filter(({ uid }) => uid === 0 && process.getuid?.() === 0)
    .slice(0, 1),
)('a full disk below .para/state ($id)', (engine) => {
  let world: World;
  let repo: string;
  let state: string;
  const worktree = (): string => join(repo, '.para', 'worktrees', 's');
  const ballast = (): string => join(state, 'ballast');
  const fill = (): void => {
    execFileSync('sh', ['-c', 'cat /dev/zero >"$0" 2>/dev/null || :', ballast()]);
  };

  beforeEach(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    state = join(repo, '.para', 'state');
    mkdirSync(state, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k,mode=755', 'tmpfs', state]);
  });
  afterEach(async () => {
    execFileSync('umount', [state]);
    await world.remove();
  });

  test('start says so and makes nothing; finish says so and keeps the work', async () => {
    const before = await mainCheckout(world, repo);
    fill();
    const failed = await world.para(repo, ['start', 's']);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('no space is left on the disk');
    expect(failed.stderr).toContain('df -h');
    rmSync(ballast());
    expect(await sessionTraces(world, repo)).toEqual(NO_TRACES);
    expect(await mainCheckout(world, repo)).toEqual(before);

    expect(await world.para(repo, ['start', 's'])).toMatchObject({ code: 0 });
    writeFileSync(join(worktree(), 'work.txt'), 'work\n');
    fill();
    const stuck = await world.para(repo, ['finish', 'Work', 's']);
    expect(stuck).toMatchObject({ code: 1, stdout: '' });
    expect(stuck.stderr).toContain('no space is left on the disk');
    rmSync(ballast());
    expect(readFileSync(join(worktree(), 'work.txt'), 'utf8')).toBe('work\n');
    expect(await world.para(repo, ['finish', 'Work', 's'])).toMatchObject({ code: 0 });
    expect(await world.out(['git', 'show', 'para/s:work.txt'], { cwd: repo })).toBe('work');
  });

  test('a start that runs full on the way is undone', async () => {
    const before = await mainCheckout(world, repo);
    // Room for the record and the locks, not for the index of a container's git directory.
    execFileSync('sh', ['-c', 'head -c 110000 /dev/zero >"$0"', ballast()]);
    const failed = await world.para(repo, ['start', 's', '--docker', '--image', base]);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('✗ Preparing what the container sees');
    expect(failed.stderr).toContain('✓ Undo: creating the worktree');
    expect(failed.stderr).toContain('no space is left on the disk');
    rmSync(ballast());
    expect(await sessionTraces(world, repo)).toEqual(NO_TRACES);
    expect(await engineTraces(world, repo)).toEqual([]);
    expect(await mainCheckout(world, repo)).toEqual(before);
  });
});
