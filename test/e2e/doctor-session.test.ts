/** `para doctor --session`: what it says of boxes that hold, of one that does not, and that it leaves no trace. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { openBridges } from '../support/firewall.ts';
import { inBackground, makeWorld, printed, repoId, type World } from '../support/para.ts';

interface Row {
  readonly check: string;
  readonly verdict: string;
  readonly detail: string;
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('%s', (id, engine) => {
  let world: World;
  let repo: string;
  let closeBridges: () => void;
  const container = (session: string): string => `para-${repoId(repo)}-${session}`;
  const attack = async (session: string) => {
    const { code, stdout } = await world.para(repo, ['doctor', '--session', session, '--json']);
    const { checks, held } = JSON.parse(stdout) as { checks: Row[]; held: boolean };
    const by = (verdict: string) => checks.filter((row) => row.verdict === verdict);
    return { code, held, checks, by, rows: new Map(checks.map((row) => [row.check, row])) };
  };

  beforeAll(async () => {
    closeBridges = openBridges(engine, '10.213.0.0/16');
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
    for (const session of ['one', 'two'])
      expect(
        await world.para(repo, ['start', session, ...image, '--allow-domain', 'allowed.test']),
      ).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    closeBridges();
    await world.remove();
  });

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

  test('a restricted one holds, its neighbour is out of reach, and nothing stays of the trial', async () => {
    const names = async () =>
      (
        await world.engine(
          'ps',
          '-a',
          '--filter',
          `label=para.repo=${repoId(repo)}`,
          '--format',
          '{{.Names}}',
        )
      )
        .split('\n')
        .sort();
    const before = await names();
    const { code, rows, by } = await attack('one');
    expect(by('not held')).toEqual([]);
    for (const check of [
      ...['the network is closed', 'nothing of this machine is reached', 'nobody else is on its link'],
      ...['no other session is reached', 'no metadata service is reached', 'no name server answers'],
      ...['no address beyond is reached past the proxy', 'the proxy refuses what is not on the list'],
      ...['nobody speaks IPv6 on its link', 'this machine takes nothing from its network'],
    ])
      expect(rows.get(check)).toMatchObject({ verdict: 'held' });
    expect(code).toBe(0);
    expect(await names()).toEqual(before);
  });

  test('what it asks for is told, and entries are made of it', async () => {
    const ask = "printf 'CONNECT Wanted.test:8443 HTTP/1.1\\r\\n\\r\\n' | nc -w 5 para-proxy 3128";
    const following = inBackground(world, ['docker', 'network', 'log', 'one', '-f'], { cwd: repo });
    const told = printed(following, 'wanted.test:8443');
    const asked = await world.para(repo, ['docker', 'exec', 'one', '--', 'sh', '-c', ask]);
    await told;
    following.tell('SIGINT');
    expect((await following.ended).code).toBe(130);
    expect(asked.stdout).toContain('--allow-domain wanted.test:8443');
    const log = await world.para(repo, ['docker', 'network', 'log', 'one', '--denied']);
    expect(log.stdout).toMatch(/denied +CONNECT wanted\.test:8443 +not on the allow-list/);
    const learned = await world.para(repo, ['docker', 'network', 'learn', 'one', '--json']);
    expect(JSON.parse(learned.stdout)).toMatchObject({
      refused: [{ entry: 'wanted.test:8443', times: 1, preset: null }],
      flags: '--allow-domain wanted.test:8443',
    });
    const other = await world.para(repo, ['docker', 'network', 'log', 'shut']);
    expect(other.stderr).toContain('shut has no proxy: its network is not restricted');
  });

  test('a restricted one that somebody has put into another network does not hold', async () => {
    await world.engine('network', 'create', `${container('two')}-x`);
    await world.engine('network', 'connect', `${container('two')}-x`, container('one'));
    const { code, by } = await attack('one');
    await world.engine('network', 'disconnect', `${container('two')}-x`, container('one'));
    await world.engine('network', 'rm', `${container('two')}-x`);
    expect(by('not held')).toEqual([
      expect.objectContaining({
        check: 'the network is closed',
        detail: expect.stringContaining('is in the network'),
      }),
    ]);
    expect(code).toBe(1);
  });

  test('one that does not run', async () => {
    expect(await world.para(repo, ['docker', 'stop', 'shut'])).toMatchObject({ code: 0 });
    const { code, stderr } = await world.para(repo, ['doctor', '--session', 'shut']);
    expect(stderr).toContain('the container of shut is not running');
    expect(code).not.toBe(0);
  });
});
