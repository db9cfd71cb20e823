/** Whatever changing verb comes next settles what a para that died has left; and nobody has to wait who does not want. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processIdentity } from '../../src/sys/lock.ts';
import { runPara, type Ran } from '../support/run-para.ts';
import { footprint } from '../support/footprint.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
beforeEach(async () => {
  repo = tempRepo();
  await ok('start left');
});
afterEach(() => {
  repo.remove();
});

const ok = async (line: string | readonly string[]): Promise<Ran> => {
  const ran = await runPara(repo, line);
  expect(ran).toMatchObject({ code: 0 });
  return ran;
};
const file = (session: string): string => join(repo.root, '.para/state', `${session}.state`);
const worktree = (session: string): string => join(repo.root, '.para/worktrees', session);
const git = (...args: string[]): string => repo.run(args).trim();
const read = (session: string): Record<string, unknown> =>
  JSON.parse(readFileSync(file(session), 'utf8')) as Record<string, unknown>;

/** The record says that a para died in the middle. */
async function cutShort(
  session: string,
  status: string,
  how: { kind: string; wish?: object; alive?: boolean },
): Promise<void> {
  const identity = await processIdentity(process.pid);
  const started = how.alive === true ? identity.started : '1';
  const operation = { id: 'x', at: '2026-01-01T00:00:00.000Z', ...identity, started };
  const { kind, wish = {} } = how;
  writeFileSync(
    file(session),
    JSON.stringify({ ...read(session), status, operation: { ...operation, kind, wish } }),
  );
}

test('a finish of another session goes on, with its message and branch; one line says so', async () => {
  writeFileSync(join(worktree('left'), 'work.txt'), 'work\n');
  await cutShort('left', 'finishing', { kind: 'finish', wish: { message: 'Said then', branch: 'para/b' } });
  const { stderr } = await ok('start next');
  expect(stderr.split('\n')[0]).toBe(
    'The finish of left, which was cut short, has come to its end; its work is on the branch para/b',
  );
  expect(read('left')).toMatchObject({ status: 'review', branch: 'para/b', operation: null });
  expect(git('log', '-1', '--format=%s', 'para/b')).toBe('Said then');
});

test('a start is taken back, a cancel goes on, a recover too', async () => {
  await cutShort('left', 'starting', { kind: 'start' });
  expect((await ok('clean')).stderr).toContain('The start of left, which was cut short, is taken back');
  await ok('start left');
  writeFileSync(join(worktree('left'), 'work.txt'), 'work\n');
  await cutShort('left', 'cancelling', { kind: 'cancel' });
  expect((await ok('start next')).stderr).toContain('all is archived, to bring it back: para recover left');
  await ok('recover left');
  await cutShort('left', 'recovering', { kind: 'recover' });
  expect((await ok('clean')).stderr).toContain(`it is back in ${worktree('left')}`);
  expect(readFileSync(join(worktree('left'), 'work.txt'), 'utf8')).toBe('work\n');
});

test('a finish that pushes is left to its own session', async () => {
  git('init', '-q', '--bare', `${repo.root}.remote`);
  git('remote', 'add', 'origin', `${repo.root}.remote`);
  writeFileSync(join(worktree('left'), 'work.txt'), 'work\n');
  await cutShort('left', 'finishing', { kind: 'finish', wish: { message: 'Said then' } });
  expect((await ok('start next')).stderr).not.toContain('left');
  expect(read('left')).toMatchObject({ status: 'finishing' });
  const own = await runPara(repo, 'docker sync left');
  expect(own.stderr).toContain('The finish of left, which was cut short, has come to its end');
  expect(git('ls-remote', '--heads', 'origin')).toContain('refs/heads/para/left');
  rmSync(`${repo.root}.remote`, { recursive: true });
});

test('what can not be settled is remarked on, with the command, and the verb goes on', async () => {
  writeFileSync(join(worktree('left'), '.gitignore'), 'big\n');
  writeFileSync(join(worktree('left'), 'big'), '');
  await cutShort('left', 'cancelling', { kind: 'cancel' });
  const { stderr } = await ok('start next');
  expect(stderr).toMatch(
    /▲ The cancel of left was cut short, and can not be settled now: .*"big".*; to settle it: para recover left\n/,
  );
  expect(read('next')).toMatchObject({ status: 'active' });
});

describe('is left alone', () => {
  test('by verbs that only read, and by --dry-run', async () => {
    await cutShort('left', 'cancelling', { kind: 'cancel' });
    const before = footprint(repo);
    for (const line of ['list', 'clean --dry-run', 'start x --dry-run', 'config show']) await ok(line);
    expect(footprint(repo)).toEqual(before);
  });

  test('while its para lives, or its lock is held', async () => {
    await cutShort('left', 'cancelling', { kind: 'cancel', alive: true });
    expect((await ok('start next')).stderr).not.toContain('left');
    await cutShort('left', 'cancelling', { kind: 'cancel' });
    await hold('session-left');
    expect((await ok('start other')).stderr).not.toContain('left');
    expect(read('left')).toMatchObject({ status: 'cancelling' });
  });

  test('by the same verb, which goes on itself with what is said now', async () => {
    writeFileSync(join(worktree('left'), 'work.txt'), 'work\n');
    await cutShort('left', 'finishing', { kind: 'finish', wish: { message: 'Then', branch: 'para/b' } });
    const { stderr } = await ok(['finish', 'Now', 'left']);
    expect(stderr).not.toContain('cut short');
    expect(git('log', '-1', '--format=%s', 'para/b')).toBe('Now');
  });
});

/** Somebody who lives holds a lock. */
async function hold(lock: string): Promise<void> {
  const dir = join(repo.root, '.para/state/locks');
  mkdirSync(dir, { recursive: true });
  const owner = { ...(await processIdentity(process.pid)), what: 'takes its time' };
  writeFileSync(join(dir, lock), JSON.stringify(owner));
}

describe('--no-wait', () => {
  const BUSY = `para (pid ${String(process.pid)}: takes its time) is at work here`;
  test.each([
    ['session-left', ['finish', 'Done', 'left']],
    ['session-left', ['cancel', 'left']],
    ['session-left', ['recover', 'left']],
    ['session-left', ['resume', 'left']],
    ['session-left', ['docker', 'start', 'left', '--image', 'x']],
    ['session-next', ['start', 'next']],
    ['repository', ['start', 'next']],
    ['repository', ['finish', 'Done', 'left']],
    ['repository', ['cancel', 'left']],
  ])('%s held: %j is refused at once, and nothing is done', async (lock, line) => {
    const before = read('left');
    await hold(lock);
    const began = performance.now();
    const { code, stderr } = await runPara(repo, [...line, '--no-wait']);
    expect({ code, stderr }).toMatchObject({ code: 9, stderr: expect.stringContaining(BUSY) });
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(read('left')).toEqual(before);
  });

  test('with nobody in the way it changes nothing', async () => {
    await ok('start next --no-wait');
    await ok('cancel next --no-wait');
  });
});

test('a lock that was cut off with the machine holds nobody up', async () => {
  await hold('repository');
  writeFileSync(join(repo.root, '.para/state/locks/repository'), '');
  const began = performance.now();
  await ok('start next');
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('who waits is told for whom, also for the repository', async () => {
  await hold('repository');
  const release = setTimeout(() => {
    rmSync(join(repo.root, '.para/state/locks/repository'));
  }, 700);
  const { stderr } = await ok('start next');
  clearTimeout(release);
  expect(stderr).toContain(`Waiting for para (pid ${String(process.pid)}: takes its time)\n`);
});
