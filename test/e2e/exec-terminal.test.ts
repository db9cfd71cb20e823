/** `para docker exec` on a terminal, under signals, against a container that is not there, and what it costs. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import {
  inBackground,
  makeWorld,
  printed,
  repoId,
  type Background,
  type Ended,
  type Running,
  type World,
} from '../support/para.ts';
import { wrap } from '../support/wrapper.ts';

const TRAPS = `trap 'echo INT >caught; exit 7' INT; trap 'echo TERM >caught; exit 8' TERM
echo ready; while :; do sleep 0.1; done`;

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('exec on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  const exec = (...argv: string[]): Promise<Ended> =>
    world.para(repo, ['docker', 'exec', 's', '--', ...argv]);
  /** Shell text run on a terminal of its own, with `$PARA` as the start of a command. */
  const terminal = (script: string): Running => {
    const text = `stty rows 33 cols 101; ${script}`.replaceAll(
      '$PARA',
      `'${process.execPath}' '${world.binary}'`,
    );
    return world.start(['script', '-qec', text, '/dev/null'], {
      cwd: repo,
      env: { SHELL: '/bin/sh' },
      open: true,
    });
  };
  const background = async (script: string): Promise<Background> => {
    const running = inBackground(world, ['docker', 'exec', 's', '--', 'sh', '-c', script], { cwd: repo });
    await printed(running, 'ready');
    return running;
  };

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    const started = await world.para(repo, ['start', 's', '--docker', '--image', testImages().busybox]);
    expect(started).toMatchObject({ code: 0 });
  });
  afterAll(() => world.remove());

  test('gives the command a terminal of the same size when there is one', async () => {
    const shown = 'test -t 0 && test -t 1 && sleep 1 && stty size && echo $TERM';
    const running = terminal(`$PARA docker exec s -- sh -c '${shown}'`);
    const ended = await running.ended;
    expect(ended.stdout).toContain('33 101');
    expect(ended.stdout).toContain('xterm');
    expect(ended.code).toBe(0);
  });

  test('gives it none when its output is not one', async () => {
    expect(await exec('sh', '-c', 'test -t 0 || test -t 1 || echo none')).toMatchObject({ stdout: 'none\n' });
    const piped = terminal(`$PARA docker exec s -- sh -c 'test -t 1 || echo none' | cat`);
    expect((await piped.ended).stdout).toContain('none');
  });

  test('hands Ctrl-C on a terminal to the command inside, and its exit code back', async () => {
    const running = terminal(`$PARA docker exec s -- sh -c '${TRAPS.replaceAll("'", '"')}'`);
    await printed(running, 'ready');
    running.child.stdin?.write('\u0003');
    expect(await running.ended).toMatchObject({ code: 7 });
    expect(await exec('cat', 'caught')).toMatchObject({ stdout: 'INT\n' });
  });

  test.each([
    ['SIGINT', 'INT', 7],
    ['SIGTERM', 'TERM', 8],
  ] as const)('hands %s to the command inside, and its exit code back', async (signal, name, code) => {
    const running = await background(TRAPS);
    running.tell(signal);
    expect(await running.ended).toMatchObject({ code });
    expect(await exec('cat', 'caught')).toMatchObject({ stdout: `${name}\n` });
  });

  test('leaves nothing running inside when it is told to end', async () => {
    const running = await background('echo ready; exec sleep 4321');
    running.tell('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 143 });
    expect((await exec('ps')).stdout).not.toContain('4321');
  });

  test('needs one engine process, whatever the command returns', async () => {
    const wrapper = wrap(world, engine.engine);
    const counted = (...argv: string[]): Promise<Ended> =>
      world.para(repo, ['docker', 'exec', 's', '--', ...argv], { env: wrapper.env });
    await counted('true');
    wrapper.calls();
    expect(await counted('true')).toMatchObject({ code: 0 });
    expect(wrapper.calls()).toEqual([expect.stringMatching(/^exec /)]);
    expect(await counted('sh', '-c', 'exit 42')).toMatchObject({ code: 42 });
    expect(wrapper.calls()).toEqual([expect.stringMatching(/^exec /)]);
  });

  test('says 125 and how to go on when the container is stopped, 125 when it is gone', async () => {
    expect(await world.para(repo, ['docker', 'stop', 's', '--grace', '1'])).toMatchObject({ code: 0 });
    const stopped = await exec('true');
    expect(stopped).toMatchObject({ code: 125, stdout: '' });
    expect(stopped.stderr).toContain('not running');
    expect(stopped.stderr).toContain('para docker start s');
    expect(await world.para(repo, ['docker', 'start', 's'])).toMatchObject({ code: 0 });
    expect(await exec('true')).toMatchObject({ code: 0 });

    await world.engine('rm', '-f', `para-${repoId(repo)}-s`);
    const gone = await exec('true');
    expect(gone).toMatchObject({ code: 125, stdout: '' });
    expect(gone.stderr).toContain('is gone');
    expect(existsSync(`${repo}/.para/worktrees/s/a.txt`)).toBe(true);
  });

  test('says 3 for a session that is not there, and 7 for one without a container', async () => {
    expect(await world.para(repo, ['docker', 'exec', 'nope', '--', 'true'])).toMatchObject({ code: 3 });
    expect(await world.para(repo, ['start', 'bare'])).toMatchObject({ code: 0 });
    expect(await world.para(repo, ['docker', 'exec', 'bare', '--', 'true'])).toMatchObject({ code: 7 });
  });
});
