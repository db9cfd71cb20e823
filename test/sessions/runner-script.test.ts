/** The script alone, under every shell of this machine that it may meet. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RUNNER_SCRIPT } from '../../src/sessions/runner-script.ts';

/** `sh` as it is here, and the others that images have, where they are installed. */
const SHELLS = [['sh'], ['busybox', 'sh']].filter(
  ([shell = '']) => spawnSync(shell, ['-c', ':']).error === undefined,
);

/** A time for `sleep` that no other run of these tests has. */
const own = (seconds: number): string => `${String(seconds)}.${String(process.pid)}`;

/** The processes with exactly this command line. */
function running(line: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLine(pid) === line)
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return ''; // gone meanwhile
  }
}

describe.each(SHELLS.map((shell) => [shell.join(' '), shell] as const))('%s', (_name, shell) => {
  let dir: string;
  let runner: ChildProcess | undefined;
  const at = (...path: string[]): string => join(dir, ...path);
  const told = (id: string, file: string): string => readFileSync(at('out/queue', id, file), 'utf8');

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'para-runner-'));
    for (const name of ['cmd/queue', 'out', 'work']) mkdirSync(at(name), { recursive: true });
    writeFileSync(at('cmd/runner.sh'), RUNNER_SCRIPT);
  });
  afterEach(async () => {
    await end('SIGKILL');
    rmSync(dir, { recursive: true });
  });

  function run(env: Readonly<Record<string, string>> = {}): void {
    const [program = 'sh', ...more] = shell;
    runner = spawn(program, [...more, at('cmd/runner.sh')], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        ...{ PARA_COMMAND_DIR: at('cmd'), PARA_STATUS_DIR: at('out'), PARA_WORKSPACE: at('work') },
        ...{ PARA_STOP_GRACE: '0', PARA_KILL_GRACE: '1', PARA_RUNNER_NAP: '0.1', ...env },
      },
    });
  }
  /** @returns the exit code, or the signal */
  async function end(signal: NodeJS.Signals): Promise<number | string | null> {
    if (runner === undefined) return null;
    const dying = runner;
    runner = undefined;
    if (dying.exitCode !== null) return dying.exitCode;
    const exit = new Promise<number | string | null>((resolve) => {
      dying.once('exit', (code, by) => {
        resolve(code ?? by);
      });
    });
    dying.kill(signal);
    return exit;
  }
  const queue = (name: string, text: string): void => {
    writeFileSync(at('cmd/queue', name), text);
  };
  async function until(what: () => boolean): Promise<void> {
    for (let tries = 0; !what(); tries += 1) {
      if (tries > 200)
        throw new Error(`not within ten seconds; out/queue holds ${readdirSync(at('out/queue')).join(' ')}`);
      await sleep(50);
    }
  }
  const ended = (id: string): Promise<void> => until(() => existsSync(at('out/queue', id, 'exit')));

  test('says that it is up and alive', async () => {
    const uptime = (): number => Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ', 1)[0]));
    const before = uptime();
    run();
    await until(() => existsSync(at('out/heartbeat')));
    expect(existsSync(at('out/ready'))).toBe(true);
    const [beat, pid] = readFileSync(at('out/heartbeat'), 'utf8').split(/[ \n]/).map(Number);
    expect(pid).toBe(runner?.pid);
    expect(beat).toBeGreaterThanOrEqual(before);
    expect(beat).toBeLessThanOrEqual(uptime());
    expect(await end('SIGTERM')).toBe(0);
    expect(existsSync(at('out/heartbeat'))).toBe(false);
  });

  test('runs each command once, the most urgent first, and keeps what came of it', async () => {
    const line = (word: string): string => `echo ${word} >>order; echo out ${word}; echo err ${word} >&2\n`;
    queue('5-000001-first.sh', line('first'));
    queue('5-000002-second.sh', `${line('second')}exit 7\n`);
    queue('0-000003-urgent.sh', line('urgent'));
    run();
    for (const id of ['first', 'second', 'urgent']) await ended(id);
    expect(readFileSync(at('work/order'), 'utf8')).toBe('urgent\nfirst\nsecond\n');
    expect([told('first', 'exit'), told('second', 'exit')]).toEqual(['0\n', '7\n']);
    expect([told('second', 'stdout'), told('second', 'stderr')]).toEqual(['out second\n', 'err second\n']);
    await end('SIGKILL');
    run();
    queue('5-000004-last.sh', line('last'));
    await ended('last');
    expect(readFileSync(at('work/order'), 'utf8')).toBe('urgent\nfirst\nsecond\nlast\n');
  });

  test('what was running when the runner was killed is not run again, and has no exit code', async () => {
    queue('5-000001-long.sh', 'echo x >>times; exec sleep 30\n');
    run();
    await until(() => existsSync(at('work/times')));
    await end('SIGKILL');
    rmSync(at('out/ready'));
    run();
    await until(() => existsSync(at('out/ready')));
    queue('5-000002-next.sh', 'exit 0\n');
    await ended('next');
    expect(readFileSync(at('work/times'), 'utf8')).toBe('x\n');
    expect(existsSync(at('out/queue/long/exit'))).toBe(false);
    for (const pid of running('sleep 30')) process.kill(pid);
    await ended('long');
  });

  test('a command that takes too long is ended, with all that it has started', async () => {
    queue('5-000001-slow.sh', '#timeout 1\nsleep 40 & sleep 41; echo survived\n');
    run();
    await ended('slow');
    expect(told('slow', 'reason')).toBe('timeout\n');
    expect(told('slow', 'exit')).toBe('143\n');
    expect(told('slow', 'stdout')).toBe('');
    expect([...running('sleep 40'), ...running('sleep 41')]).toEqual([]);
  });

  test('one that can not be told to end is killed', async () => {
    queue('5-000001-deaf.sh', `#timeout 1\ntrap '' TERM; while :; do sleep 1; done\n`);
    run();
    await ended('deaf');
    expect(told('deaf', 'exit')).toBe('137\n');
  });

  test.each<[string, string, string[]]>([
    ['has no environment', `env -i sleep ${own(44)}`, [`sleep ${own(44)}`]],
    [
      'has none, and is not its parent’s any more when it is killed',
      `(trap '' TERM; exec env -i sleep ${own(45)}) & exec sleep ${own(46)}`,
      [`sleep ${own(45)}`, `sleep ${own(46)}`],
    ],
    [
      'has none, a session of its own, and a name with blanks and brackets',
      `cp /bin/sleep 'a) S 1 (b'; setsid env -i './a) S 1 (b' ${own(47)} & wait`,
      [`./a) S 1 (b ${own(47)}`],
    ],
  ])('what %s is ended too, and the next command begins', async (_what, script, lines) => {
    queue('5-000001-bare.sh', `#timeout 1\n${script}\n`);
    queue('5-000002-next.sh', 'exit 0\n');
    run();
    await until(() => existsSync(at('out/queue/bare/reason')));
    await ended('next');
    expect([told('bare', 'reason'), told('bare', 'exit')]).toEqual(['timeout\n', '143\n']);
    expect(lines.flatMap(running)).toEqual([]);
  });

  test('what nobody can find keeps no other command waiting', async () => {
    const [one, two] = [`sleep ${own(48)}`, `sleep ${own(49)}`];
    queue('5-000001-lost.sh', `(env -i sh -c '${one} & ${two} &' &); exec sleep ${own(50)}\n`);
    run();
    // Its parents have ended.
    await until(() => running(two).length > 0 && running(`sh -c ${one} & ${two} &`).length === 0);
    queue('lost.cancel', '');
    queue('5-000002-next.sh', 'exit 0\n');
    await ended('next');
    expect(told('lost', 'reason')).toBe('cancelled\n');
    const left = [...running(one), ...running(two)];
    expect(left).toHaveLength(2);
    for (const pid of left) process.kill(pid);
  });

  test('cancelled: while it waits it is never begun, while it runs it is ended', async () => {
    queue('5-000001-runs.sh', 'exec sleep 42\n');
    queue('5-000002-waits.sh', 'exit 0\n');
    queue('waits.cancel', '');
    run();
    await until(() => existsSync(at('out/queue/runs/started')));
    queue('runs.cancel', '');
    await ended('runs');
    expect(told('runs', 'reason')).toBe('cancelled\n');
    queue('5-000003-after.sh', 'exit 0\n');
    await ended('after');
    expect(existsSync(at('out/queue/waits'))).toBe(false);
  });

  test('a signal reaches the command it is for while that runs', async () => {
    queue('5-000001-runs.sh', `trap 'echo told; exit 5' USR2; while :; do sleep 0.1; done\n`);
    run();
    await until(() => existsSync(at('out/queue/runs/started')));
    await sleep(300);
    queue('5-000002-tell.signal', 'USR2 runs\n');
    await ended('runs');
    await ended('tell');
    expect([told('runs', 'exit'), told('runs', 'stdout'), told('tell', 'exit')]).toEqual([
      '5\n',
      'told\n',
      '0\n',
    ]);
  });

  test('shutdown ends it, and says so of what ran', async () => {
    queue('5-000001-runs.sh', 'exec sleep 43\n');
    run({ PARA_STOP_GRACE: '1' });
    await until(() => existsSync(at('out/queue/runs/started')));
    queue('5-000002-bye.shutdown', '');
    await until(() => runner?.exitCode === 0);
    expect([told('bye', 'exit'), told('runs', 'reason'), told('runs', 'exit')]).toEqual([
      '0\n',
      'shutdown\n',
      '143\n',
    ]);
    for (const pid of running('sleep 43')) process.kill(pid);
  });

  test('of too much output the end is kept', async () => {
    const lines = 'i=0; while [ $i -lt 4000 ]; do echo "line $i"; i=$((i + 1)); done; sleep 1.5';
    queue('5-000001-loud.sh', `${lines}; ${lines}; echo end\n`);
    run({ PARA_OUTPUT_BYTES: '10000' });
    await ended('loud');
    // How far it had come when the runner looked is the machine's business.
    const kept = told('loud', 'stdout.1') + told('loud', 'stdout');
    expect(kept).toContain('line 3999');
    expect(kept.endsWith('end\n')).toBe(true);
    expect(told('loud', 'stdout').length).toBeLessThan(80_000);
  });

  test('PARA_RUNNER=off: it beats, and leaves the commands to another program', async () => {
    queue('5-000001-theirs.sh', 'touch ran\n');
    run({ PARA_RUNNER: 'off' });
    await until(() => existsSync(at('out/heartbeat')));
    queue('5-000002-bye.shutdown', '');
    await until(() => runner?.exitCode === 0);
    expect(readdirSync(at('out/queue'))).toEqual(['bye']);
  });

  test('held: what is queued waits until the secrets are in', async () => {
    queue('5-000001-late.sh', 'echo done\n');
    writeFileSync(at('cmd/held'), '');
    run();
    await until(() => existsSync(at('out/heartbeat')));
    expect(readdirSync(at('out/queue'))).toEqual([]);
    rmSync(at('cmd/held'));
    await until(() => existsSync(at('out/queue/late/exit')));
    expect(told('late', 'stdout')).toBe('done\n');
  });

  test('what is no command is left alone', async () => {
    for (const name of [
      'x.sh',
      '5-000001-.sh',
      '5-000001-a b.sh',
      '5-00001-a.sh',
      '.5-000001-a.sh',
      '5-000001-$(x).sh',
    ])
      queue(name, 'touch ran\n');
    mkdirSync(at('cmd/queue/5-000002-dir.sh'));
    run();
    queue('9-000009-good.sh', 'exit 0\n');
    await ended('good');
    expect(readdirSync(at('out/queue'))).toEqual(['good']);
    expect(existsSync(at('work/ran'))).toBe(false);
  });
});
