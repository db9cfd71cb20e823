/** Git objects and refs that cost nothing to make and all memory, or all time, to take; on the host, without an engine. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openSession, type TestSession } from '../git/session.ts';
import { attack } from './cases.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
});
afterEach(() => {
  s.temp.remove();
});

test('B01: a tree that names itself again and again is not unfolded', async () => {
  const entries = (line: (n: number) => string): string =>
    s.temp.run(['mktree'], {
      input: Array.from({ length: 10 }, (_, n) => `${line(n)}\n`).join(''),
      env: { GIT_DIR: s.sealed.dir },
    });
  const blob = s.temp.run(['hash-object', '-w', '--stdin'], { input: 'x', env: { GIT_DIR: s.sealed.dir } });
  let tree = entries((n) => `100644 blob ${blob}\tf${String(n)}`);
  for (let depth = 0; depth < 9; depth += 1) {
    const below = tree;
    tree = entries((n) => `040000 tree ${below}\td${String(n)}`);
  }
  const bomb = s.inside('commit-tree', tree, '-p', 'HEAD', '-m', 'ten thousand million files');
  s.inside('update-ref', `refs/heads/${s.branch}`, bomb);
  await attack({ attack: 'B01', on: 'host', under: 'docker sync' }, async () => {
    await expect(s.bringBack()).rejects.toMatchObject({ code: 'GIT_REFUSED', details: { commit: bomb } });
    expect(s.temp.run(['rev-parse', s.branch])).toBe(s.base);
  });
});

test('B02: some are taken, more than anybody makes are refused', async () => {
  const made = (count: number): string =>
    Array.from(
      { length: count },
      (_, n) =>
        `commit refs/heads/${'x'.repeat(100)}${String(n)}\ncommitter A <a@b> ${String(n)} +0000\ndata 0\n\n`,
    ).join('');
  const env = { GIT_DIR: s.sealed.dir };
  s.temp.run(['fast-import', '--quiet', '--force'], { input: made(200), env });
  expect((await s.bringBack()).others).toHaveLength(200);
  s.temp.run(['fast-import', '--quiet', '--force'], { input: made(2_300), env });
  s.temp.run(['pack-refs', '--all'], { env });
  await attack({ attack: 'B02', on: 'host', under: 'docker sync' }, async () => {
    await expect(s.bringBack()).rejects.toMatchObject({ code: 'GIT_REFUSED' });
  });
});
