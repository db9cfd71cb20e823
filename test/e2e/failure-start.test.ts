/** A start that fails, is interrupted or killed: undone, said, and nothing of anybody's is lost. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { fakeEngine, type FakeEngine, type Fault } from '../support/fake-engine.ts';
import { engineTraces, mainCheckout, NO_TRACES, sessionTraces } from '../support/look.ts';
import { inBackground, makeWorld, printed, repoId, type Ended, type World } from '../support/para.ts';

interface Failure {
  readonly ok: boolean;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

const failureOf = (ended: Ended): Failure => JSON.parse(ended.stdout) as Failure;
const { base, busybox } = testImages();

describe.each(testEngines().map((engine) => [engine.id, engine] as const))(
  'a start that fails on %s',
  (_id, engine) => {
    let world: World;
    let repo: string;
    let before: object;
    const start = (...flags: string[]): Promise<Ended> =>
      world.para(repo, ['start', 's', '--docker', ...flags]);

    beforeAll(async () => {
      world = makeWorld(engine);
      repo = await world.repo();
      await world.out(['sh', '-ec', 'echo dirty >>a.txt; echo new >new; git add new; echo loose >loose'], {
        cwd: repo,
      });
      before = await mainCheckout(world, repo);
    });
    afterEach(async () => {
      expect(await sessionTraces(world, repo)).toEqual(NO_TRACES);
      expect(await engineTraces(world, repo)).toEqual([]);
      expect(await mainCheckout(world, repo)).toEqual(before);
    });
    afterAll(() => world.remove());

    test('on an image that is nowhere', async () => {
      const failed = await start('--image', 'localhost:1/para-test/nowhere:1');
      expect(failed).toMatchObject({ code: 8, stdout: '' });
      expect(failed.stderr).toContain('✗ Getting the image');
      expect(failed.stderr).toContain('✓ Undo: creating the worktree');
      expect(failed.stderr).toContain('✓ Undo: recording the session');
      expect(failed.stderr).toContain('localhost:1/para-test/nowhere:1');
      expect(failed.stderr).toMatch(/^ {2}↳ /m);
    });

    test('on a host port that somebody has', async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const port = String((server.address() as AddressInfo).port);
      try {
        const failed = await start('--image', busybox, '--port', `${port}:80`);
        expect(failed).toMatchObject({ code: 7, stdout: '' });
        expect(failed.stderr).toContain('is already in use');
        expect(failed.stderr).toContain(`127.0.0.1:${port}`);
        expect(failed.stderr).toContain('✓ Undo: creating the container');
        const json = await start('--image', busybox, '--port', `${port}:80`, '--json');
        expect(failureOf(json).error).toMatchObject({ code: 'PORT_IN_USE' });
      } finally {
        server.close();
      }
    });

    describe('on an image', () => {
      const image = 'localhost/para-test/broken:1';
      /** An image of one busybox and a `sh` that is this text. */
      const importImage = async (sh: string | undefined): Promise<void> => {
        const root = join(world.dir, 'work', 'root');
        await world.out(['mkdir', '-p', join(root, 'bin')]);
        await world.engine('create', '--name', `${repoId(repo)}-source`, '--pull', 'never', busybox, 'true');
        await world.engine('cp', `${repoId(repo)}-source:/bin/busybox`, join(root, 'bin', 'busybox'));
        await world.engine('rm', `${repoId(repo)}-source`);
        if (sh !== undefined)
          await world.out(
            ['sh', '-c', 'printf "%s\\n" "$0" >"$1"; chmod 755 "$1"', sh, join(root, 'bin', 'sh')],
            {},
          );
        await world.out(['tar', '-C', root, '-cf', `${root}.tar`, '.']);
        await world.engine('import', `${root}.tar`, image);
        rmSync(root, { recursive: true });
      };
      afterEach(() => world.engine('rmi', '-f', image));

      test('that has no shell', async () => {
        await importImage(undefined);
        const failed = await start('--image', image);
        expect(failed).toMatchObject({ code: 7, stdout: '' });
        expect(failed.stderr).toContain(`The image ${image} must have a POSIX shell (sh)`);
        expect(failed.stderr).toContain('✓ Undo: creating the container');
      });

      test('whose shell ends at once', async () => {
        await importImage('#!/bin/busybox false');
        const failed = await start('--image', image);
        expect(failed).toMatchObject({ code: 7, stdout: '' });
        expect(failed.stderr).toContain('ended at once, with exit code 1');
        expect(failed.stderr).toContain(`The image ${image} must have a POSIX shell (sh)`);
        expect(failed.stderr).toContain('✓ Undo: creating the container');
      });
    });

    test.each([
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)('by %s while the container is made', async (signal, code) => {
      const running = inBackground(world, ['start', 's', '--docker', '--image', base], { cwd: repo });
      await printed(running, '✓ Preparing what the container sees', 'stderr');
      running.tell(signal);
      const ended = await running.ended;
      expect(ended).toMatchObject({ code, stdout: '' });
      expect(ended.stderr).toContain('✓ Undo: creating the container');
      expect(ended.stderr).toContain('✓ Undo: creating the worktree');
    });
  },
);

describe('a start without an engine that answers', () => {
  test('says how to get one, and makes nothing', async () => {
    const world = makeWorld();
    try {
      const repo = await world.repo();
      const before = await mainCheckout(world, repo);
      const dead = { DOCKER_HOST: `unix://${world.dir}/nobody.sock`, PARA_ENGINE: 'docker' };
      const failed = await world.para(repo, ['start', 's', '--docker'], { env: dead });
      expect(failed).toMatchObject({ code: 6, stdout: '' });
      expect(failed.stderr).toContain('docker is installed, but its engine does not answer');
      expect(failed.stderr).toContain('Start it');
      expect(failed.stderr).not.toContain('Undo');
      expect(await sessionTraces(world, repo)).toEqual(NO_TRACES);

      const none = await world.para(repo, ['start', 's', '--docker', '--json'], {
        env: { PATH: onlyGit(world), PARA_ENGINE: '' },
      });
      expect(none.code).toBe(6);
      expect(failureOf(none).error).toMatchObject({ code: 'ENGINE_NOT_INSTALLED' });
      expect(failureOf(none).error.hint).toContain('Install docker or podman');
      expect(await sessionTraces(world, repo)).toEqual(NO_TRACES);
      expect(await mainCheckout(world, repo)).toEqual(before);
      // Without a container there is nothing to miss.
      expect(await world.para(repo, ['start', 's'], { env: dead })).toMatchObject({ code: 0 });
    } finally {
      await world.remove();
    }
  });

  /** A directory with git alone, to be all of PATH. */
  function onlyGit(world: World): string {
    const bin = join(world.dir, 'only-git');
    mkdirSync(bin);
    const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    execFileSync('ln', ['-s', git, join(bin, 'git')]);
    return bin;
  }
});

describe('a start that is stopped from outside', () => {
  let world: World;
  let repo: string;
  let fake: FakeEngine;
  let before: object;
  const worktree = (): string => join(repo, '.para', 'worktrees', 's');
  const withFaults = (...faults: Fault[]): Record<string, string> => {
    fake.remove();
    fake = fakeEngine({ faults });
    return { ...fake.env };
  };
  const args = ['start', 's', '--docker', '--engine', 'docker', '--image', base];
  const list = async (): Promise<{ stderr: string; rows: readonly { settle: string; status: string }[] }> => {
    const shown = await world.para(repo, ['list'], { env: fake.env });
    const json = await world.para(repo, ['list', '--json'], { env: fake.env });
    const { sessions } = JSON.parse(json.stdout) as { sessions: { settle: string; status: string }[] };
    return { stderr: shown.stderr, rows: sessions };
  };
  const expectNothing = async (): Promise<void> => {
    expect(await sessionTraces(world, repo)).toEqual(NO_TRACES);
    expect(fake.containers()).toEqual([]);
    expect(fake.networks()).toEqual([]);
    expect(await mainCheckout(world, repo)).toEqual(before);
  };
  /** Starts with this fault and kills para where it strikes. */
  const killAt = async (row: string, ...faults: Fault[]): Promise<void> => {
    const running = inBackground(world, args, { cwd: repo, env: withFaults(...faults) });
    await printed(running, row, 'stderr');
    running.tell('SIGKILL');
    await running.ended;
  };
  const at = (call: string): Promise<void> =>
    waitFor(() => fake.calls().some((words) => words.join(' ').startsWith(`docker ${call}`)));

  beforeEach(async () => {
    world = makeWorld();
    fake = fakeEngine();
    repo = await world.repo();
    before = await mainCheckout(world, repo);
  });
  afterEach(async () => {
    fake.remove();
    await world.remove();
  });

  const STEPS: [string, Fault][] = [
    ['image inspect', { verb: 'image inspect', do: 'delay', ms: 20_000 }],
    ['network create', { verb: 'network create', do: 'delay', ms: 20_000 }],
    ['network create', { verb: 'network create', do: 'delay', ms: 20_000, after: true }],
    ['create', { verb: 'create', do: 'delay', ms: 20_000 }],
    ['create', { verb: 'create', do: 'delay', ms: 20_000, after: true }],
    ['start', { verb: 'start', do: 'delay', ms: 20_000 }],
    ['start', { verb: 'start', do: 'delay', ms: 20_000, after: true }],
  ];
  const SIGNALS = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const;
  test.each(STEPS.map(([call, fault], n) => [call, fault, ...SIGNALS[n % SIGNALS.length]!] as const))(
    'in %s %j by %s is undone, and ends with %i',
    async (call, fault, signal, code) => {
      const running = inBackground(world, args, { cwd: repo, env: withFaults(fault) });
      await at(call);
      running.tell(signal);
      const ended = await running.ended;
      expect(ended).toMatchObject({ code, stdout: '' });
      expect(ended.stderr).toContain('✓ Undo: recording the session');
      expect(ended.stderr).toContain('interrupted');
      await expectNothing();
    },
  );

  test('a second Ctrl-C does not stop the undoing', async () => {
    const env = withFaults(
      { verb: 'start', do: 'delay', ms: 20_000 },
      { verb: 'rm', do: 'delay', ms: 1_500 },
    );
    const running = inBackground(world, args, { cwd: repo, env });
    await at('start');
    running.tell('SIGINT');
    await at('rm');
    running.tell('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130 });
    await expectNothing();
  });

  test('what can not be undone is named with the command that removes it', async () => {
    const env = withFaults(
      { verb: 'start', do: 'fail', stderr: 'Error response from daemon: broken' },
      { verb: 'rm', do: 'fail', stderr: 'Error response from daemon: still broken' },
    );
    const failed = await world.para(repo, args, { cwd: repo, env });
    const name = `para-${repoId(repo)}-s`;
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('not everything could be undone');
    expect(failed.stderr).toContain(`docker rm -f ${name}`);
    expect(fake.containers().map((container) => container.name)).toEqual([name]);
    // Its record stays, so that the next para settles it.
    expect(await sessionTraces(world, repo)).toMatchObject({ records: ['s.state'], worktrees: [] });
    const honest = { ...fake.env, FAKE_ENGINE_FAULTS: '[]' };
    expect(await world.para(repo, ['start', 'other'], { env: honest })).toMatchObject({ code: 0 });
    expect(fake.containers()).toEqual([]);
    expect(await sessionTraces(world, repo)).toMatchObject({ records: ['other.state', 'other.state.prev'] });
  });

  test.each([
    ['Creating the worktree', { verb: 'image inspect', do: 'delay', ms: 1_500 }],
    ['Getting the image', { verb: 'network create', do: 'delay', ms: 1_500 }],
    ['Preparing what the container sees', { verb: 'create', do: 'delay', ms: 1_500 }],
    ['Preparing what the container sees', { verb: 'create', do: 'delay', ms: 1_500, after: true }],
  ] as [string, Fault][])(
    'a kill after %s %j: list names what settles it, start does',
    async (row, fault) => {
      await killAt(`✓ ${row}`, fault);
      const { stderr, rows } = await list();
      expect(rows).toMatchObject([{ name: 's', status: 'starting', settle: 'para recover s' }]);
      expect(stderr).toContain('para recover s');
      // What the killed para had asked of the engine is done, or not, by now.
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const again = await world.para(repo, ['start', 's'], { env: fake.env });
      expect(again).toMatchObject({ code: 0 });
      expect(again.stderr).toContain('An earlier start of s was cut short: it is taken back');
      expect(fake.containers()).toEqual([]);
      expect(fake.networks()).toEqual([]);
      expect((await list()).rows).toMatchObject([{ status: 'active', settle: null }]);
      expect(await mainCheckout(world, repo)).toEqual(before);
    },
  );

  test('a kill when somebody has worked there already: nothing is taken back, finish keeps it', async () => {
    await killAt('✓ Creating the worktree', { verb: 'image inspect', do: 'delay', ms: 1_500 });
    writeFileSync(join(worktree(), 'work.txt'), 'work\n');
    const again = await world.para(repo, ['start', 's'], { env: fake.env });
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain('An earlier start of s was cut short: it is taken up');
    expect((await list()).rows).toMatchObject([{ status: 'active', settle: null, container: null }]);
    expect(readFileSync(join(worktree(), 'work.txt'), 'utf8')).toBe('work\n');
    expect(await world.para(repo, ['finish', 'Kept', 's'], { env: fake.env })).toMatchObject({ code: 0 });
    expect(await world.out(['git', 'show', 'para/s:work.txt'], { cwd: repo })).toBe('work');
  });

  test('a kill when the container had come up: finish keeps what it made', async () => {
    const env = withFaults({ verb: 'start', do: 'delay', ms: 1_500, after: true });
    const running = inBackground(world, args, { cwd: repo, env });
    await at('start');
    await waitFor(() => existsSync(join(repo, '.para/state/docker/s/out/ready')));
    running.tell('SIGKILL');
    await running.ended;
    expect(await world.para(repo, ['start', 's'], { env: fake.env })).toMatchObject({ code: 0 });
    expect((await list()).rows).toMatchObject([{ status: 'active', container: 'running' }]);
    expect(await world.para(repo, ['finish', 'Kept', 's'], { env: fake.env })).toMatchObject({ code: 0 });
    expect(fake.containers()).toEqual([]);
  });

  test('finish of a start that was killed before it had a worktree says what to type', async () => {
    const running = inBackground(world, args, { cwd: repo, env: fake.env });
    await waitFor(() => existsSync(join(repo, '.para/state/s.state')));
    running.tell('SIGKILL');
    await running.ended;
    const finished = await world.para(repo, ['finish', 'Nothing', 's'], { env: fake.env });
    // The git that para had started may have come to its end.
    // Taken back first, so that there is no such session; or taken up.
    expect([0, 3, 10]).toContain(finished.code);
    if (finished.code !== 0) expect(finished.stderr).toContain('para start');
  });
});

describe('a start that is in the way of another', () => {
  let world: World;
  let repo: string;
  beforeEach(async () => {
    world = makeWorld();
    repo = await world.repo();
  });
  afterEach(() => world.remove());

  test('two of one name at once: one wins whole, the other leaves it alone', async () => {
    for (let round = 0; round < 5; round += 1) {
      const name = `s${String(round)}`;
      const ended = await Promise.all([1, 2, 3].map(() => world.para(repo, ['start', name])));
      expect(ended.map(({ code }) => code).sort()).toEqual([0, 1, 1]);
      for (const loser of ended.filter(({ code }) => code !== 0))
        // The second: it looked while the winner was still at work.
        expect(loser.stderr).toMatch(/exists already|not come to its end/);
      const path = join(repo, '.para', 'worktrees', name);
      expect(await world.out(['git', 'status', '--porcelain'], { cwd: path })).toBe('');
      expect(existsSync(join(path, 'a.txt'))).toBe(true);
    }
    const list = JSON.parse((await world.para(repo, ['list', '--json'])).stdout) as { sessions: unknown[] };
    expect(list.sessions).toHaveLength(5);
  });

  test('a directory that lies where the worktree goes is not touched', async () => {
    const path = join(repo, '.para', 'worktrees', 's');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'precious'), 'mine\n');
    const refused = await world.para(repo, ['start', 's']);
    expect(refused).toMatchObject({ code: 10, stdout: '' });
    expect(refused.stderr).toContain(`mv ${path}`);
    expect(readFileSync(join(path, 'precious'), 'utf8')).toBe('mine\n');
    expect(await sessionTraces(world, repo)).toMatchObject({ refs: [], records: [], registered: 0 });
  });

  test('a branch of that name is not touched', async () => {
    await world.out(['git', 'branch', 'para/s'], { cwd: repo });
    const refused = await world.para(repo, ['start', 's']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('the branch para/s exists already');
    expect(await sessionTraces(world, repo)).toEqual({ ...NO_TRACES, refs: ['refs/heads/para/s'] });
  });
});

async function waitFor(happened: () => boolean): Promise<void> {
  for (const until = Date.now() + 20_000; !happened();) {
    if (Date.now() > until) throw new Error('it did not happen within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
