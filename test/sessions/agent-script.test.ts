/** The script alone, under every shell of this machine that it may meet. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AGENT_SCRIPT } from '../../src/sessions/agent-script.ts';

const ID = '11111111-1111-4111-8111-111111111111';
/** `sh` as it is here, and the other two that images have, where they are installed. */
const SHELLS = [['sh'], ['bash', '--posix'], ['busybox', 'sh']].filter(
  ([shell = '']) => spawnSync(shell, ['-c', ':']).error === undefined,
);

describe.each(SHELLS.map((shell) => [shell.join(' '), shell] as const))('%s', (_name, shell) => {
  let dir: string;
  const file = (name: string): string => join(dir, name);
  const read = (name: string): string => readFileSync(file(name), 'utf8');

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'para-agent-'));
    writeFileSync(file('agent.sh'), AGENT_SCRIPT);
    writeFileSync(file('prompt'), 'do it\n');
    // The script starts itself anew with `sh`.
    const sh = execFileSync('sh', ['-c', 'command -v "$0"', shell[0] ?? 'sh'], { encoding: 'utf8' }).trim();
    symlinkSync(sh, file('sh'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  /** Starts an agent; `max` bytes of log, looked at five times a second. */
  function launch(
    argv: readonly string[],
    { max = 1_000_000, env: added = {} } = {},
  ): { code: number | null; pid: number } {
    const [program = 'sh', ...more] = shell;
    const words = [file('agent.sh'), 'launch', file('run'), ID, file('prompt'), String(max), '0.2', ...argv];
    const env = { ...process.env, ...added, PATH: `${dir}:${process.env['PATH'] ?? ''}` };
    const { status, stdout } = spawnSync(program, [...more, ...words], { encoding: 'utf8', env, cwd: dir });
    return { code: status, pid: Number(stdout) };
  }
  async function ended(): Promise<string> {
    for (let tries = 0; !existsSync(file('run.end')); tries += 1) {
      if (tries > 100) throw new Error('it did not end');
      await sleep(50);
    }
    return read('run.end');
  }

  test.each([0, 1, 42, 126, 127, 255])('writes down exit code %d', async (code) => {
    const { pid, code: launched } = launch(['sh', '-c', `exit ${String(code)}`, 'sh', '{prompt}']);
    expect(launched).toBe(0);
    expect(await ended()).toBe(`${ID} ${String(code)}\n`);
    expect(read('run.pid')).toBe(`${String(pid)}\n`);
  });

  test('what it gets of its secrets it has alone, as variables', async () => {
    writeFileSync(file('token'), 'of "one"\nand two\n');
    const names = { PARA_AGENT_SECRETS: 'TOKEN=token ALSO=token', PARA_SECRETS_DIR: dir };
    const show =
      'printf "%s|" "$TOKEN" "$ALSO" "${PARA_AGENT_SECRETS-none}"; tr "\\0" "\\n" </proc/$PPID/environ';
    launch(['sh', '-c', show, 'sh', '{prompt}'], { env: names });
    expect(await ended()).toBe(`${ID} 0\n`);
    const log = read('run.log');
    expect(log).toMatch(/^of "one"\nand two\|of "one"\nand two\|none\|/);
    expect(log.split('none|')[1]).not.toContain('of "one"');
  });

  test('without one of its secrets it does not begin', async () => {
    launch(['sh', '-c', 'echo begun'], { env: { PARA_AGENT_SECRETS: 'A=none', PARA_SECRETS_DIR: dir } });
    expect(await ended()).toBe(`${ID} 125\n`);
    expect(read('run.log')).toBe('para: there is no secret none\n');
  });

  test('a signal’s death is 128 and its number', async () => {
    launch(['sh', '-c', 'kill -9 $$']);
    expect(await ended()).toBe(`${ID} 137\n`);
  });

  test.each([
    ['plain', 'plain'],
    ['two\nlines "and" $quotes `x` \\ %s *', 'two\nlines "and" $quotes `x` \\ %s *'],
    ['-v', ' -v'],
    ['{prompt} {prompt_file}', '{prompt} {prompt_file}'],
    ['ünï→✓', 'ünï→✓'],
  ])('fills in the prompt %j', async (prompt, given) => {
    writeFileSync(file('prompt'), `${prompt}\n`);
    launch(['sh', '-c', 'printf "%s|" "$@"', 'sh', '{prompt}', '--x={prompt}.', 'a b']);
    expect(await ended()).toBe(`${ID} 0\n`);
    expect(read('run.log')).toBe(`${given}|--x=${prompt}.|a b|`);
  });

  test('stdin is empty; stdout and stderr are one log', async () => {
    launch(['sh', '-c', 'cat; echo out; echo err >&2']);
    await ended();
    expect(read('run.log')).toBe('out\nerr\n');
  });

  test('told to end, it passes that on, waits, and writes down the end', async () => {
    const script = 'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.1; done';
    const { pid } = launch(['sh', '-c', script]);
    while (!existsSync(file('run.log')) || read('run.log') === '') await sleep(20);
    process.kill(pid, 'SIGHUP');
    await sleep(200);
    expect(existsSync(file('run.end'))).toBe(false);
    process.kill(pid, 'SIGTERM');
    expect(await ended()).toBe(`${ID} 5\n`);
    expect(read('run.log')).toBe('up\nbye\n');
  });

  test('of a long log it keeps what came last', async () => {
    const script = 'i=0; while [ $i -lt 30 ]; do i=$((i + 1)); echo "line $i of many"; sleep 0.03; done';
    launch(['sh', '-c', script], { max: 100 });
    await ended();
    const kept = read('run.log.1') + read('run.log');
    expect(kept).toMatch(/line 30 of many\n$/);
    expect(kept).not.toContain('line 1 of many');
  });

  test('leaves no process', async () => {
    for (let round = 0; round < 10; round += 1) {
      rmSync(file('run.end'), { force: true });
      launch(['true']);
      await ended();
    }
    await sleep(100);
    expect(execFileSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' })).not.toContain(dir);
  });

  test('there is no such program: 127; it can not be run: 126', () => {
    expect(launch(['no-such-agent']).code).toBe(127);
    expect(launch([file('nowhere')]).code).toBe(127);
    expect(launch([file('prompt')]).code).toBe(126);
    expect(existsSync(file('run.pid'))).toBe(false);
  });
});
