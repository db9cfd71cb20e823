/** What a container may not see of the host, whoever asks, and what a repository may not ask for at all. */
import { mkdirSync, chownSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { mainCheckout, sessionTraces } from '../support/look.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';

/** Sources that nobody mounts; `%` stands for the test's own directory. */
const DENIED = [
  '/',
  '$HOME',
  '~',
  '~/.ssh',
  '~/.ssh/id_ed25519',
  '~/.docker',
  '~/.config',
  '~/.git-credentials',
  '/etc',
  '/etc/passwd',
  '/proc',
  '/dev',
  '/sys/fs/cgroup',
  '/run',
  '/var',
  '/tmp',
  '$REPO',
  '$REPO/.git',
  '$REPO/.git/hooks',
  '$REPO/.para/state',
  '$REPO/..',
  '$REPO/../../home',
  '$WORKTREE',
  '$WORKTREE/d',
  '$WORKTREE/../other',
  '%/work/link',
  '%/work/link/passwd',
  '%/work/linked-home',
  '%/work/any.sock',
];

/** Settings of a repository that would open the box; each is refused by what it is. */
const GREEDY: readonly object[] = [
  { volumes: [{ source: '%/work/data', target: '/data' }] },
  { volumes: [{ source: '%/work/data', target: '/data', read_only: true }] },
  { volumes: [{ source: '%/work/data', target: '/' }] },
  { volumes: [{ source: '$WORKTREE', target: '/workspace/.git' }] },
  { volumes: [{ source: '%/work/data', target: '/para/objects' }] },
  { volumes: [{ source: '%/work/data', target: '/workspace' }] },
  { volumes: [{ source: '%/work/data', target: '/x/../para/git' }] },
  { image: 'x', privileged: true },
  { network: { mode: 'host' } },
  { pid: 'host' },
  { cap_add: ['SYS_ADMIN'] },
  { devices: ['/dev/sda'] },
  { security_opt: ['seccomp=unconfined'] },
];

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('mounts on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let server: Server;
  const full = (text: string): string => text.replaceAll('%', world.dir);
  /** With a home of the test's own, which a command run as another user does not get from the environment alone. */
  const atHome = (...command: string[]): Promise<Ended> =>
    world.run(['env', `HOME=${join(world.dir, 'home')}`, ...command], { cwd: repo });
  const start = (...flags: string[]): Promise<Ended> =>
    atHome(world.binary, 'start', 's', '--docker', '--image', testImages().busybox, ...flags);
  const things = async (): Promise<unknown> => [
    await mainCheckout(world, repo),
    await sessionTraces(world, repo),
    await world.engine('ps', '-aq', '--filter', `label=para.repo=${repoId(repo)}`),
    await world.engine('network', 'ls', '-q', '--filter', `label=para.repo=${repoId(repo)}`),
  ];
  /** Every attempt ends with one of these codes and a reason, and nothing is made by any. */
  const refused = async (
    attempts: readonly (() => Promise<Ended>)[],
    codes: readonly number[],
  ): Promise<void> => {
    const before = await things();
    for (const attempt of attempts) {
      const { code, stderr } = await attempt();
      expect([code, stderr]).toEqual([code, expect.stringMatching(/^✗ [^]*\S/)]);
      expect([codes.includes(code ?? -1), code, stderr]).toEqual([true, code, stderr]);
    }
    expect(await things()).toEqual(before);
  };

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    const work = join(world.dir, 'work');
    const secrets = 'cd; mkdir .ssh .docker .config; echo k | tee .ssh/id_ed25519 >.git-credentials';
    expect(await atHome('sh', '-ec', secrets)).toMatchObject({ code: 0 });
    expect(await world.para(repo, ['start', 'other'])).toMatchObject({ code: 0 });
    for (const path of ['data', 'a,b:c "d"']) {
      mkdirSync(join(work, path));
      chownSync(join(work, path), engine.uid, engine.gid);
      writeFileSync(join(work, path, 'file'), 'of the host\n');
    }
    symlinkSync('/etc', join(work, 'link'));
    symlinkSync(join(world.dir, 'home'), join(work, 'linked-home'));
    server = createServer().listen(join(work, 'any.sock'));
  });
  afterAll(async () => {
    await world.remove();
    server.close();
  });

  test('some places are not mounted even for the person at the keyboard', async () => {
    await refused(
      DENIED.map((source) => () => start('--volume', `${full(source)}:/data`)),
      [10],
    );
  });

  test('nor the engine’s socket, nor a directory that holds it', async () => {
    const socket =
      /^unix:\/\/(.*)$/.exec(engine.env['DOCKER_HOST'] ?? '')?.[1] ?? join(world.dir, 'work/any.sock');
    await refused([() => start('--volume', `${socket}:/var/run/docker.sock`)], [10]);
    if (engine.engine === 'docker')
      await refused([() => start('--volume', `${dirname(socket)}:/data`)], [10]);
  });

  test('what a person does ask for is mounted, whatever it is called', async () => {
    const odd = join(world.dir, 'work', 'a,b:c "d"');
    const ended = await start('--volume', `${odd}:/odd dir:ro`, '--volume', `${world.dir}/work/data:/data`);
    expect(ended).toMatchObject({ code: 0 });
    const script =
      'cat "/odd dir/file"; echo x >"/odd dir/new" 2>/dev/null || echo closed; echo in >/data/new';
    const inside = await world.para(repo, ['docker', 'exec', 's', '--', 'sh', '-c', script]);
    expect(inside).toMatchObject({ code: 0, stdout: 'of the host\nclosed\n' });
    expect(existsSync(join(odd, 'new'))).toBe(false);
    expect(readFileSync(join(world.dir, 'work/data/new'), 'utf8')).toBe('in\n');
    expect(await world.para(repo, ['finish', 'Nothing', 's'])).toMatchObject({ code: 0 });
    await world.out(['sh', '-ec', 'rm .para/state/s.state; git branch -q -D para/s'], { cwd: repo });
  });

  test('a link that an agent puts in the place of another session’s mount is not followed at a start', async () => {
    const work = join(world.dir, 'work');
    const [cache, npm, secret] = [join(work, 'cache'), join(work, 'cache/npm'), join(work, 'private')];
    for (const path of [cache, npm, secret]) {
      mkdirSync(path);
      chownSync(path, engine.uid, engine.gid);
    }
    writeFileSync(join(secret, 'file'), 'nobody’s business\n', { mode: 0o644 });
    // Of another repository, of whose sessions this one does not know.
    const root = await world.repo('greedy');
    const box = ['start', 'g', '--docker', '--image', testImages().busybox, '--volume', `${cache}:/cache`];
    expect(await world.para(root, box)).toMatchObject({ code: 0 });
    expect(await start('--volume', `${npm}:/npm`)).toMatchObject({ code: 0 });
    expect(await world.para(repo, ['docker', 'stop', 's', '--grace', '1'])).toMatchObject({ code: 0 });
    const swap = `mv /cache/npm /cache/old && ln -s ${secret} /cache/npm`;
    expect(await world.para(root, ['docker', 'exec', 'g', '--', 'sh', '-c', swap])).toMatchObject({
      code: 0,
    });
    const refused = await world.para(repo, ['docker', 'start', 's']);
    expect([refused.code, refused.stderr]).toEqual([10, expect.stringContaining(`${npm} is a link to`)]);
    const state = ['inspect', '--format', '{{.State.Status}}', `para-${repoId(repo)}-s`];
    expect(await world.engine(...state)).toMatch(/^exited/);
    const back = 'rm /cache/npm && mv /cache/old /cache/npm';
    expect(await world.para(root, ['docker', 'exec', 'g', '--', 'sh', '-c', back])).toMatchObject({
      code: 0,
    });
    expect(await world.para(repo, ['docker', 'start', 's'])).toMatchObject({ code: 0 });
    expect(await world.para(repo, ['finish', 'Nothing', 's'])).toMatchObject({ code: 0 });
    await world.out(['sh', '-ec', 'rm .para/state/s.state; git branch -q -D para/s'], { cwd: repo });
    expect(await world.para(root, ['finish', 'Nothing', 'g'])).toMatchObject({ code: 0 });
  });

  describe('asked for by the repository', () => {
    /** A commit that holds this file as its docker.json, and is on no branch. */
    const commit = (content: string, mode = '100644'): Promise<string> => {
      const script = `blob=$(git hash-object -w --stdin)
        inner=$(printf '${mode} blob %s\\tdocker.json\\n' $blob | git mktree)
        tree=$({ git ls-tree HEAD; printf '040000 tree %s\\t.para\\n' $inner; } | git mktree)
        git commit-tree -p HEAD -m greedy $tree`;
      return world.out(['sh', '-ec', script], { cwd: repo, input: full(content) });
    };
    const from =
      (settings: object): (() => Promise<Ended>) =>
      async () =>
        start('--base', await commit(JSON.stringify(settings)));

    test('the same places are refused', async () => {
      await refused(
        DENIED.map((source) => from({ volumes: [{ source, target: '/data' }] })),
        [10],
      );
    });

    test('all else that would open the box is refused', async () => {
      await refused(GREEDY.map(from), [5, 10]);
    });

    test('images that look like flags are refused', async () => {
      const attempts = ['--privileged', '-v/etc:/h', '--', 'x --network=host'].map((image) => async () => {
        const base = await commit(JSON.stringify({ image }));
        return atHome(world.binary, 'start', 's', '--docker', '--base', base);
      });
      await refused(attempts, [2]);
    });

    test('a link instead of the file is not followed', async () => {
      const base = await commit('../../../config.json', '120000');
      await refused([() => start('--base', base)], [5]);
    });

    test('a project’s own settings open nothing either', async () => {
      const file = join(repo, '.para/config.json');
      for (const docker of [
        { allowed_mounts: ['/'] },
        { hardening: 'off' },
        { default_volumes: [{ source: '%/work/data', target: '/data' }] },
        { default_volumes: [{ source: '$HOME', target: '/data' }] },
        { network: { mode: 'host' } },
      ]) {
        await world.out(['tee', file], { input: full(JSON.stringify({ docker })) });
        await refused([() => start()], [5, 10]);
      }
      await world.out(['rm', file]);
    });

    test('what the user’s settings allow is mounted', async () => {
      const settings = join(world.dir, 'user.json');
      writeFileSync(settings, full(JSON.stringify({ docker: { allowed_mounts: ['%/work/data'] } })));
      const volume = { source: '%/work/data', target: '/data', read_only: true };
      const base = await commit(JSON.stringify({ volumes: [volume] }));
      const args = ['start', 'good', '--docker', '--image', testImages().busybox, '--base', base];
      expect(await world.para(repo, args, { env: { PARA_CONFIG_PATH: settings } })).toMatchObject({
        code: 0,
      });
      const read = ['docker', 'exec', 'good', '--', 'cat', '/data/file'];
      expect(await world.para(repo, read)).toMatchObject({ stdout: 'of the host\n' });
    });
  });

  test('a repository whose .para is a link is refused', async () => {
    const root = await world.repo('linked');
    await world.out(['sh', '-ec', 'mkdir ../elsewhere; ln -s ../elsewhere .para'], { cwd: root });
    expect(await world.para(root, ['start', 'x'])).toMatchObject({ code: 10 });
    expect(await world.out(['ls', '-A', join(root, '../elsewhere')])).toBe('');
  });
});
