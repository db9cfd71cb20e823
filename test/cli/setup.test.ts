import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conversation, WHICH } from '../support/conversation.ts';
import { detection, runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const worktree = (name = ''): string => join(repo.root, '.para/worktrees/fix', name);
const log = (): string => readFileSync(join(repo.root, '.para/state/docker/fix/logs/setup.log'), 'utf8');
function allow(roots: readonly string[]): void {
  const home = join(repo.env['HOME'] ?? '', '.config/para');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'config.json'), JSON.stringify({ session: { setup_allowed: roots } }));
}

describe('on this machine', () => {
  const SCRIPT = 'echo "ready $PARA_SESSION $PARA_WORKSPACE in $PWD"; echo warn >&2; touch made\n';

  test.each([
    ['without a first line for the kernel', SCRIPT],
    ['for sh', `#!/bin/sh\n${SCRIPT}`],
  ])('a script that was named runs in the worktree: %s', async (_what, script) => {
    repo.write('tools/setup', script);
    const { code, stderr } = await runPara(repo, ['start', 'fix', '--setup-script', 'setup'], {
      cwd: join(repo.root, 'tools'),
    });
    expect(code).toBe(0);
    expect(stderr).toContain('✓ Running the setup script: setup\n');
    expect(log()).toBe(`ready fix ${worktree()} in ${worktree()}\nwarn\n`);
    expect(existsSync(worktree('made'))).toBe(true);
  });

  test.each(['.para/setup-worktree.sh', '.para/setup.sh'])(
    'the repository’s own %s is not run, which is said, unless the user allows it',
    async (path) => {
      repo.write(path, SCRIPT);
      const ran = await runPara(repo, 'start fix');
      expect(ran.code).toBe(0);
      expect(ran.stderr).toContain(
        `▲ ${path} is not run: a repository's script runs on this machine only if`,
      );
      expect(ran.stderr).toContain('as it is, always: para docker trust)');
      expect(existsSync(worktree('made'))).toBe(false);
      allow(['/elsewhere', repo.root]);
      expect(await runPara(repo, 'start two')).toMatchObject({ code: 0 });
      expect(existsSync(join(repo.root, '.para/worktrees/two/made'))).toBe(true);
    },
  );

  test('a project can not allow itself', async () => {
    repo.write('.para/setup.sh', SCRIPT);
    repo.write('.para/config.json', JSON.stringify({ session: { setup_allowed: [repo.root] } }));
    const ran = await runPara(repo, 'start fix');
    expect(ran).toMatchObject({ code: 5, stdout: '' });
    expect(ran.stderr).toContain('session.setup_allowed: a project may not set this');
  });

  test('the first of its places wins; the one for containers does not count', async () => {
    allow([repo.root]);
    repo.write('.para/setup-docker.sh', 'echo docker');
    repo.write('.para/setup.sh', 'echo common');
    await runPara(repo, 'start fix');
    expect(log()).toBe('common\n');
    repo.write('.para/setup-worktree.sh', 'echo worktree');
    const { stdout } = await runPara(repo, 'start two --dry-run --json');
    expect(JSON.parse(stdout)).toMatchObject({ setup_script: '.para/setup-worktree.sh' });
  });

  test('a link in its place is not followed', async () => {
    allow([repo.root]);
    writeFileSync(join(repo.base, 'other'), SCRIPT);
    mkdirSync(join(repo.root, '.para'));
    symlinkSync(join(repo.base, 'other'), join(repo.root, '.para/setup.sh'));
    const { stdout } = await runPara(repo, 'start fix --dry-run --json');
    expect(JSON.parse(stdout)).toMatchObject({ setup_script: null });
  });

  test('it fails: its last lines are shown, and nothing is left of the start', async () => {
    repo.write(
      'setup',
      'touch made; i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo "line $i"; done; exit 7',
    );
    const { code, stdout, stderr } = await runPara(repo, 'start fix --setup-script setup');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('✗ the setup script setup ended with exit code 7\n');
    expect(stderr).toContain('line 26');
    expect(stderr).toContain('line 40');
    expect(stderr).not.toContain('line 25');
    expect(existsSync(worktree())).toBe(false);
    expect(existsSync(join(repo.root, '.para/state/docker/fix'))).toBe(false);
    expect(repo.run(['branch', '--list', 'para/*'])).toBe('');
  });

  test.each([
    ['nope', 'no such file'],
    ['.', 'not a regular file'],
  ])('--setup-script %s: 2, before anything is made', async (path, says) => {
    const ran = await runPara(repo, ['start', 'fix', '--setup-script', path]);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(`--setup-script ${path} can not be read: ${says}`);
    expect(existsSync(worktree())).toBe(false);
  });
});

describe.each(WHICH)('in a container of %s', (which) => {
  const starting = (talk: Conversation, ran: Partial<EngineCall>): readonly EngineCall[] => [
    ...[...detection(which), talk.imageThere(), talk.networkThere(), talk.create(), talk.start()],
    {
      argv: [
        ...([talk.engine, 'exec', '-w', '/workspace', '--', talk.container, 'sh', '-c', RUN_IT] as const),
        ...['sh', '/run/para/cmd/setup.sh'],
      ],
      ...ran,
    },
  ];
  const RUN_IT =
    'exec 2>&1; trap "trap \\"\\" TERM; kill 0" TERM; case $(head -c 2 "$1") in "#!") "$1" & ;; *) if command -v bash >/dev/null 2>&1; then bash "$1" & else sh "$1" & fi ;; esac; wait $!';

  test.each(['.para/setup-docker.sh', '.para/setup.sh'])('the repository’s own %s runs', async (path) => {
    repo.write(path, 'echo hi');
    const talk = new Conversation(repo, which);
    const { code, stderr } = await runPara(repo, `start fix -c --engine ${talk.engine}`, {
      calls: starting(talk, { stdout: 'hi\n' }),
    });
    expect(code).toBe(0);
    expect(stderr).toContain(`✓ Running the setup script: ${path}\n✓ Finishing up`);
    expect(log()).toBe('hi\n');
    const script = join(repo.root, '.para/state/docker/fix/cmd/setup.sh');
    expect(readFileSync(script, 'utf8')).toBe('echo hi');
    expect(statSync(script).mode & 0o777).toBe(0o700);
  });

  test('it fails: the container goes too', async () => {
    repo.write('.para/setup.sh', '');
    const talk = new Conversation(repo, which);
    const { code, stderr } = await runPara(repo, `start fix -c --engine ${talk.engine}`, {
      calls: [...starting(talk, { exitCode: 3, stdout: 'no space\n' }), talk.remove()],
    });
    expect(code).toBe(1);
    expect(stderr).toContain('no space');
    expect(existsSync(worktree())).toBe(false);
  });
});
