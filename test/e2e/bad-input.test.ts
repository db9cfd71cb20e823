/** Bad input: one clear sentence, the exit code of the README, and nothing made. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { blobs, committedBlobs, mainCheckout, sessionTraces } from '../support/look.ts';
import { makeWorld, type Ended, type World } from '../support/para.ts';

let world: World;
let repo: string;
const sh = (script: string, cwd = repo): Promise<string> => world.out(['sh', '-ec', script], { cwd });

beforeAll(async () => {
  world = makeWorld();
  repo = await world.repo();
  await sh('git branch para/taken; printf "A=1\\nB C=2\\n" >bad.env; echo x >x; git add x; echo y >>a.txt');
});
afterAll(() => world.remove());

/** Runs it twice, with --json and without: the same code, one document, and nothing is different afterwards. */
async function refuses(args: readonly string[], code: number): Promise<string> {
  // The file itself, as people run it: its first lines keep node from reading the flags.
  const para = (words: readonly string[]): Promise<Ended> =>
    world.run([world.binary, ...words], { cwd: repo });
  const before = [await mainCheckout(world, repo), await sessionTraces(world, repo)];
  const json = await para([...args, '--json']);
  expect(json).toMatchObject({ code });
  const document = JSON.parse(json.stdout) as { ok: boolean; error: { code: string; message: string } };
  expect(document).toMatchObject({ schema: 1, ok: false });
  expect(document.error.message).toMatch(/^[^\n]{5,400}$/);
  const plain = await para(args);
  expect(plain).toMatchObject({ code, stdout: '' });
  expect(plain.stderr).toContain(document.error.message);
  expect([await mainCheckout(world, repo), await sessionTraces(world, repo)]).toEqual(before);
  return document.error.code;
}

test.each([
  '../x',
  'UPPER',
  'a'.repeat(41),
  '',
  'con',
  'a/b',
  'a b',
  'a.lock',
  'a--b',
  'ü',
  '.',
  'HEAD',
  'a\nb',
  '$(id)',
])('the session name %j is refused', async (name) => {
  expect(await refuses(['start', name], 2)).toBe('NAME_INVALID');
});

test('a session name that looks like a flag is refused', async () => {
  expect(await refuses(['start', '-x'], 2)).toBe('USAGE');
});

test('a branch that exists is not taken over', async () => {
  expect(await refuses(['start', 'taken'], 1)).toBe('SESSION_EXISTS');
});

test.each([
  [['--port', '0']],
  [['--port', '65536']],
  [['--port', '80:x']],
  [['--port', '1.2.3:80:80']],
  [['--port', '-1']],
  [['--env', '1A=x']],
  [['--env', 'A B=x']],
  [['--env', '=x']],
  [['--env-file', 'nowhere.env']],
  [['--env-file', 'bad.env']],
  [['--volume', '/tmp']],
  [['--volume', 'a:b']],
  [['--volume', '']],
  [['--memory', '4 apples']],
  [['--memory', '-1']],
  [['--cpus', 'many']],
  [['--cpus', '0']],
  [['--cpus', '-1']],
  [['--image', '-v/etc:/h']],
  [['--image=-v/etc:/h']],
  [['--image', 'UPPER/x']],
  [['--image', 'a b']],
  [['--image', '']],
  [['--image', 'x:bad tag']],
  [['--image', 'x@sha256:12']],
  [['--engine', 'lxc']],
  [['--no-such-flag']],
  [['second-name']],
])('a container is not started with %j', async (flags) => {
  expect(await refuses(['start', 'fresh', '--docker', ...flags], 2)).toBe('USAGE');
});

test.each([['no-such-branch'], ['-x'], ['--upload-pack=touch x'], ['HEAD:a.txt'], ['']])(
  'the base %j is refused',
  async (base) => {
    expect(await refuses(['start', 'fresh', `--base=${base}`], 2)).toBe('NAME_INVALID');
  },
);

test.each([
  [[], 2],
  [['nonsense'], 2],
  [['docker'], 2],
  [['finish'], 2],
  [['finish', '', 'x'], 2],
  [['finish', 'Message', 'nope'], 3],
  [['finish', 'Message'], 3],
  [['docker', 'exec', 'nope', '--', 'ls'], 3],
  [['docker', 'stop', 'nope'], 3],
])('para %j ends with %d', async (args, code) => {
  // What follows the two dashes is the command's, not para's.
  const own = args.includes('--') ? ['--json', ...args] : [...args, '--json'];
  const ended = await world.para(repo, own);
  expect(ended).toMatchObject({ code });
  expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false });
});

describe('unusual repositories', () => {
  const work = async (cwd: string, name: string): Promise<void> => {
    const started = await world.para(cwd, ['start', name, '--json']);
    expect(started).toMatchObject({ code: 0 });
    const { session } = JSON.parse(started.stdout) as { session: { worktree: string; branch: string } };
    await sh('echo new >new.txt', session.worktree);
    const held = blobs(session.worktree);
    expect(await world.para(session.worktree, ['finish', 'Work'])).toMatchObject({ code: 0 });
    expect(await committedBlobs(world, cwd, session.branch)).toEqual(held);
    expect(existsSync(session.worktree)).toBe(false);
  };
  const says = async (cwd: string, args: string[], code: number): Promise<Ended> => {
    const ended = await world.para(cwd, args);
    expect(ended).toMatchObject({ code, stdout: '' });
    return ended;
  };

  test('one without commits says that it has none', async () => {
    const root = join(world.dir, 'work', 'empty');
    await world.out(['git', 'init', '-q', root]);
    expect((await says(root, ['start', 'a'], 4)).stderr).toMatch(/commit/);
    expect(existsSync(join(root, '.para', 'worktrees'))).toBe(false);
    expect(await sh('git status --porcelain; git branch -a; git worktree list | wc -l', root)).toBe('1');
  });

  test('a bare one, and no repository at all, are refused', async () => {
    const root = join(world.dir, 'work', 'bare.git');
    await world.out(['git', 'clone', '-q', '--bare', repo, root]);
    expect((await says(root, ['start', 'a'], 4)).stderr).toContain('bare');
    expect(existsSync(join(root, '.para'))).toBe(false);
    await says(join(world.dir, 'home'), ['start', 'a'], 4);
    await says(join(world.dir, 'home'), ['list'], 4);
  });

  test('from a sub-directory, the main checkout is meant', async () => {
    const root = await world.repo('sub');
    const before = await mainCheckout(world, root);
    await work(join(root, 'd'), 'from-sub');
    expect(existsSync(join(root, 'd', '.para'))).toBe(false);
    expect(await mainCheckout(world, root)).toEqual(before);
  });

  test('from a worktree in a session, the main checkout is meant', async () => {
    const root = await world.repo('nested');
    await world.para(root, ['start', 'outer']);
    const outer = join(root, '.para/worktrees/outer');
    await sh('git worktree add -q -b mine inner', outer);
    await work(join(outer, 'inner', 'd'), 'nested');
    expect(existsSync(join(outer, '.para'))).toBe(false);
    expect(await sh('git branch --list "para/*" --format="%(refname:short)"', root)).toBe(
      'para/nested\npara/outer',
    );
  });

  test('in a submodule, the submodule is the repository', async () => {
    const root = await world.repo('super');
    await sh(
      `git -c protocol.file.allow=always submodule --quiet add '${repo}' mod && git commit -qm sub`,
      root,
    );
    const before = await mainCheckout(world, root);
    await work(join(root, 'mod'), 'in-sub');
    expect(await sh('git branch --list "para/*" | wc -l', root)).toBe('0');
    expect(await mainCheckout(world, root)).toEqual(before);
  });

  test.each(['with space', 'a,b', 'a"b', "it's", 'a:b', '日本 ü', '-dash', '$HOME', 'a\\b', '[x]*?'])(
    'a path that holds %j works',
    async (name) => {
      const root = await world.repo(`odd ${name}/${name}`);
      const before = await mainCheckout(world, root);
      await work(root, 'odd');
      expect(await mainCheckout(world, root)).toEqual(before);
      expect(realpathSync(root)).toBe(root);
    },
  );

  test('a detached HEAD and a dirty main checkout work, and stay as they are', async () => {
    const root = await world.repo('detached');
    await sh(
      'git checkout -q --detach; echo x >x; git add x; echo y >>a.txt; rm d/b.txt; chmod +x a.txt',
      root,
    );
    const before = await mainCheckout(world, root);
    await work(root, 'detached');
    expect(await mainCheckout(world, root)).toEqual(before);
  });
});
