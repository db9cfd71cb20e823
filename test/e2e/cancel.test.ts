/** cancel takes everything away, recover brings all of it back: equal before and after, by hash. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { mainCheckout } from '../support/look.ts';
import { makeWorld, repoId, type World } from '../support/para.ts';

/** Staged, unstaged, untracked, deleted, renamed, mode-changed, linked, binary and unicode-named changes. */
const CHANGES = `set -e
echo committed >c.txt; git add c.txt; git commit -qm committed
echo staged >staged.txt; git add staged.txt; echo 'staged, then more' >>staged.txt
echo changed >>a.txt; rm gone.txt; git mv old.txt new.txt; chmod +x tool.sh
ln -s ../a.txt d/link; ln -s /nowhere dangling
printf 'a\\0b\\377' >binary; git add binary; echo grüße >'Grüße ✓ 日本'; mkdir -p x/y; echo deep >x/y/z
mkdir -p ignored/deep; echo i >ignored/deep/file; ln -s file ignored/deep/link; echo e >.env; chmod 600 .env
git init -q nested; cd nested; git config user.name N; git config user.email n@example.test
echo n >n.txt; git add .; git commit -qm nested; echo dirty >>n.txt`;

/** Every file, link and mode below, the nested repository's too, but for the worktree's own pointer. */
function everything(root: string, below = ''): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(root, below), { withFileTypes: true })
      .filter((entry) => below !== '' || entry.name !== '.git')
      .flatMap((entry): [string, string][] => {
        const path = join(below, entry.name);
        const full = join(root, path);
        if (entry.isDirectory()) return Object.entries(everything(root, path));
        const content = entry.isSymbolicLink() ? Buffer.from(readlinkSync(full)) : readFileSync(full);
        const mode = entry.isSymbolicLink() ? 'link' : (lstatSync(full).mode & 0o777).toString(8);
        return [[path, `${mode} ${createHash('sha256').update(content).digest('hex')}`]];
      }),
  );
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))(
  'cancel and recover on %s',
  (_id, engine) => {
    let world: World;
    let repo: string;
    beforeAll(async () => {
      world = makeWorld(engine);
      repo = await world.repo();
      const script = `echo gone >gone.txt; echo old >old.txt; echo tool >tool.sh; printf 'ignored/\\n.env\\n' >.gitignore
      git add .; git commit -qm second; echo dirty >>a.txt`;
      await world.out(['sh', '-ec', script], { cwd: repo });
    });
    afterAll(() => world.remove());

    const path = (): string => join(repo, '.para/worktrees/s');
    /** What git says of it, with renames and without, and every entry of the index. */
    const status = async (cwd = path()): Promise<readonly string[]> =>
      Promise.all([
        world.out(['git', 'status', '--porcelain=v1', '-uall', '--no-renames', '--ignored'], { cwd }),
        world.out(['git', 'status', '--porcelain=v2', '-z', '-uall'], { cwd }),
        world.out(['git', 'ls-files', '-z', '--stage'], { cwd }),
      ]);

    test('a session without a container comes back equal, by hash', async () => {
      const main = await mainCheckout(world, repo);
      expect(await world.para(repo, ['start', 's'])).toMatchObject({ code: 0 });
      await world.out(['sh', '-c', CHANGES], { cwd: path() });
      const before = { files: everything(path()), status: await status() };
      expect(Object.keys(before.files).length).toBeGreaterThan(40);

      const refused = await world.para(repo, ['cancel', 's']);
      expect(refused).toMatchObject({ code: 10, stdout: '' });
      for (const name of ['ignored/', '.env', 'nested/', 'para cancel s --archive-ignored'])
        expect(refused.stderr).toContain(name);
      expect({ files: everything(path()), status: await status() }).toEqual(before);

      expect(await world.para(repo, ['cancel', 's', '--archive-ignored'])).toMatchObject({ code: 0 });
      expect(existsSync(path())).toBe(false);
      expect(await world.out(['git', 'branch', '--list', 'para/*'], { cwd: repo })).toBe('');
      expect(await world.out(['git', 'worktree', 'list'], { cwd: repo })).not.toContain('.para');
      expect(await mainCheckout(world, repo)).toEqual(main);
      const listed = await world.para(repo, ['list', '--all', '--json']);
      expect(JSON.parse(listed.stdout)).toMatchObject({
        sessions: [{ name: 's', status: 'archived', settle: 'para recover s' }],
      });

      // What only the archive holds is not collected as garbage.
      await world.out(['git', 'gc', '-q', '--prune=now'], { cwd: repo });
      expect(await world.para(repo, ['recover', 's'])).toMatchObject({ code: 0 });
      expect({ files: everything(path()), status: await status() }).toEqual(before);
      const log = await world.out(['git', 'log', '-1', '--format=%s', 'para/s'], { cwd: repo });
      expect(log).toBe('committed');
      expect(await mainCheckout(world, repo)).toEqual(main);
      expect(await world.para(repo, ['cancel', 's', '--force'])).toMatchObject({ code: 0 });
      expect(await world.para(repo, ['recover', 's'])).toMatchObject({ code: 0 });
      expect(Object.keys(everything(path())).filter((file) => /^(ignored|\.env|nested)/.test(file))).toEqual(
        [],
      );
      expect(await world.para(repo, ['cancel', 's'])).toMatchObject({ code: 0 });
    });

    test('commits made in the container, and work beside them, come back after it is gone', async () => {
      const start = ['start', 'boxed', '--docker', '--image', testImages().base];
      expect(await world.para(repo, start)).toMatchObject({ code: 0 });
      const inside = 'echo in >in; git add in; git commit -qm inside; echo out >out';
      const exec = ['docker', 'exec', 'boxed', '--', 'sh', '-ec', inside];
      expect(await world.para(repo, exec)).toMatchObject({ code: 0 });
      const cancelled = await world.para(repo, ['cancel', 'boxed', '--json']);
      expect(cancelled).toMatchObject({ code: 0 });
      expect(JSON.parse(cancelled.stdout)).toMatchObject({
        ok: true,
        session: 'boxed',
        commits_brought_back: 1,
      });
      expect(await world.engine('ps', '-aq', '--filter', `label=para.repo=${repoId(repo)}`)).toBe('');
      expect(existsSync(join(repo, '.para/state/docker/boxed'))).toBe(false);
      expect(await world.para(repo, ['recover', 'boxed'])).toMatchObject({ code: 0 });
      const worktree = join(repo, '.para/worktrees/boxed');
      expect(readFileSync(join(worktree, 'in'), 'utf8')).toBe('in\n');
      expect(readFileSync(join(worktree, 'out'), 'utf8')).toBe('out\n');
      expect(lstatSync(join(worktree, 'out')).uid).toBe(engine.uid);
      const log = execFileSync('git', ['-c', 'safe.directory=*', 'log', '--format=%s', 'para/boxed'], {
        cwd: repo,
        encoding: 'utf8',
      });
      expect(log).toBe('inside\nsecond\nfirst\n');
      expect(await world.para(repo, ['finish', 'The rest', 'boxed'])).toMatchObject({ code: 0 });
    });

    test('a container comes back as it was made, with what was staged inside', async () => {
      const data = join(world.dir, 'work/data');
      await world.out(['mkdir', data]);
      const wish = ['--env', 'COLOUR=grün', '--port', '127.0.0.1::80', '--memory', '200m', '--cpus', '0.5'];
      const image = ['--image', testImages().base, '--volume', `${data}:/data:ro`];
      expect(await world.para(repo, ['start', 'kept', '--docker', ...image, ...wish])).toMatchObject({
        code: 0,
      });
      const worktree = join(repo, '.para/worktrees/kept');
      await world.out(['sh', '-c', CHANGES], { cwd: worktree });
      const sh = (script: string): Promise<string> =>
        world.para(repo, ['docker', 'exec', 'kept', '--', 'sh', '-ec', script]).then((ended) => {
          expect(ended).toMatchObject({ code: 0 });
          return ended.stdout;
        });
      await sh('echo in >in; git add in a.txt; git stash list; echo kept >$HOME/file');
      const look = async (): Promise<unknown> => ({
        files: everything(worktree),
        status: await status(worktree),
        inside: await sh('git status --porcelain=v2; cat $HOME/file; echo $COLOUR'),
        made: await madeWith(),
      });
      const madeWith = async (): Promise<unknown> => {
        const name = `para-${repoId(repo)}-kept`;
        const [found] = JSON.parse(await world.engine('inspect', name)) as [
          {
            Config: { Env: string[] };
            HostConfig: Record<string, unknown>;
            Mounts: { Destination: string }[];
          },
        ];
        const { Memory, NanoCpus, CpuQuota, PidsLimit } = found.HostConfig;
        const env = found.Config.Env.filter((pair) => !/^(HOSTNAME|container)=/.test(pair)).sort();
        const targets = found.Mounts.map(({ Destination }) => Destination).sort();
        return {
          Memory,
          NanoCpus,
          CpuQuota,
          PidsLimit,
          env,
          targets,
          port: (await world.engine('port', name)) !== '',
        };
      };
      const before = await look();
      expect(
        await world.para(repo, ['config', 'set', 'docker.default_resource_limits.pids_limit', '99']),
      ).toMatchObject({ code: 0 });
      expect(await world.para(repo, ['cancel', 'kept', '--archive-ignored'])).toMatchObject({ code: 0 });
      expect(await world.engine('ps', '-aq', '--filter', `label=para.session=kept`)).toBe('');
      expect(await world.para(repo, ['recover', 'kept'])).toMatchObject({
        code: 0,
        stderr: expect.not.stringContaining('▲'),
      });
      expect(await look()).toEqual(before);
      expect(
        await world.para(repo, ['config', 'unset', 'docker.default_resource_limits.pids_limit']),
      ).toMatchObject({ code: 0 });
      expect(await world.para(repo, ['cancel', 'kept', '--force'])).toMatchObject({ code: 0 });
    });

    test('commits on both sides are both archived', async () => {
      const start = ['start', 'both', '--docker', '--image', testImages().base];
      expect(await world.para(repo, start)).toMatchObject({ code: 0 });
      const commit = (name: string): string =>
        `echo ${name} >${name}; git add ${name}; git commit -qm ${name}`;
      const exec = ['docker', 'exec', 'both', '--', 'sh', '-ec', commit('inside')];
      expect(await world.para(repo, exec)).toMatchObject({ code: 0 });
      await world.out(['sh', '-ec', commit('outside')], { cwd: join(repo, '.para/worktrees/both') });
      expect(await world.para(repo, ['cancel', 'both'])).toMatchObject({ code: 0 });
      await world.out(['git', 'gc', '-q', '--prune=now'], { cwd: repo });
      const all = await world.out(['git', 'log', '--format=%s', '--glob=refs/para/archive/both'], {
        cwd: repo,
      });
      expect(all.split('\n')).toEqual(expect.arrayContaining(['inside', 'outside']));
    });
  },
);
