/**
 * F7: para's state, a worktree or the git directory is on a read-only file system: what reads works, what writes refuses
 * before it has changed anything. Only root can mount, and for root the mode of a file is no obstacle: for others there are
 * no cases.
 */
import { afterAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { faultCase, sample } from './cases.ts';
import { theatre, type Stage } from './stage.ts';

const PLACES = ['.para/state', '.para/worktrees/s', '.git'];
const READS = [['list'], ['docker', 'list'], ['docker', 'exec', 's', '--', 'cat', 'committed']];
const WRITES = [
  ['finish', 'Done', 's'],
  ['cancel', 's'],
  ['recover', 's'],
  ['docker', 'stop', 's', '--remove'],
  ['docker', 'sync', 's'],
];

const house = theatre();
afterAll(() => {
  house.remove();
});

/** All that a command could have changed. */
async function seen({ at }: Stage): Promise<unknown> {
  const files = execFileSync(
    'sh',
    ['-c', 'find . -path ./.git/objects -prune -o -type f -exec sha1sum {} + | sort'],
    {
      cwd: at.repo,
      encoding: 'utf8',
    },
  );
  return { files, refs: await at.git('for-each-ref'), containers: at.fake.containers() };
}

async function readOnly(place: string, args: readonly string[]): Promise<void> {
  const stage = await house.set('boxed');
  const path = join(stage.at.repo, place);
  const before = await seen(stage);
  execFileSync('mount', ['--bind', path, path]);
  try {
    execFileSync('mount', ['-o', 'remount,bind,ro', path]);
    const ended = await stage.at.para(args);
    if (READS.includes(args as string[])) expect(ended).toMatchObject({ code: 0 });
    else {
      expect(ended).toMatchObject({ code: 1 });
      expect(ended.stderr).toContain(`✗ ${path} can not be written: it is on a read-only file system`);
      expect(ended.stderr).toMatch(/↳ \S/);
    }
    expect(await seen(stage)).toEqual(before);
  } finally {
    execFileSync('umount', ['-l', path]);
  }
  if (args[0] !== 'docker') expect(await stage.at.para(args)).toMatchObject({ code: 0 });
  expect(await stage.at.broken()).toEqual([]);
}

if (process.getuid?.() === 0)
  test.each(PLACES)(
    '%s is read-only',
    async (place) => {
      const failed: string[] = [];
      for (const args of sample([...READS, ...WRITES], 3)) {
        const label = `${args.join(' ')}: ${place}`;
        await faultCase('F7', label, () => readOnly(place, args)).catch((error: unknown) => {
          failed.push(`${label}\n${String(error)}`);
        });
      }
      expect(failed.join('\n\n')).toBe('');
    },
    300_000,
  );
