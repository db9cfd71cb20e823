import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionRecord } from '../../src/sessions/store.ts';
import { Conversation, mount, WHICH, type Wanted } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, runPara, type EngineCall, type Ran, type RunOptions } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

/** All calls of a start with docker, image and network there. */
function calls(wanted: Wanted = {}): readonly EngineCall[] {
  const docker = new Conversation(repo);
  const image = docker.imageThere(wanted.image);
  const network = wanted.network === undefined ? [docker.networkThere()] : [];
  return [...detection('docker'), image, ...network, docker.create(wanted), docker.start()];
}

async function start(more: string, wanted: Wanted, options: RunOptions = {}): Promise<Ran> {
  const ran = await runPara(repo, `start fix --docker${more}`, { ...options, calls: calls(wanted) });
  expect(ran).toMatchObject({ code: 0 });
  return ran;
}

const record = (name = 'fix'): SessionRecord =>
  JSON.parse(readFileSync(join(repo.root, `.para/state/${name}.state`), 'utf8')) as SessionRecord;

describe.each(WHICH)('%s', (which) => {
  test('image and network absent: both are steps of their own', async () => {
    const talk = new Conversation(repo, which);
    const { code, stdout, stderr } = await runPara(repo, `start fix --docker --engine ${talk.engine}`, {
      calls: [
        ...detection(which),
        ...[talk.imageAbsent(), talk.pull()],
        ...[talk.networkAbsent(), talk.networkCreate()],
        ...[talk.create(), talk.start()],
      ],
    });
    const base = repo.run(['rev-parse', 'HEAD']);
    expect(stderr.split('\n')).toEqual([
      // Said before anything is made: the recorded rootless engine is on cgroup v1.
      ...(which === 'rootless' ? ['The engine does not enforce limits on memory, cpu, pids here'] : []),
      '✓ Recording the session',
      `✓ Creating the worktree: para/fix at ${base.slice(0, 10)}`,
      '✓ Getting the image: ubuntu:latest',
      `✓ Creating the network: ${talk.network}`,
      '✓ Preparing what the container sees',
      `✓ Creating the container: ${talk.container}`,
      '✓ Starting the container',
      '✓ Finishing up',
      '',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain(`container ${talk.container} (${talk.engine}, ubuntu:latest, default_image)`);
    expect(record()).toMatchObject({
      ...{ status: 'active', operation: null, branch: 'para/fix', base, base_ref: 'main' },
      container: { name: talk.container, engine: talk.engine, network: talk.network, git: 'sealed' },
    });
    expect(repo.run(['rev-parse', 'para/fix'])).toBe(base);
  });

  test('image and network there: nothing is pulled or made', async () => {
    const talk = new Conversation(repo, which);
    const { code, stderr } = await runPara(repo, ['start', 'fix', '-c', '--engine', talk.engine], {
      calls: [...detection(which), talk.imageThere(), talk.networkThere(), talk.create(), talk.start()],
    });
    expect(stderr).toContain(`✓ Creating the network: ${talk.network} is there`);
    expect(code).toBe(0);
  });

  test('a second session: what the engine can do is not asked again', async () => {
    const first = new Conversation(repo, which);
    const second = new Conversation(repo, which, 'other');
    const line = `--docker --engine ${first.engine}`;
    await runPara(repo, `start fix ${line}`, {
      calls: [...detection(which), first.imageThere(), first.networkThere(), first.create(), first.start()],
    });
    const { code } = await runPara(repo, `start other ${line}`, {
      calls: [second.imageThere(), second.networkThere(), second.create(), second.start()],
    });
    expect(code).toBe(0);
  });
});

describe('each flag', () => {
  test.each<[string, Wanted]>([
    [
      ' --env A=1 --env B=x=y --env EMPTY= --env GREETING --env ABSENT',
      { env: ['A=1', 'B=x=y', 'EMPTY=', 'GREETING=hello'] },
    ],
    [
      ' --port 80 --port 8080:80 --port 53/udp --port 0.0.0.0:8081:80 --port [::1]::80',
      {
        ports: [
          ...['127.0.0.1::80', '127.0.0.1:8080:80', '127.0.0.1::53/udp'],
          ...['0.0.0.0:8081:80', '[::1]::80'],
        ],
      },
    ],
    [
      ' --cpus 1.5 --memory 512m --image=host:5000/team/app:1',
      {
        image: 'host:5000/team/app:1',
        limits: ['--pids-limit', '512', '--memory', '536870912', '--cpus', '1.5'],
      },
    ],
    [' --docker-image node:22', { image: 'node:22' }],
  ])('%s', async (flags, wanted) => {
    await start(flags, wanted, { env: { GREETING: 'hello' } });
  });

  test('--env-file, and --env over it', async () => {
    repo.write('../settings.env', '# ours\nA=1\n\nB=from file\nGREETING\n');
    const wanted = { env: ['A=1', 'B=flag', 'GREETING=hello'] };
    await start(' --env-file ../settings.env --env B=flag', wanted, { env: { GREETING: 'hello' } });
  });

  test('--volume: expanded, resolved, with and without :ro', async () => {
    repo.write('../cache/x', '');
    repo.write('../home/my,data/x', '');
    const volumes = [
      ...mount(join(repo.base, 'cache'), '/cache', ',readonly'),
      ...mount(join(repo.base, 'home/my,data'), '/data'),
    ];
    await start(` --volume ${repo.base}/cache:/cache:ro --volume $HOME/my,data:/data`, { volumes });
  });

  test('--base HEAD: of the worktree it is typed in; without it, of the main checkout', async () => {
    const main = repo.run(['rev-parse', 'HEAD']);
    const linked = join(repo.base, 'linked');
    repo.run(['worktree', 'add', '-q', '-b', 'linked', linked]);
    repo.run(['commit', '-q', '--allow-empty', '-m', 'there'], { cwd: linked });
    const there = repo.run(['rev-parse', 'HEAD'], { cwd: linked });
    const begins = async (name: string, flags: string): Promise<string> => {
      expect(await runPara(repo, `start ${name}${flags}`, { cwd: linked })).toMatchObject({ code: 0 });
      return repo.run(['rev-parse', `para/${name}`]);
    };
    expect(await begins('one', ' --base HEAD')).toBe(there);
    expect(await begins('two', ' --base HEAD~')).toBe(main);
    expect(await begins('three', '')).toBe(main);
  });

  test('--base: branch and files begin there', async () => {
    const base = repo.run(['rev-parse', 'HEAD']);
    repo.write('later.txt', 'x');
    repo.run(['add', '.']);
    repo.run(['commit', '-qm', 'later']);
    await start(` --base ${base}`, {});
    expect(record()).toMatchObject({ base, base_ref: base });
    expect(existsSync(join(repo.root, '.para/worktrees/fix/later.txt'))).toBe(false);
  });

  test.each(['--memory 1g --memory 2g', '--image a --docker-image b', '--engine docker --engine podman'])(
    'given twice: %s',
    async (flags) => {
      const { code, stderr } = await runPara(repo, `start fix --docker ${flags}`);
      expect(stderr).toMatch(/--(memory|image|engine) may be given once/);
      expect(code).toBe(2);
    },
  );
});

describe('when nothing may change', () => {
  test('--dry-run: the engine is only asked what it is', async () => {
    const before = footprint(repo);
    const { code, stdout } = await runPara(repo, 'start fix --docker --dry-run', {
      calls: detection('docker'),
    });
    const { container } = new Conversation(repo);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Would start fix: branch para/fix, container ${container} from ubuntu:latest (default_image)\n`,
    });
    expect(footprint(repo)).toEqual(before);
  });

  test('--dry-run --json without a container', async () => {
    const before = footprint(repo);
    const { stdout, stderr } = await runPara(repo, 'start fix --dry-run --json');
    const plan = { name: 'fix', branch: 'para/fix', container: null };
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, ok: true, dry_run: true, plan });
    expect(stderr).toBe('');
    expect(footprint(repo)).toEqual(before);
  });
});

test('--json: one document, nothing on stderr', async () => {
  const { stdout, stderr } = await start(' --json', {});
  const { container, network } = new Conversation(repo);
  expect(stderr).toBe('');
  expect(stdout.trimEnd()).not.toContain('\n');
  expect(JSON.parse(stdout)).toEqual({
    schema: 1,
    ok: true,
    session: {
      name: 'fix',
      branch: 'para/fix',
      base: repo.run(['rev-parse', 'HEAD']),
      worktree: join(repo.root, '.para/worktrees/fix'),
      container: {
        ...{ name: container, engine: 'docker', endpoint: 'local', network },
        binary: expect.stringMatching(/fixtures\/bin\/docker$/) as unknown,
        ...{ image: 'ubuntu:latest', image_source: 'default_image', hardening: 'default', git: 'sealed' },
      },
    },
  });
});

test('without a name: a readable one, that the answer names', async () => {
  const { code, stdout } = await runPara(repo, 'start --json');
  const { session } = JSON.parse(stdout) as { session: { name: string } };
  expect(code).toBe(0);
  expect(session.name).toMatch(/^[a-z]+-[a-z]+$/);
  expect(record(session.name)).toMatchObject({ status: 'active', container: null });
});
