import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Conversation, started } from '../support/conversation.ts';
import { runPara, type EngineCall, type Ran, type RunOptions } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let docker: Conversation;

beforeAll(async () => {
  repo = tempRepo();
  docker = await started(repo, 'docker');
  await runPara(repo, 'start bare');
  await runPara(repo, 'start finished');
  await runPara(repo, ['finish', 'Done', 'finished']);
});
afterAll(() => {
  repo.remove();
});
beforeEach(() => {
  terminal(false, false);
});

function terminal(stdin: boolean, stdout: boolean): void {
  Object.defineProperty(process.stdin, 'isTTY', { value: stdin, configurable: true });
  Object.defineProperty(process.stdout, 'isTTY', { value: stdout, configurable: true });
}

interface Exec {
  readonly tty?: readonly string[];
  readonly workdir?: string;
  readonly term?: readonly string[];
  readonly exitCode?: number;
}

/** The one call that runs the command. */
function exec(
  argv: readonly string[],
  { tty = [], workdir, term = [], exitCode = 0 }: Exec = {},
): EngineCall {
  return {
    argv: [
      ...(['docker', 'exec', '-i'] as const),
      ...[...tty, '-w', workdir ?? '/workspace'],
      ...['-e', 'PARA_SESSION=fix', '-e', 'PARA_WORKSPACE=/workspace', '-e', 'PARA_EXEC_ID=UUID', ...term],
      ...['--', docker.container, ...argv],
    ],
    exitCode,
  };
}

/** para's own look for a command that the engine says it can not run. */
const look = (command: string, exitCode: number): EngineCall => ({
  argv: [
    ...(['docker', 'exec', '--', docker.container] as const),
    ...['sh', '-c', 'command -v -- "$1" || test -e "$1"', 'sh', command],
  ],
  exitCode,
});

const para = (
  argv: readonly string[],
  calls: readonly EngineCall[],
  options: RunOptions = {},
): Promise<Ran> => runPara(repo, ['docker', 'exec', ...argv], { ...options, calls });

describe('all is well', () => {
  test('one engine call, argv untouched, nothing said', async () => {
    const argv = ['printf', '%s\n', 'a b', '', '--', '-x', "it's", '"', 'new\nline', 'ünï', '$HOME', '*'];
    expect(await para(['fix', '--', ...argv], [exec(argv)])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('flags after -- are the command’s own', async () => {
    expect((await para(['fix', '--', 'x', '--help', '--json'], [exec(['x', '--help', '--json'])])).code).toBe(
      0,
    );
  });

  test('in the worktree: no name needed, and the same sub-directory', async () => {
    const cwd = join(docker.worktree, 'dir');
    expect((await para(['--', 'pwd'], [exec(['pwd'], { workdir: '/workspace/dir' })], { cwd })).code).toBe(0);
  });

  test('a terminal on both ends: -t and TERM', async () => {
    terminal(true, true);
    const env = { TERM: 'xterm-256color' };
    const call = exec(['sh'], { tty: ['-t'], term: ['-e', 'TERM=xterm-256color'] });
    expect((await para(['fix', '--', 'sh'], [call], { env })).code).toBe(0);
  });

  test.each([
    [true, false],
    [false, true],
  ])('a terminal on one end only (stdin %s, stdout %s): none inside', async (stdin, stdout) => {
    terminal(stdin, stdout);
    expect((await para(['fix', '--', 'sh'], [exec(['sh'])], { env: { TERM: 'xterm' } })).code).toBe(0);
  });
});

describe('the command fails', () => {
  test.each([3, 42, 100, 130, 143])('exit code %d: its own, and nothing is asked', async (exitCode) => {
    expect(await para(['fix', '--', 'x'], [exec(['x'], { exitCode })])).toEqual({
      ...{ code: exitCode, stdout: '', stderr: '' },
    });
  });

  test.each([1, 2, 125, 127, 137, 254, 255])(
    'exit code %d of a container that runs: its own',
    async (exitCode) => {
      const calls = [exec(['x'], { exitCode }), docker.status('running')];
      expect(await para(['fix', '--', 'x'], calls)).toEqual({ code: exitCode, stdout: '', stderr: '' });
    },
  );

  test('killed, and the engine does not answer any more: its own', async () => {
    const calls = [
      exec(['x'], { exitCode: 137 }),
      {
        ...docker.status('running'),
        exitCode: 1,
        stdout: '',
        stderr: 'Cannot connect to the Docker daemon at x\n',
      },
    ];
    expect(await para(['fix', '--', 'x'], calls)).toEqual({ code: 137, stdout: '', stderr: '' });
  });

  test('126 and the command is there: not executable', async () => {
    const calls = [exec(['./x'], { exitCode: 126 }), docker.status('running'), look('./x', 0)];
    expect((await para(['fix', '--', './x'], calls)).code).toBe(126);
  });

  test('126 and the command is nowhere, as docker before 28 has it: not found', async () => {
    const calls = [exec(['x'], { exitCode: 126 }), docker.status('running'), look('x', 1)];
    expect((await para(['fix', '--', 'x'], calls)).code).toBe(127);
  });
});

test('as people type it to docker: -it is taken for granted, -w and -e are passed on', async () => {
  const call = exec(['ls'], { workdir: '/tmp', term: ['-e', 'A=1', '-e', 'B=two words'] });
  const argv = ['-it', '-w', '/tmp', '-e', 'A=1', '--env', 'B=two words', 'fix', '--', 'ls'];
  expect(await para(argv, [call])).toMatchObject({ code: 0, stderr: '' });
});

describe('the engine could not run it: 125', () => {
  test.each([
    ['exited', 'para docker start fix'],
    ['created', 'para docker start fix'],
    ['paused', 'docker unpause'],
  ])('the container is %s', async (state, hint) => {
    const calls = [exec(['x'], { exitCode: 1 }), docker.status(state)];
    const { code, stderr } = await para(['fix', '--', 'x'], calls);
    expect(stderr).toContain(`✗ the container of fix is not running (${state})\n  ↳ ${hint}`);
    expect(code).toBe(125);
  });

  test('the container has died for want of memory: which limit, and how to raise it', async () => {
    const call = docker.inspectRunning();
    const dead = (call.stdout ?? '')
      .replace('"OOMKilled":false', '"OOMKilled":true')
      .replace(/"Status":"running","Running":true,"ExitCode":0/, '"Status":"exited","ExitCode":137');
    const calls = [exec(['x'], { exitCode: 1 }), { ...call, stdout: dead }];
    const { code, stderr } = await para(['fix', '--', 'x'], calls);
    expect(stderr).toContain('✗ the container of fix was killed: it had used up its 4096 MiB of memory\n');
    expect(stderr).toContain('para docker update fix --memory 8192m\n');
    expect(code).toBe(125);
  });

  test('the container is gone', async () => {
    const { code, stderr } = await para(
      ['fix', '--', 'x'],
      [exec(['x'], { exitCode: 1 }), docker.statusGone()],
    );
    expect(stderr).toContain('✗ the container of fix is gone\n');
    expect(code).toBe(125);
  });

  test('--json: the error is a document', async () => {
    const calls = [exec(['x'], { exitCode: 125 }), docker.status('exited')];
    const { stdout, stderr } = await para(['fix', '--json', '--', 'x'], calls);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'CONTAINER_NOT_RUNNING' } });
    expect(stderr).toBe('');
  });
});

describe('no engine is asked', () => {
  test.each<[string, readonly string[], number, RegExp]>([
    [
      'no command',
      ['fix'],
      2,
      /no command was given\n.*para docker exec fix -- sh\n.*para docker attach fix\n/,
    ],
    ['an empty command', ['fix', '--'], 2, /no command was given/],
    ['the command without --', ['fix', 'ls', 'a b'], 2, /↳ para docker exec fix -- ls 'a b'\n/],
    ['its flags without --', ['fix', 'ls', '-l'], 2, /↳ What comes after -- is the command/],
    [
      'an unknown session',
      ['nope', '--', 'x'],
      3,
      /there is no session nope\n.*Sessions with a container: fix\n/,
    ],
    ['no session here', ['--', 'x'], 3, /no session was named/],
    ['a session without a container', ['bare', '--', 'x'], 7, /the session bare has no container/],
    ['a name that is none', ['../x', '--', 'x'], 3, /there is no session "..\/x"\n/],
    ['one letter wrong', ['fxi', '--', 'x'], 3, /↳ Did you mean fix\?\n/],
    [
      'a finished session',
      ['finished', '--', 'x'],
      7,
      /the session finished is finished[^]*git log para\/finished\n/,
    ],
  ])('%s', async (_what, argv, exit, message) => {
    const { code, stdout, stderr } = await para(argv, []);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
  });

  test('a directory outside the worktree is no place in the container', async () => {
    mkdirSync(join(repo.root, 'elsewhere'), { recursive: true });
    const calls = [exec(['pwd'])];
    expect((await para(['fix', '--', 'pwd'], calls, { cwd: join(repo.root, 'elsewhere') })).code).toBe(0);
  });
});
