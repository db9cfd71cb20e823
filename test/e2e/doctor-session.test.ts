/** `para doctor --session`: what it says of boxes that hold, of one that does not, and that it leaves no trace. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, repoId, type World } from '../support/para.ts';

interface Row {
  readonly check: string;
  readonly verdict: string;
  readonly detail: string;
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('%s', (id, engine) => {
  let world: World;
  let repo: string;
  const container = (session: string): string => `para-${repoId(repo)}-${session}`;
  const attack = async (session: string) => {
    const { code, stdout } = await world.para(repo, ['doctor', '--session', session, '--json']);
    const { checks, held } = JSON.parse(stdout) as { checks: Row[]; held: boolean };
    const by = (verdict: string) => checks.filter((row) => row.verdict === verdict);
    return { code, held, checks, by, rows: new Map(checks.map((row) => [row.check, row])) };
  };

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    const file = join(world.dir, 'strict.json');
    writeFileSync(file, JSON.stringify({ docker: { hardening: 'strict', network: { mode: 'none' } } }));
    const image = ['--docker', '--image', testImages().busybox];
    for (const [session, env] of [
      ['open', {}],
      ['shut', { PARA_CONFIG_PATH: file }],
    ] as const)
      expect(await world.para(repo, ['start', session, ...image], { env })).toMatchObject({ code: 0 });
  });
  afterAll(() => world.remove());

  test('a strict box without network holds in everything that the engine can hold it to', async () => {
    const { code, held, by } = await attack('shut');
    expect(by('not held')).toEqual([]);
    const limits = id === 'rootless' ? ['memory', 'cpu', 'pids'] : [];
    expect(by('not applicable').map(({ check }) => check)).toEqual(
      limits.map((name) => `the limit on ${name} holds`),
    );
    expect([code, held]).toEqual([0, true]);
  });

  test('an ordinary one says what is not promised of it, and nothing of it is changed by the attack', async () => {
    const look = async () => [
      await world.out(['git', 'status', '--porcelain', '--ignored'], {
        cwd: join(repo, '.para/worktrees/open'),
      }),
      await world.out(['sh', '-c', 'find .git .para -type f ! -name "*.lock" | sort'], { cwd: repo }),
      ...(engine.engine === 'docker'
        ? [(await world.engine('diff', container('open'))).split('\n').sort()]
        : []),
    ];
    const before = await look();
    const { code, by } = await attack('open');
    expect(by('not held')).toEqual([]);
    const open = by('not applicable').map(({ check }) => check);
    expect(open).toEqual(expect.arrayContaining(['the root is read-only', 'the network is closed']));
    expect(code).toBe(0);
    expect(await look()).toEqual(before);
  });

  test('one that somebody has made anew by hand does not hold, and each hole is named', async () => {
    const common = join(repo, '.git');
    await world.engine('rm', '-f', container('open'));
    await world.engine(
      ...['run', '-d', '--name', container('open'), '--user', '0:0', '--cap-add', 'SYS_ADMIN'],
      ...['--security-opt', 'seccomp=unconfined', '--pid', 'host', '--mount'],
      ...[`type=bind,source=${common},target=${common}`, '--workdir', '/'],
      ...[
        '--mount',
        `type=bind,source=${join(repo, '.para/worktrees')},target=${join(repo, '.para/worktrees')}`,
      ],
      ...['--mount', `type=bind,source=${repo},target=/workspace`],
      ...[testImages().busybox, 'sleep', '1000'],
    );
    const hooks = readFileSync(join(common, 'HEAD'), 'utf8');
    const { code, held, by } = await attack('open');
    expect(by('not held').map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        ...['no capabilities', 'no new privileges', 'system calls are filtered', 'namespaces of its own'],
        ...['no hook of git can be written', 'no setting of git can be written'],
        ...['no ref or object of the repository can be written', 'nothing of another session is there'],
      ]),
    );
    expect([code, held]).toEqual([1, false]);
    // What could be done was not done.
    expect(readFileSync(join(common, 'HEAD'), 'utf8')).toBe(hooks);
    expect(await world.out(['sh', '-c', 'find . -name "para-doctor*"'], { cwd: repo })).toBe('');
    const { stdout } = await world.para(repo, ['doctor', '--session', 'open']);
    expect(stdout).toMatch(/✗ no capabilities: NOT HELD, CapPrm of the exec process is [0-9a-f]{16}/);
    expect(stdout).toContain('The box of open does NOT hold');
    expect(existsSync(join(common, 'hooks'))).toBe(true);
    await world.engine('rm', '-f', container('open'));
  });

  test('one that does not run', async () => {
    expect(await world.para(repo, ['docker', 'stop', 'shut'])).toMatchObject({ code: 0 });
    const { code, stderr } = await world.para(repo, ['doctor', '--session', 'shut']);
    expect(stderr).toContain('the container of shut is not running');
    expect(code).not.toBe(0);
  });
});
