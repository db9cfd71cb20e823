/** What somebody removed, moved or renamed by hand: `list` has a word for it, the command it names mends it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engineTraces } from '../support/look.ts';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';

interface Row {
  /** What is done by hand, in the repository; `$S` is the session, `$E` the engine, `$C` the container. */
  readonly script: string;
  readonly status: string;
  /** What is in no commit is gone with the directory. */
  readonly filesGone?: true;
  /** `finish` takes it as it is. */
  readonly finishes?: true;
  /** `docker exec` works, or says what to do. */
  readonly exec: 'works' | 'refused';
}

const ROWS: Readonly<Record<string, Row>> = {
  'the worktree removed': {
    ...{ script: 'rm -rf .para/worktrees/$S', status: 'worktree missing', exec: 'refused' },
    ...{ filesGone: true, finishes: true },
  },
  'the worktree removed and pruned': {
    ...{ script: 'rm -rf .para/worktrees/$S; git worktree prune', status: 'worktree missing' },
    ...{ exec: 'refused', filesGone: true, finishes: true },
  },
  'the worktree moved': {
    ...{ script: 'mv .para/worktrees/$S .para/worktrees/other-$S', status: 'worktree moved' },
    exec: 'refused',
  },
  'the worktree moved with git': {
    ...{ script: 'git worktree move .para/worktrees/$S ../elsewhere-$S', status: 'worktree moved' },
    exec: 'refused',
  },
  'the admin directory removed': {
    ...{ script: 'rm -rf "$(git -C .para/worktrees/$S rev-parse --absolute-git-dir)"' },
    ...{ status: 'not registered', exec: 'works' },
  },
  'the branch removed': {
    ...{ script: 'git update-ref -d refs/heads/para/$S', status: 'branch missing', exec: 'works' },
    finishes: true,
  },
  'the branch renamed': {
    ...{ script: 'git branch -m para/$S mine-$S', status: 'branch renamed', exec: 'works' },
    finishes: true,
  },
  'the record removed': {
    ...{ script: 'rm .para/state/$S.state*', status: 'record missing', exec: 'works', finishes: true },
  },
  'the record torn': {
    ...{ script: 'rm .para/state/$S.state.prev; echo "{" >.para/state/$S.state' },
    ...{ status: 'record unreadable', exec: 'works', finishes: true },
  },
  'the container removed': {
    ...{ script: '$E rm -f $C >/dev/null', status: 'active', exec: 'refused', finishes: true },
  },
};

/** Without a container nothing is mounted over it. */
const POINTERS: Readonly<Record<string, Row>> = {
  'the .git file removed': {
    ...{ script: 'rm .para/worktrees/$S/.git', status: 'no .git file', exec: 'works', finishes: true },
  },
  'the .git file replaced by a repository': {
    ...{ script: 'rm .para/worktrees/$S/.git; git init -q .para/worktrees/$S' },
    ...{ status: 'no .git file', exec: 'works', finishes: true },
  },
};

interface Listed {
  readonly name: string;
  readonly status: string;
  readonly container: string | null;
  readonly settle: string | null;
}

describe.each(
  testEngines()
    .slice(0, 2)
    .map((engine) => [engine.id, engine] as const),
)('by hand on %s', (id, engine) => {
  let world: World;
  let repo: string;
  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
  });
  afterAll(() => world.remove());

  const worktree = (session: string): string => join(repo, '.para/worktrees', session);
  const sh = (session: string, script: string, cwd = repo): Promise<string> =>
    world.out(['sh', '-ec', script], {
      cwd,
      env: { S: session, E: engine.engine, C: `para-${repoId(repo)}-${session}` },
    });
  const listed = async (session: string): Promise<Listed | undefined> => {
    const { stdout } = await world.para(repo, ['list', '--json']);
    return (JSON.parse(stdout) as { sessions: Listed[] }).sessions.find(({ name }) => name === session);
  };
  const exec = (session: string, ...argv: string[]): Promise<Ended> =>
    world.para(repo, ['docker', 'exec', session, '--', ...argv]);

  /** A session with a commit of the host, one of the container, and a file that is in neither. */
  async function begin(session: string, boxed: boolean): Promise<void> {
    const more = boxed ? ['--docker', '--image', testImages().base] : [];
    expect(await world.para(repo, ['start', session, ...more])).toMatchObject({ code: 0 });
    const commit = 'echo in >in.txt; git add in.txt; git commit -qm inside';
    if (boxed) expect(await exec(session, 'sh', '-ec', commit)).toMatchObject({ code: 0 });
    else await sh(session, commit, worktree(session));
    await sh(session, 'echo loose >loose.txt', worktree(session));
  }

  /** The branch has all that was committed, and what was not if it could be saved. */
  async function finished(session: string, filesGone: boolean): Promise<void> {
    const ended = await world.para(repo, ['finish', 'All of it', session]);
    expect({ ...ended, stderr: ended.code === 0 ? '' : ended.stderr }).toMatchObject({ code: 0, stderr: '' });
    expect(await sh(session, 'git show para/$S:in.txt')).toBe('in');
    if (!filesGone) expect(await sh(session, 'git show para/$S:loose.txt')).toBe('loose');
    expect(existsSync(worktree(session))).toBe(false);
  }

  const names = Object.keys(id === testEngines()[0]?.id ? { ...ROWS, ...POINTERS } : ROWS).filter(
    (name) => id === testEngines()[0]?.id || name.startsWith('the container'),
  );
  test.each(names.map((name, index) => [name, index] as const))('%s', async (name, index) => {
    const row = { ...ROWS, ...POINTERS }[name];
    if (row === undefined) throw new Error(name);
    const boxed = name in ROWS;
    const [mend, end] = [`m${String(index)}`, `e${String(index)}`];
    for (const session of [mend, end]) {
      await begin(session, boxed);
      await sh(session, row.script);
      expect(await listed(session)).toMatchObject({
        ...{ status: row.status, settle: `para recover ${session}` },
        ...(row.status === 'active' ? { container: 'missing' } : {}),
      });
      const again = await world.para(repo, ['start', session]);
      expect({ code: again.code === 0, stderr: again.stderr }).toEqual({
        ...{ code: false, stderr: expect.stringContaining(session) },
      });
    }
    if (boxed) {
      const ran = await exec(mend, 'true');
      expect({ code: ran.code, named: ran.stderr.includes(`para recover ${mend}`) }).toEqual(
        row.exec === 'works' ? { code: 0, named: false } : { code: 125, named: true },
      );
    }

    // The command that was named, typed.
    expect(await world.para(repo, ['recover', mend])).toMatchObject({ code: 0 });
    expect(await listed(mend)).toMatchObject({
      ...{ status: 'active', settle: null, container: boxed ? 'running' : null },
    });
    expect(await sh(mend, 'git status --porcelain', worktree(mend))).toContain(
      row.filesGone === true ? '' : '?? loose.txt',
    );
    if (boxed) expect((await exec(mend, 'git', 'log', '-1', '--format=%s')).stdout).toBe('inside\n');
    expect(JSON.parse((await world.para(repo, ['recover', mend, '--json'])).stdout)).toMatchObject({
      session: { name: mend, mended: [] },
    });
    await finished(mend, row.filesGone === true);

    if (row.finishes !== true) {
      const refused = await world.para(repo, ['finish', 'All of it', end]);
      expect(refused).toMatchObject({ code: 10, stderr: expect.stringContaining(`para recover ${end}`) });
      const cancelled = await world.para(repo, ['cancel', end]);
      expect(cancelled).toMatchObject({ code: 10, stderr: expect.stringContaining(`para recover ${end}`) });
      expect(await world.para(repo, ['recover', end])).toMatchObject({ code: 0 });
    }
    await finished(end, row.filesGone === true);
    const traces = await engineTraces(world, repo);
    expect(traces.filter((trace) => trace.endsWith(mend) || trace.endsWith(end))).toEqual([]);
  });
});

const [first] = testEngines();

describe('all of it', () => {
  let world: World;
  beforeAll(() => {
    world = makeWorld(first);
  });
  afterAll(() => world.remove());
  const image = (): string => testImages().base;

  test('.para/state removed: list, exec, recover and finish work', async () => {
    const repo = await world.repo('stateless');
    expect(await world.para(repo, ['start', 'box', '--docker', '--image', image()])).toMatchObject({
      code: 0,
    });
    expect(await world.para(repo, ['start', 'bare'])).toMatchObject({ code: 0 });
    const script = 'echo c >c.txt; git add .; git commit -qm c; echo d >d.txt';
    await world.out(['sh', '-ec', script], { cwd: join(repo, '.para/worktrees/bare') });
    await world.out(['sh', '-ec', 'echo e >e.txt'], { cwd: join(repo, '.para/worktrees/box') });
    await world.out(['rm', '-rf', join(repo, '.para/state')]);
    const { stdout } = await world.para(repo, ['list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      sessions: [
        { name: 'bare', status: 'record missing', branch: 'para/bare', settle: 'para recover bare' },
        { name: 'box', status: 'record missing', container: 'running', settle: 'para recover box' },
      ],
    });
    expect(await world.para(repo, ['docker', 'exec', 'box', '--', 'cat', 'e.txt'])).toMatchObject({
      ...{ code: 0, stdout: 'e\n' },
    });
    expect(await world.para(repo, ['recover', 'box'])).toMatchObject({ code: 0 });
    for (const session of ['box', 'bare'])
      expect(await world.para(repo, ['finish', 'Work', session])).toMatchObject({ code: 0 });
    expect(await world.out(['git', 'show', 'para/bare:d.txt', 'para/box:e.txt'], { cwd: repo })).toBe('d\ne');
    expect(await engineTraces(world, repo)).toEqual([]);
  });

  test('the repository moved', async () => {
    const old = await world.repo('before');
    expect(await world.para(old, ['start', 'box', '--docker', '--image', image()])).toMatchObject({
      code: 0,
    });
    const commit = 'echo in >in.txt; git add in.txt; git commit -qm inside; echo loose >loose.txt';
    const made = await world.para(old, ['docker', 'exec', 'box', '--', 'sh', '-ec', commit]);
    expect(made).toMatchObject({ code: 0 });
    const repo = join(old, '../after');
    await world.out(['mv', old, repo]);
    await world.out(['mkdir', '-p', old]);
    const { stdout } = await world.para(repo, ['list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      sessions: [{ name: 'box', status: 'repository moved', settle: 'para recover box' }],
    });
    expect(await world.para(repo, ['recover', 'box'])).toMatchObject({ code: 0 });
    const subject = ['docker', 'exec', 'box', '--', 'git', 'log', '-1', '--format=%s'];
    expect(await world.para(repo, subject)).toMatchObject({ code: 0, stdout: 'inside\n' });
    expect(await world.para(repo, ['finish', 'Work', 'box'])).toMatchObject({ code: 0 });
    expect(await world.out(['git', 'show', 'para/box:in.txt', 'para/box:loose.txt'], { cwd: repo })).toBe(
      'in\nloose',
    );
    expect(await engineTraces(world, repo)).toEqual([]);
    const left = await world.engine('ps', '-aq', '--filter', 'name=^para-.*-box$');
    expect(left).toBe('');
  });

  test('sessions of the Rust para are taken over', async () => {
    const repo = await world.repo('upstream');
    const script = `git worktree add -q -b para/old .para/worktrees/old; mkdir -p .para/state
    printf '{"name":"old","branch":"para/old","worktree_path":"%s","created_at":"2025-01-02T03:04:05Z","status":"Active","task_description":null,"last_activity":null,"git_stats":null,"session_type":"Worktree","parent_branch":"main"}' "$PWD/.para/worktrees/old" >.para/state/old.state
    echo work >.para/worktrees/old/work.txt`;
    await world.out(['sh', '-ec', script], { cwd: repo });
    const { stdout } = await world.para(repo, ['list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      sessions: [
        { name: 'old', branch: 'para/old', base_ref: 'main', created_at: '2025-01-02T03:04:05.000Z' },
      ],
    });
    expect(await world.para(repo, ['recover', 'old'])).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(join(repo, '.para/state/old.state'), 'utf8'))).toMatchObject({
      ...{ schema: 1, status: 'active' },
    });
    expect(await world.para(repo, ['finish', 'Work', 'old'])).toMatchObject({ code: 0 });
    expect(await world.out(['git', 'show', 'para/old:work.txt'], { cwd: repo })).toBe('work');
  });
});
