/** Commands in the background, in real containers: each runs once at most, whatever happens to its container. */
import { chownSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { enqueue, listQueue } from '../../src/sessions/queue.ts';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, type Ended, type World } from '../support/para.ts';

const FULL = process.env['PARA_FAULT_FULL'] === '1';
const COMMANDS = FULL ? 1_000 : 120;
const KILLS = FULL ? 50 : 4;
const RESTARTS = FULL ? 10 : 2;

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('queue on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let worktree: string;
  let state: string;
  const docker = (...args: string[]): Promise<Ended> => world.para(repo, ['docker', ...args]);

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    worktree = join(repo, '.para/worktrees/s');
    state = join(repo, '.para/state/docker/s');
    const started = await world.para(repo, ['start', 's', '--docker', '--image', testImages().busybox]);
    expect(started).toMatchObject({ code: 0 });
  });
  afterAll(() => world.remove());

  async function detach(...args: string[]): Promise<string> {
    const ended = await docker('exec', '--detach', ...args);
    expect(ended).toMatchObject({ code: 0 });
    return ended.stdout.trim();
  }
  const result = (id: string): Promise<Ended> => docker('queue', 'wait', id, 's');

  test('a command runs in the background, as the caller, and its result is kept', async () => {
    const id = await detach(
      '-e',
      'A=b c',
      's',
      '--',
      'sh',
      '-c',
      'echo "$A in $PWD"; echo err >&2; touch made; exit 7',
    );
    expect(await result(id)).toMatchObject({ code: 7, stdout: 'b c in /workspace\n', stderr: 'err\n' });
    expect(await world.out(['stat', '-c', '%u', 'made'], { cwd: worktree })).toBe(
      await world.out(['id', '-u'], { cwd: repo }),
    );
  });

  test('a deadline, a cancel', async () => {
    const slow = await detach('--timeout', '1', 's', '--', 'sleep', '300');
    expect(await result(slow)).toMatchObject({ code: 1, stderr: expect.stringContaining('took too long') });
    const runs = await detach('s', '--', 'sleep', '301');
    expect(await docker('queue', 'cancel', runs, 's')).toMatchObject({ code: 0 });
    expect(await result(runs)).toMatchObject({ code: 1, stderr: expect.stringContaining('was cancelled') });
    expect((await docker('exec', 's', '--', 'sh', '-c', 'ps | grep "[s]leep 30"')).stdout).toBe('');
  });

  test('stop ends what runs in order, and quickly; it is told that it was interrupted', async () => {
    const id = await detach('s', '--', 'sh', '-c', 'trap "echo bye >>ended; exit" TERM; sleep 302 & wait');
    await sleep(1500);
    const before = performance.now();
    expect(await docker('stop', 's')).toMatchObject({ code: 0 });
    expect(performance.now() - before).toBeLessThan(9_000);
    expect(readFileSync(join(worktree, 'ended'), 'utf8')).toBe('bye\n');
    expect(await result(id)).toMatchObject({ code: 1, stderr: expect.stringContaining('interrupted') });
    expect(await docker('start', 's')).toMatchObject({ code: 0 });
  });

  test(`${String(COMMANDS)} commands, ${String(KILLS)} kills of the runner, ${String(RESTARTS)} restarts: none runs twice`, async () => {
    // Nobody takes one before it is its user's.
    expect(await docker('stop', 's')).toMatchObject({ code: 0 });
    for (let n = 0; n < COMMANDS; n += 1)
      await enqueue(state, {
        id: `n${String(n)}`,
        type: 'exec',
        command: `echo n${String(n)} >>/workspace/ran`,
      });
    // The caller's, who may be another user than this one.
    const { uid, gid } = statSync(state);
    for (const file of readdirSync(join(state, 'cmd/queue')))
      chownSync(join(state, 'cmd/queue', file), uid, gid);
    expect(await docker('start', 's')).toMatchObject({ code: 0 });
    const gap = FULL ? 400 : 700;
    for (let round = 0; round < KILLS + RESTARTS; round += 1) {
      await sleep(gap * Math.random());
      if (round % Math.ceil((KILLS + RESTARTS) / RESTARTS) === 0)
        expect(await docker('stop', 's')).toMatchObject({ code: 0 });
      // The runner is the main process: the container ends with it.
      else
        await docker('exec', 's', '--', 'sh', '-c', 'kill -KILL $(cut -d" " -f2 </run/para/out/heartbeat)');
      for (let tries = 0; (await docker('start', 's')).code !== 0; tries += 1) expect(tries).toBeLessThan(20);
    }
    const open = async (): Promise<number> =>
      (await listQueue(state, true)).filter(({ state: word }) => word === 'queued' || word === 'running')
        .length;
    for (let tries = 0; (await open()) > 0; tries += 1) {
      expect(tries).toBeLessThan(600);
      await sleep(200);
    }
    const ran = readFileSync(join(worktree, 'ran'), 'utf8').trim().split('\n');
    expect(new Set(ran).size).toBe(ran.length);
    const rows = (await listQueue(state, true)).filter(({ command }) => /^n\d+$/.test(command.id));
    const done = rows.filter(({ state: word }) => word === 'done');
    expect(rows).toHaveLength(COMMANDS);
    // Each is done, and ran; or was begun when its runner was killed, and is called interrupted.
    for (const { command } of done) expect(ran).toContain(command.id);
    expect(rows.filter(({ state: word }) => word !== 'done' && word !== 'interrupted')).toEqual([]);
    expect(rows.length - done.length).toBeLessThanOrEqual(KILLS + RESTARTS);
  }, 600_000);
});
