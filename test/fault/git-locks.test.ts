/**
 * F12: a lock of git's is there, held for a moment by somebody else or left behind by one who was killed: the index's, a
 * branch's, that of the packed refs, and a worktree that a person has locked. A new worktree has no lock of its own, so
 * of the matrix' 4 × 4 two are not there; the others are tried both held and left.
 */
import { afterAll, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { faultCase, sample } from './cases.ts';
import { theatre, type Before, type Stage } from './stage.ts';

interface Verb {
  readonly args: readonly string[];
  readonly before: Before;
  readonly isDone: (stage: Stage) => boolean;
}

const isActive = (stage: Stage): boolean => stage.record()?.status === 'active';
const VERBS: readonly Verb[] = [
  { args: ['start', 's'], before: 'fresh', isDone: isActive },
  { args: ['finish', 'Done', 's'], before: 'plain', isDone: (stage) => stage.record()?.status === 'review' },
  { args: ['cancel', 's'], before: 'plain', isDone: (stage) => stage.record() === undefined },
  { args: ['recover', 's'], before: 'archived', isDone: isActive },
];

/** Below the git directory; a session that has no worktree yet meets the main checkout's index. */
const LOCKS = [
  { lock: 'index.lock', own: 'worktrees/s/index.lock' },
  { lock: 'refs/heads/para/s.lock', own: 'refs/heads/para/s.lock' },
  { lock: 'packed-refs.lock', own: 'packed-refs.lock' },
  { lock: undefined, own: 'worktrees/s/locked' },
];

const house = theatre();
afterAll(() => {
  house.remove();
});

async function locked(verb: Verb, lock: string, held: boolean): Promise<void> {
  const stage = await house.set(verb.before);
  const file = join(stage.at.repo, '.git', lock);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  if (held)
    setTimeout(() => {
      rmSync(file, { force: true });
    }, 400);
  const ended = await stage.para(verb.args);
  if (held) expect(ended).toMatchObject({ code: 0 });
  // What is not para's stays, whatever it costs.
  else expect(existsSync(file) || verb.isDone(stage)).toBe(true);
  if (ended.code !== 0) {
    expect([4, 10]).toContain(ended.code);
    expect(ended.stderr).toMatch(/✗ [^]*↳ \S/);
    expect(ended.stderr).toContain(lock.endsWith('locked') ? 'git worktree unlock' : `rm ${file}`);
    expect(existsSync(file)).toBe(true);
  }
  expect(await stage.at.broken()).toEqual([]);
  rmSync(file, { force: true });
  if (!verb.isDone(stage)) expect(await stage.para(verb.args)).toMatchObject({ code: 0 });
  expect(verb.isDone(stage)).toBe(true);
  expect(await stage.at.broken()).toEqual([]);
}

test.each(VERBS)(
  '$args: with a lock of git',
  async (verb) => {
    const failed: string[] = [];
    const cases = LOCKS.flatMap(({ lock, own }) => {
      const path = verb.before === 'plain' ? own : lock;
      if (path === undefined) return [];
      // A person who locks a worktree does not do so for a moment.
      return path.endsWith('locked')
        ? [{ path, held: false }]
        : [true, false].map((held) => ({ path, held }));
    });
    for (const { path, held } of sample(cases, 3)) {
      const label = `${verb.args.join(' ')}: ${path} ${held ? 'held' : 'left'}`;
      await faultCase('F12', label, () => locked(verb, path, held)).catch((error: unknown) => {
        failed.push(`${label}\n${String(error)}`);
      });
    }
    expect(failed.join('\n\n')).toBe('');
  },
  300_000,
);

test('the lock of a branch that para itself has left behind goes', async () => {
  await faultCase('F12', "start s: para's own lock", async () => {
    const stage = await house.set('fresh');
    // The worktree is being made: the second step.
    expect(await stage.at.para(['start', 's'], 'kill@2:after')).toMatchObject({ signal: 'SIGKILL' });
    const file = join(stage.at.repo, '.git/refs/heads/para/s.lock');
    writeFileSync(file, '');
    expect(await stage.para(['start', 's'])).toMatchObject({ code: 0 });
    expect(existsSync(file)).toBe(false);
  });
});
