/** `para docker exec` passes everything through untouched: argv, stdin, exit code, terminal, signals. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, type Ended, type Options, type World } from '../support/para.ts';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('exec on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let worktree: string;
  const exec = (argv: readonly string[], options?: Options): Promise<Ended> =>
    world.para(repo, ['docker', 'exec', 's', '--', ...argv], options);

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    worktree = `${repo}/.para/worktrees/s`;
    const started = await world.para(repo, ['start', 's', '--docker', '--image', testImages().busybox]);
    expect(started).toMatchObject({ code: 0 });
  });
  afterAll(() => world.remove());

  test.each([
    [0, 'exit 0'],
    [1, 'exit 1'],
    [42, 'exit 42'],
    [125, 'exit 125'],
    [126, 'exit 126'],
    [127, 'exit 127'],
    [137, 'kill -9 $$'],
  ])('gives back %d of: %s', async (code, script) => {
    expect(await exec(['sh', '-c', script])).toMatchObject({ code, stdout: '' });
  });

  test('says 127 for a command that is not there and 126 for one that can not be run', async () => {
    expect(await exec(['no-such-command'])).toMatchObject({ code: 127 });
    expect(await exec(['./a.txt'])).toMatchObject({ code: 126 });
  });

  test('passes every argument on as it is', async () => {
    const args = [
      'a b',
      "it's",
      '"q"',
      '--',
      '-x',
      '--json',
      'two\nlines',
      'ünï→✓',
      '',
      '$HOME',
      '*',
      '\\',
      'tab\t',
    ];
    const script = 'for a; do printf "%s\\0" "$a"; done';
    const ended = await exec(['sh', '-c', script, 'sh', ...args]);
    expect(ended.code).toBe(0);
    expect(ended.stdout.split('\0').slice(0, -1)).toEqual(args);
  });

  test('carries 5 MB of binary in and out', async () => {
    const input = randomBytes(5 * 1024 * 1024);
    const ended = await exec(['sh', '-c', 'tee /workspace/copy.bin; sha256sum </workspace/copy.bin >&2'], {
      input,
    });
    const sha = createHash('sha256').update(input).digest('hex');
    expect(createHash('sha256').update(ended.bytes).digest('hex')).toBe(sha);
    expect(ended.stderr).toContain(sha);
    await exec(['rm', '/workspace/copy.bin']);
  });

  test('keeps stdout and stderr apart', async () => {
    expect(await exec(['sh', '-c', 'echo out; echo err >&2'])).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('names the session and the workspace in the environment', async () => {
    const ended = await exec(['sh', '-c', 'echo "$PARA_SESSION $PARA_WORKSPACE $PWD"']);
    expect(ended.stdout).toBe('s /workspace /workspace\n');
  });

  test('runs in the sub-directory that it was typed in, of the session around it', async () => {
    const ended = await world.para(`${worktree}/d`, ['docker', 'exec', '--', 'sh', '-c', 'pwd; cat b.txt']);
    expect(ended).toMatchObject({ code: 0, stdout: '/workspace/d\ntwo\n' });
  });

  test.each([[['docker', 'exec', 's']], [['docker', 'exec', 's', '--']], [['docker', 'exec', 's', 'ls']]])(
    'is a usage error without a command after two dashes: %j',
    async (args) => {
      expect(await world.para(repo, args)).toMatchObject({ code: 2, stdout: '' });
    },
  );
});
