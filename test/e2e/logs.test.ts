/** `para docker logs` on every engine: byte for byte, followed, cut off, of a container that runs or does not. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { inBackground, makeWorld, printed, repoId, type Ended, type World } from '../support/para.ts';

/** Said by the container's main process, since that is whose output the engine keeps. */
const SAY = 'printf "out \\033[1mbold\\n" >/proc/1/fd/1; sleep 0.1; echo err >/proc/1/fd/2';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('logs on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  const logs = (...flags: string[]): Promise<Ended> => world.para(repo, ['docker', 'logs', 's', ...flags]);
  const say = async (script: string): Promise<void> => {
    const ended = await world.para(repo, ['docker', 'exec', 's', '--', 'sh', '-c', script]);
    expect(ended).toMatchObject({ code: 0 });
  };

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    const started = await world.para(repo, ['start', 's', '--docker', '--image', testImages().busybox]);
    expect(started).toMatchObject({ code: 0 });
    await say(SAY);
  });
  afterAll(() => world.remove());

  test('prints both streams as they are, each where it belongs', async () => {
    expect(await logs()).toEqual(
      expect.objectContaining({ code: 0, stdout: 'out \u001b[1mbold\n', stderr: 'err\n' }),
    );
  });

  test('takes the last lines, those since a moment, and puts times before them', async () => {
    expect(await logs('--tail', '0')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await logs('--tail', '1')).toMatchObject({ stdout: '', stderr: 'err\n' });
    expect(await logs('--since', '1h')).toMatchObject({ stdout: 'out \u001b[1mbold\n', stderr: 'err\n' });
    expect(await logs('--since', '2999-01-01')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect((await logs('--timestamps')).stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+ out /);
  });

  test('--json is one document', async () => {
    const { code, stdout } = await logs('--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      session: 's',
      logs: expect.stringMatching(/err\n/),
    });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('follows until %s, which ends it tidily with %d', async (signal, code) => {
    const running = inBackground(world, ['docker', 'logs', 's', '-f', '--tail', '0'], { cwd: repo });
    const seen = { more: false };
    const waiting = printed(running, 'more').then(() => {
      seen.more = true;
    });
    // Until the engine's client is there, what is said is not new to it.
    while (!seen.more) await say('echo more >/proc/1/fd/1; sleep 0.2');
    await waiting;
    running.tell(signal);
    expect(await running.ended).toMatchObject({ code, stderr: '' });
    expect((await world.para(repo, ['docker', 'exec', 's', '--', 'true'])).code).toBe(0);
  });

  test('Ctrl-C on a terminal: 130', async () => {
    const command = `'${process.execPath}' '${world.binary}' docker logs s -f`;
    const running = world.start(['script', '-qec', command, '/dev/null'], {
      ...{ cwd: repo, env: { SHELL: '/bin/sh' }, open: true },
    });
    await printed(running, 'err');
    running.child.stdin?.write('\u0003');
    const ended = await running.ended;
    expect(ended.code).toBe(130);
    expect(ended.stdout).not.toContain('✗');
  });

  test('a reader that goes away is no failure that needs words', async () => {
    const command = `'${process.execPath}' '${world.binary}' docker logs s -f 2>&1 | head -n 1`;
    const running = world.start(['sh', '-c', command], { cwd: repo });
    await printed(running, 'bold');
    await say('echo more >/proc/1/fd/1; sleep 0.2; echo more >/proc/1/fd/1');
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('ends by itself when the container does, and reads a stopped one', async () => {
    const running = inBackground(world, ['docker', 'logs', 's', '--follow'], { cwd: repo });
    await printed(running, 'bold');
    expect(await world.para(repo, ['docker', 'stop', 's', '--grace', '1'])).toMatchObject({ code: 0 });
    expect(await running.ended).toMatchObject({ code: 0 });
    const ended = await logs();
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('bold') });
  });

  test('says what to do when the container is gone', async () => {
    await world.engine('rm', '-f', `para-${repoId(repo)}-s`);
    const ended = await logs();
    expect(ended).toMatchObject({ code: 7, stdout: '' });
    expect(ended.stderr).toContain('✗ the container of s is gone');
  });
});
