/**
 * F16: para is killed while it waits for `create`, and the container comes later, when all else was taken back already
 * or not yet. Whatever is typed next, in the end the container is the session's, or `docker cleanup` takes it away.
 * Forty delays and next commands; eight of them in every run. So it is with git, which is waited for.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { wrap } from '../support/wrapper.ts';
import { faultCase, sample } from './cases.ts';
import { rowOf, START } from './verbs.ts';
import { faultWorld, type FaultWorld } from './world.ts';

const NEXT = [
  { name: 'recover', lines: [['recover', 's']] },
  { name: 'start', lines: [START] },
  { name: 'start without a container', lines: [['start', 's']] },
  { name: 'recover, then start', lines: [['recover', 's'], START] },
];
const CASES = Array.from({ length: 40 }, (_, index) => {
  const { name, lines } = NEXT[index % NEXT.length]!;
  return { name, lines, ms: 20 + index * 25 };
});

let at: FaultWorld;
beforeEach(async () => {
  at = await faultWorld();
  await at.here(['docker', 'list']);
});
afterEach(() => {
  at.remove();
});

const created = (): number => at.fake.calls().filter(([, verb]) => verb === 'create').length;

/** Kills para when its `create` has begun; that goes on, and is done after `ms`. */
async function dieInCreate(ms: number): Promise<void> {
  const faults = JSON.stringify([{ verb: 'create', nth: 1, do: 'delay', ms }]);
  const command = [process.execPath, at.world.binary, ...START];
  const env = { ...at.fake.env, FAKE_ENGINE_FAULTS: faults };
  const running = at.world.start(command, { cwd: at.repo, env });
  while (created() === 0) await sleep(5);
  running.child.kill('SIGKILL');
}

async function ok(args: readonly string[]): Promise<void> {
  expect({ args, ...(await at.here(args)) }).toMatchObject({ code: 0 });
}

test.each(sample(CASES, 5))('$name, with the container $ms ms later', async ({ name, lines, ms }) => {
  await faultCase('F16', `${name} ${String(ms)} ms`, async () => {
    const since = performance.now();
    await dieInCreate(ms);
    for (const line of lines) await ok(line);
    await sleep(Math.max(0, ms + 150 - (performance.now() - since)));
    expect(await at.broken()).toEqual([]);
    const had = (await rowOf(at))?.container ?? null;
    if (had === null) {
      // Work of a session that goes on without it is no reason to keep it.
      if ((await rowOf(at)) !== undefined) await at.work();
      await ok(['docker', 'cleanup']);
      expect(at.fake.containers()).toEqual([]);
    } else expect(had).toBe('running');
    if ((await rowOf(at)) !== undefined) await ok(['cancel', 's']);
    await ok(START);
    expect(await rowOf(at)).toMatchObject({ status: 'active', container: 'running' });
    expect(at.fake.containers()).toHaveLength(1);
  });
});

test('a git that goes on when para is dead is waited for by the next one', async () => {
  await faultCase('F1', 'a slow worktree add', async () => {
    const slow = wrap(at.world, 'git', 'case "$*" in *"worktree add"*) sleep 1 ;; esac');
    const env = { ...slow.env, PARA_FAULT: 'kill@2:during.1' };
    expect(await at.world.para(at.repo, ['start', 's'], { env })).toMatchObject({ signal: 'SIGKILL' });
    await ok(['recover', 's']);
    await sleep(1_200);
    expect(await rowOf(at)).toBeUndefined();
    expect(await at.git('for-each-ref', 'refs/heads/para', 'refs/para')).toBe('');
    expect(existsSync(at.worktree)).toBe(false);
  });
});
