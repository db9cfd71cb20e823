/** `para docker attach` on a terminal of its own, and what is left of the terminal whatever happens to the shell. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, printed, repoId, type Ended, type Running, type World } from '../support/para.ts';
import { wrap } from '../support/wrapper.ts';

/** Processes whose command line holds these words in a row. */
function processes(...words: readonly string[]): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words.join('\0'));
      } catch {
        return false; // it has ended
      }
    })
    .map(Number);
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('attach on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let container: string;
  /** attach on a terminal of its own, with what it did to the terminal. */
  const attach = (session = 's', cwd = repo): Running => {
    const para = `'${process.execPath}' '${world.binary}' docker attach ${session}`;
    const text = `stty rows 33 cols 101; a=$(stty -g); ${para}; c=$?; test "$a" = "$(stty -g)" && echo as-before; exit $c`;
    return world.start(['script', '-qec', text, '/dev/null'], {
      ...{ cwd, env: { SHELL: '/bin/sh' }, open: true },
    });
  };
  /** Types a line once the shell has done with the one before. */
  const type = async (running: Running, line: string): Promise<void> => {
    const seen = printed(running, 'typed-1');
    running.child.stdin?.write('echo typed-$((3-2))\n');
    await seen;
    running.child.stdin?.write(line);
  };
  const exec = (...argv: string[]): Promise<Ended> =>
    world.para(repo, ['docker', 'exec', 's', '--', ...argv]);
  const commandsInside = async (): Promise<string> =>
    (await exec('sh', '-c', 'cat /proc/[0-9]*/cmdline')).stdout;
  const isRunning = async (word: string): Promise<void> => {
    while (!(await commandsInside()).includes(word));
  };
  const startSession = async (name: string, image: string): Promise<void> => {
    expect(await world.para(repo, ['start', name, '--docker', '--image', image])).toMatchObject({ code: 0 });
  };

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    container = `para-${repoId(repo)}-s`;
    await startSession('s', testImages().base);
  });
  afterAll(() => world.remove());

  test('opens bash where there is one, in the same directory and size, and returns what it returns', async () => {
    const running = attach('', `${repo}/.para/worktrees/s/d`);
    await type(running, 'echo "bash=$BASH_VERSION"; pwd; stty size; test -t 0 && echo $TERM\n');
    await type(running, 'exit 7\n');
    const { code, stdout } = await running.ended;
    expect(stdout).toMatch(/bash=5\.\d/);
    for (const line of ['/workspace/d', '33 101', 'xterm']) expect(stdout).toContain(`${line}\r\n`);
    expect(stdout).toContain('as-before');
    expect(code).toBe(7);
  });

  test('Ctrl-C and Ctrl-\\ are for what runs in the shell', async () => {
    const running = attach();
    await type(running, 'sleep 1234\n');
    await isRunning('1234');
    running.child.stdin?.write('\u0003');
    await type(running, 'echo code-$?; sleep 1235\n');
    await isRunning('1235');
    running.child.stdin?.write('\u001c');
    await type(running, 'echo code-$?; exit 3\n');
    const { code, stdout } = await running.ended;
    expect(stdout).toContain('as-before');
    expect(stdout).not.toContain('✗');
    expect(code).toBe(3);
  });

  test('a new size of the terminal reaches the shell', async () => {
    const running = attach();
    await type(running, 'stty size\n');
    const [pid] = processes(world.binary, 'docker', 'attach', 's');
    const resize = (...rows: readonly number[]): unknown =>
      world.run([
        'sh',
        '-c',
        rows.map((n) => `stty rows ${String(n)} cols 120 </proc/${String(pid)}/fd/0`).join(';'),
      ]);
    await resize(44);
    await type(running, 'until stty size | grep "^44 120"; do sleep 0.1; done; exit 0\n');
    // podman 4.3 loses one now and then: a person would drag on.
    const dragging = setInterval(() => void resize(43, 44), 3_000);
    const { code, stdout } = await running.ended;
    clearInterval(dragging);
    expect(stdout).toContain('44 120\r\n');
    expect(code).toBe(0);
  });

  test('one engine call', async () => {
    const wrapper = wrap(world, engine.engine);
    const para = `'${process.execPath}' '${world.binary}' docker attach s`;
    const running = world.start(['script', '-qec', para, '/dev/null'], {
      ...{ cwd: repo, env: { SHELL: '/bin/sh', ...wrapper.env }, open: true },
    });
    await type(running, 'exit 0\n');
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(wrapper.calls().filter((call) => !/^(info|version|--version) /.test(call))).toEqual([
      expect.stringMatching(/^exec -i -t /),
    ]);
  });

  test('the engine’s client is killed: the terminal is as before, and nothing goes on inside', async () => {
    const running = attach();
    await type(running, 'sleep 4321\n');
    await isRunning('4321');
    for (const pid of processes('exec', '-i', '-t')) {
      if (readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(container))
        process.kill(pid, 'SIGKILL');
    }
    const { code, stdout } = await running.ended;
    expect(stdout).toContain('as-before');
    expect(code).toBe(137);
    expect(await commandsInside()).not.toContain('4321');
  });

  test('the container dies under it: the terminal is as before, and a stopped one is started again', async () => {
    const running = attach();
    await type(running, 'echo here-$((1+1))\n');
    await world.engine('kill', container);
    const { code, stdout } = await running.ended;
    expect(stdout).toContain('as-before');
    expect(code).toBeGreaterThan(0);

    const again = attach();
    await type(again, 'exit 5\n');
    const ended = await again.ended;
    expect(ended.stdout).toContain('The container of s is stopped; starting it');
    expect(ended.stdout).not.toContain('Error');
    expect(ended.code).toBe(5);
  });

  test('a paused one is said, and so is one that is gone', async () => {
    // A rootless engine on cgroup v1 can not pause.
    if (engine.id !== 'rootless') {
      await world.engine('pause', container);
      const paused = await attach().ended;
      await world.engine('unpause', container);
      expect(paused.stdout).toContain('is not running (paused)');
      expect(paused.code).toBe(125);
    }
    await world.engine('rm', '-f', container);
    const gone = await attach().ended;
    expect(gone.stdout).toContain('the container of s is gone');
    expect(gone.code).toBe(125);
  });

  test('takes sh where there is nothing better', async () => {
    await startSession('small', testImages().busybox);
    const running = attach('small');
    await type(running, 'echo $0 $PWD\n');
    await type(running, 'exit 4\n');
    const { code, stdout } = await running.ended;
    expect(stdout).toMatch(/a?sh \/workspace\r\n/);
    expect(code).toBe(4);
  });

  test('without a terminal: a usage error that names exec', async () => {
    const ended = await world.para(repo, ['docker', 'attach', 's']);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('para docker exec s -- COMMAND');
  });
});
