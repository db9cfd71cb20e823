/** An agent runs in the background, in the container or beside it, and its end is known when para is long gone. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, type World } from '../support/para.ts';

/** Waits for what comes by itself. */
async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; !what(); tries += 1) {
    if (tries > 200) throw new Error('it did not come within 20 s');
    await sleep(100);
  }
}

interface Dispatched {
  readonly agent: { readonly run: number; readonly pid: number; readonly log: string };
}

let count = 0;
let session: string;
beforeEach(() => {
  count += 1;
  session = `s${String(count)}`;
});

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  const files = (name: string): string => join(repo, '.para/state/docker', session, name);
  const log = (run = 1): string => {
    const file = files(`logs/agent-${String(run)}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const ended = (run = 1): boolean => existsSync(files(`logs/agent-${String(run)}.end`));

  /** Makes `script` the agent; it gets the prompt's file as $1 and the prompt as $2. */
  async function agent(script: string): Promise<void> {
    const command = JSON.stringify(['sh', '-c', script, 'sh', '{prompt_file}', 'p={prompt}']);
    expect(await world.para(repo, ['config', 'set', 'agent.command', command])).toMatchObject({ code: 0 });
  }
  const dispatch = (
    ...args: readonly string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    world.para(repo, ['dispatch', session, ...args]);
  const boxed = ['--docker', '--image', testImages().busybox];

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
  });
  afterAll(() => world.remove());

  test.each([
    ['in the container', boxed],
    ['on the host', []],
  ])('%s: it goes on without para, and its end is written down', async (where, options) => {
    await agent(
      'cat "$1"; echo; echo "$2 in $PWD as $PARA_SESSION"; cat; i=0; while [ ! -e go ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done; exit 3',
    );
    const { code, stdout, stderr } = await dispatch('two\nlines', ...options, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { agent: started } = JSON.parse(stdout) as Dispatched;
    expect(started).toMatchObject({ run: 1, log: files('logs/agent-1.log') });
    await until(() => log().includes(' as '));
    const place = where === 'on the host' ? join(repo, '.para/worktrees', session) : '/workspace';
    expect(log()).toBe(`two\nlines\np=two\nlines in ${place} as ${session}\n`);
    expect(ended()).toBe(false);
    expect(statSync(files('cmd/prompt-1.txt')).mode & 0o777).toBe(0o600);
    writeFileSync(join(repo, '.para/worktrees', session, 'go'), '');
    await until(ended);
    expect(readFileSync(files('logs/agent-1.end'), 'utf8')).toMatch(/^[0-9a-f-]{36} 3\n$/);
  });

  test('the prompt is in no command line when the agent takes a file, and in no label or inspect', async () => {
    const command = JSON.stringify(['sh', '-c', 'sleep 30', 'sh', '{prompt_file}']);
    await world.para(repo, ['config', 'set', 'agent.command', command]);
    await world.out([process.execPath, world.binary, 'dispatch', session, '-', ...boxed], {
      cwd: repo,
      input: 'hush-4711\n',
    });
    expect(readFileSync(files('cmd/prompt-1.txt'), 'utf8')).toBe('hush-4711\n');
    const name = (
      await world.engine('ps', '--format', '{{.Names}}', '--filter', `label=para.session=${session}`)
    ).trim();
    expect(await world.engine('inspect', name)).not.toContain('hush-4711');
    expect(execFileSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' })).not.toContain('hush-4711');
    expect(
      await world.engine(
        'exec',
        name,
        'sh',
        '-c',
        'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; :',
      ),
    ).not.toContain('hush-4711');
  });

  test('resume: not while it runs; then more; and again after the container was stopped under it', async () => {
    const wait = 'i=0; while [ ! -e go ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done; rm -f go';
    await agent(`echo first; ${wait}`);
    const more = JSON.stringify(['sh', '-c', `echo "more $1"; ${wait}`, 'sh', '{prompt}']);
    await world.para(repo, ['config', 'set', 'agent.resume_command', more]);
    try {
      expect(await dispatch('x', ...boxed)).toMatchObject({ code: 0 });
      await until(() => log() === 'first\n');
      const busy = await world.para(repo, ['resume', session, '-p', 'tests']);
      expect(busy).toMatchObject({ code: 10, stdout: '' });
      expect(busy.stderr).toMatch(/still runs \(pid \d+ in the container\)/);
      writeFileSync(join(repo, '.para/worktrees', session, 'go'), '');
      await until(ended);
      expect(await world.para(repo, ['resume', session, '-p', 'tests'])).toMatchObject({ code: 0 });
      await until(() => log(2) === 'more tests\n');
      // It is told to end, and has the time to.
      expect(await world.para(repo, ['docker', 'stop', session])).toMatchObject({ code: 0 });
      expect(ended(2)).toBe(true);
      const again = await world.para(repo, ['resume', session]);
      expect(again).toMatchObject({ code: 0 });
      expect(again.stderr).toContain('Started the container');
      await until(() => log(3) === 'more Go on where you stopped.\n');
      const pid = /pid (\d+) in/.exec((await world.para(repo, ['resume', session])).stderr)?.[1] ?? '';
      expect(await world.para(repo, ['docker', 'exec', session, '--', 'kill', pid])).toMatchObject({
        code: 0,
      });
      await until(() => ended(3));
    } finally {
      await world.out(['rm', '-f', join(world.dir, 'config/para/config.json')]);
    }
  });

  test('the setup script makes the container ready before the agent starts; one that fails undoes the start', async () => {
    const script = 'mkdir -p "$HOME/bin"; echo "in $PWD as $PARA_SESSION"; echo made >made; exit ${CODE:-0}';
    await world.out(['sh', '-c', 'printf %s "$0" >setup', script], { cwd: repo });
    await agent('cat made');
    const setup = [...boxed, '--setup-script', 'setup'];
    expect(await dispatch('x', ...setup)).toMatchObject({ code: 0 });
    await until(ended);
    expect(log()).toBe('made\n');
    expect(readFileSync(files('logs/setup.log'), 'utf8')).toBe(`in /workspace as ${session}\n`);
    expect(statSync(join(repo, '.para/worktrees', session, 'made')).uid).toBe(engine.uid);
    session += 'f';
    const failed = await dispatch('x', ...setup, '--env', 'CODE=4');
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('the setup script setup ended with exit code 4');
    expect(failed.stderr).toContain(`in /workspace as ${session}`);
    expect(existsSync(files(''))).toBe(false);
    expect(await world.engine('ps', '-aq', '--filter', `label=para.session=${session}`)).toBe('');
  });

  test('no such program in the image: 127, and nothing is left of the start', async () => {
    await world.para(repo, ['config', 'set', 'agent.command', '["no-such-agent", "{prompt}"]']);
    const { code, stderr } = await dispatch('x', ...boxed);
    expect(code).toBe(127);
    expect(stderr).toContain('✗ there is no no-such-agent in the container');
    expect(existsSync(files(''))).toBe(false);
    expect(await world.out(['git', 'branch', '--list', `para/${session}`], { cwd: repo })).toBe('');
    expect(await world.engine('ps', '-aq', '--filter', `label=para.session=${session}`)).toBe('');
  });

  test('the project may name the agent of a container, and not one of this machine', async () => {
    await agent('exit 0');
    const theirs = JSON.stringify({
      agent: { command: ['sh', '-c', 'echo theirs; touch ran', 'sh', '{prompt}'] },
    });
    await world.out(['sh', '-c', 'mkdir -p .para && printf %s "$0" >.para/config.json', theirs], {
      cwd: repo,
    });
    try {
      expect(await dispatch('x', ...boxed)).toMatchObject({ code: 0 });
      await until(ended);
      expect(log()).toBe('theirs\n');
      session += 'h';
      expect(await dispatch('x')).toMatchObject({ code: 0 });
      await until(ended);
      expect(log()).toBe('');
      expect(existsSync(join(repo, '.para/worktrees', session, 'ran'))).toBe(false);
    } finally {
      await world.out(['rm', '.para/config.json'], { cwd: repo });
    }
  });
});
