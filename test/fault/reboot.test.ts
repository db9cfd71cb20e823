/**
 * F15: the machine went down in the middle of a command. What is written down is of another boot, while its pids are in
 * use again; locks are left, and containers have ended. Docker's part of it is in daemon.engines.test.ts. Rootless and
 * other podmans share their locks and addresses among all stores of a user: to forget those of one is to harm the others,
 * so the fake engine stands for them.
 */
import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processIdentity } from '../../src/sys/lock.ts';
import { faultCase, sample } from './cases.ts';
import { START, theatre, type Before, type Stage } from './stage.ts';

interface Verb {
  readonly args: readonly string[];
  readonly before: Before;
  readonly isDone: (stage: Stage) => boolean;
}

const isRunning = (stage: Stage): boolean =>
  stage.engineHas() === 'running' &&
  stage.record()?.status === 'active' &&
  stage.record()?.operation === null;
const VERBS: readonly Verb[] = [
  { args: START, before: 'fresh', isDone: isRunning },
  { args: ['docker', 'start', 's', '--image', 'busybox'], before: 'plain', isDone: isRunning },
  {
    args: ['docker', 'stop', 's', '--remove'],
    before: 'boxed',
    isDone: (stage) => stage.engineHas() === undefined && stage.record()?.container === null,
  },
  {
    args: ['finish', 'Done', 's'],
    before: 'boxed',
    isDone: (stage) => stage.engineHas() === undefined && stage.record()?.status === 'review',
  },
  {
    args: ['cancel', 's'],
    before: 'boxed',
    isDone: (stage) => stage.engineHas() === undefined && stage.record() === undefined,
  },
  { args: ['recover', 's'], before: 'archived', isDone: (stage) => stage.record()?.status === 'active' },
];
const POINTS = ['1:after', '3:after', '4:before'];
const OTHER_BOOT = '00000000-0000-4000-8000-000000000000';

const house = theatre();
afterAll(() => {
  house.remove();
});

/** The pid of a process that lives, with its start: only the boot tells that it is another one. */
async function reboot({ at }: Stage): Promise<void> {
  const alive = { ...(await processIdentity(process.pid)), boot: OTHER_BOOT };
  const record = join(at.repo, '.para/state/s.state');
  const text = JSON.parse(readFileSync(record, 'utf8')) as { operation: object | null };
  writeFileSync(
    record,
    JSON.stringify({ ...text, operation: text.operation && { ...text.operation, ...alive } }),
  );
  const locks = join(at.repo, '.para/state/locks');
  mkdirSync(locks, { recursive: true });
  for (const name of ['session-s', 'repository'])
    writeFileSync(join(locks, name), JSON.stringify({ ...alive, what: 'was at work' }));
  const state = at.fake.env['FAKE_ENGINE_STATE'] ?? '';
  const engine = readFileSync(state, 'utf8').replaceAll('"state": "running"', '"state": "exited"');
  writeFileSync(state, engine);
}

async function settles(verb: Verb, point: string): Promise<void> {
  const stage = await house.set(verb.before);
  const ended = await stage.at.para(verb.args, `kill@${point}`);
  expect(ended).toMatchObject({ signal: 'SIGKILL' });
  await reboot(stage);
  const started = performance.now();
  expect(await stage.at.para(['list', '--all'])).toMatchObject({ code: 0 });
  expect(await stage.at.broken()).toEqual([]);
  if (stage.record() !== undefined || verb.before === 'archived') await stage.at.para(['recover', 's']);
  // A session that is whole again may need its container started, or the command once more.
  for (const args of [verb.args, ['docker', 'start', 's']])
    if (!verb.isDone(stage)) await stage.at.para(args);
  expect({ record: stage.record(), engine: stage.engineHas(), done: verb.isDone(stage) }).toMatchObject({
    done: true,
  });
  // Nobody waits for an owner of another boot.
  expect(performance.now() - started).toBeLessThan(25_000);
  expect(await stage.at.broken()).toEqual([]);
}

test.each(VERBS)(
  '$args: the machine went down',
  async (verb) => {
    const failed: string[] = [];
    for (const point of sample(POINTS, 3))
      await faultCase('F15', `${verb.args.join(' ')}: ${point}`, () => settles(verb, point)).catch(
        (error: unknown) => {
          failed.push(`${point}\n${String(error)}`);
        },
      );
    expect(failed.join('\n\n')).toBe('');
  },
  300_000,
);
