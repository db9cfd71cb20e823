import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { type Conversation, type Ending, started, WHICH } from '../support/conversation.ts';
import { runPara, type EngineCall, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

const SHELLS =
  'case ${SHELL##*/} in sh|false|nologin) SHELL=;; esac; for s in "$SHELL" bash zsh fish ash; do p=$(command -v -- "$s" 2>/dev/null) && test -x "$p" && exec "$p"; done; exec sh';

const KILL =
  'for p in /proc/[0-9]*; do if tr "\\0" "\\n" <"$p/environ" 2>/dev/null | grep -qx "PARA_EXEC_ID=$2"; then kill -s "$1" "${p#/proc/}" 2>/dev/null; fi; done; :';

function terminal(stdin: boolean, stdout: boolean): void {
  Object.defineProperty(process.stdin, 'isTTY', { value: stdin, configurable: true });
  Object.defineProperty(process.stdout, 'isTTY', { value: stdout, configurable: true });
}

describe.each(WHICH)('%s', (which) => {
  let repo: TempRepo;
  let talk: Conversation;

  beforeAll(async () => {
    repo = tempRepo();
    talk = await started(repo, which);
    await runPara(repo, 'start bare');
  });
  afterAll(() => {
    repo.remove();
  });
  beforeEach(() => {
    terminal(true, true);
  });

  const env = { TERM: 'xterm' };
  /** The one call that opens the shell. */
  const shell = (ending: Ending = {}, workdir = '/workspace'): EngineCall => ({
    argv: [
      ...[talk.engine, 'exec', '-i', '-t', '-w', workdir, '-e', 'PARA_SESSION=fix'],
      ...['-e', 'PARA_WORKSPACE=/workspace', '-e', 'PARA_EXEC_ID=UUID', '-e', 'TERM=xterm'],
      ...['--', talk.container, 'sh', '-c', SHELLS],
    ] as unknown as EngineCall['argv'],
    ...ending,
  });
  const attach = (calls: readonly EngineCall[]): Promise<Ran> =>
    runPara(repo, 'docker attach fix', { env, calls });
  const stopped = (): Ending => ({
    exitCode: which === 'docker' ? 1 : 255,
    stderr:
      which === 'docker'
        ? `Error response from daemon: Container ${'c'.repeat(64)} is not running\n`
        : `Error: can only create exec sessions on running containers: container state improper\n`,
  });

  test('one engine call, nothing said', async () => {
    expect(await attach([shell()])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each([1, 42, 125, 126, 127, 130, 255])(
    'the shell returns %d: so does para, and asks nothing',
    async (exitCode) => {
      expect(await attach([shell({ exitCode })])).toEqual({ code: exitCode, stdout: '', stderr: '' });
    },
  );

  test('in the worktree: no name needed, and the same sub-directory', async () => {
    const cwd = join(talk.worktree, 'dir');
    const calls = [shell({}, '/workspace/dir')];
    expect(await runPara(repo, 'docker attach', { env, cwd, calls })).toMatchObject({ code: 0 });
  });

  test.each(['exited', 'created'])('%s: says so, starts it, and opens the shell', async (state) => {
    const calls = [shell(stopped()), talk.status(state), talk.wake(), shell({ exitCode: 3 })];
    expect(await attach(calls)).toEqual({
      ...{ code: 3, stdout: '', stderr: 'The container of fix is stopped; starting it\n' },
    });
  });

  test('it can not be started: the reason, and no second shell', async () => {
    const stderr = 'Error: address already in use\n';
    const calls = [shell(stopped()), talk.status('exited'), talk.start({ exitCode: 125, stderr })];
    const ran = await attach(calls);
    expect(ran.stderr).toContain(`✗ a host port of container ${talk.container} is already in use\n`);
    expect(ran.code).toBe(7);
  });

  test('paused: 125, and how to go on', async () => {
    const paused =
      which === 'docker'
        ? {
            exitCode: 1,
            stderr: 'Error response from daemon: Container x is paused, unpause the container before exec\n',
          }
        : stopped();
    const ran = await attach([shell(paused), talk.status('paused')]);
    expect(ran.stderr).toBe(
      `✗ the container of fix is not running (paused)\n  ↳ ${talk.engine} unpause ${talk.container}\n`,
    );
    expect(ran.code).toBe(125);
  });

  test('gone: 125', async () => {
    const stderr =
      which === 'docker'
        ? `Error response from daemon: No such container: ${talk.container}\n`
        : `Error: no container with name or ID "${talk.container}" found: no such container\n`;
    const ran = await attach([shell({ exitCode: which === 'docker' ? 1 : 125, stderr })]);
    expect(ran.stderr).toContain('✗ the container of fix is gone\n');
    expect(ran.code).toBe(125);
  });

  test('the client was killed: what it had started is ended inside', async () => {
    const kill = {
      argv: [...[talk.engine, 'exec', '--', talk.container, 'sh', '-c', KILL, 'sh', 'HUP', 'UUID']],
    } as unknown as EngineCall;
    expect(await attach([shell({ exitCode: 137 }), kill])).toMatchObject({ code: 137, stderr: '' });
  });

  test.each([
    [true, false],
    [false, true],
  ])('no terminal (stdin %s, stdout %s): a usage error that names exec', async (stdin, stdout) => {
    terminal(stdin, stdout);
    const ran = await attach([]);
    expect(ran.stderr).toContain('↳ para docker exec fix -- COMMAND [ARG…]');
    expect(ran.code).toBe(2);
  });

  test.each([
    ['docker attach nope', 3],
    ['docker attach', 3],
    ['docker attach bare', 7],
  ])('%s: no engine is asked', async (line, code) => {
    expect(await runPara(repo, line)).toMatchObject({ code, stdout: '' });
  });
});
