/**
 * A01–A12 and A14 against every verb that asks git, on the fake engine: no program of the container's side runs, no
 * branch but the session's moves, and no work is lost. Each vector is first shown to work on a git that is not hardened.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isFull } from '../fault/cases.ts';
import { paraHere } from '../fault/para-here.ts';
import { faultWorld, type Answer, type FaultWorld } from '../fault/world.ts';
import { attack } from './cases.ts';
import { GIT_VECTORS, type Vector } from './git-vectors.ts';

let at: FaultWorld;
let marker: string;
const START = ['start', 's', '--docker', '--image', 'busybox'];

beforeAll(async () => {
  at = await faultWorld();
  marker = join(at.world.dir, 'work/marker');
  expect(await at.here(START)).toMatchObject({ code: 0 });
  await at.work();
  at.save();
});
afterAll(() => at.remove());

const sh = (script: string): Promise<string> =>
  at.world.out(['sh', '-c', script], { cwd: at.repo, env: variables() });
const variables = (): Record<string, string> => ({
  ...{ W: at.worktree, H: at.worktree, R: at.repo, M: marker, G: join(at.repo, '.para/state/docker/s/git') },
  GIT_CONFIG_COUNT: '0',
});
const para = (args: readonly string[], cwd = at.repo): Promise<Answer> =>
  paraHere(cwd, args, { ...at.world.env, ...at.fake.env });
const mainTip = (): Promise<string> => at.git('rev-parse', 'main');

/** The session with its work, and the vector in it. */
async function planted({ users, plant }: Vector): Promise<void> {
  rmSync(marker, { force: true });
  at.reset();
  if (users !== undefined) await sh(users);
  await sh(`set -e; ${plant}`);
  rmSync(marker, { force: true });
  await at.ready();
  rmSync(marker, { force: true });
}

/** Nothing has run, and only the session's own branch is another one. */
async function expectHeld(args: readonly string[], main: string): Promise<void> {
  expect([args, existsSync(marker)]).toEqual([args, false]);
  expect([args, await mainTip()]).toEqual([args, main]);
  const heads = (await at.git('for-each-ref', '--format=%(refname)', 'refs/heads')).split('\n');
  expect([args, heads.filter((head) => !['refs/heads/main', 'refs/heads/para/s'].includes(head))]).toEqual([
    args,
    [],
  ]);
}

/** What only reads ends well; what changes ends well or refuses, with all there still. */
const READING = [
  ...[
    ['list'],
    ['status', 'show', 's'],
    ['monitor', '--once'],
    ['docker', 'list'],
    ['list', '--json', '--size'],
  ],
];
const WAYS: readonly (readonly (readonly string[])[])[] = [
  [...READING, ['docker', 'sync', 's'], ['finish', 'Rest', 's', '-f']],
  [['cancel', 's', '-f'], ['recover', 's'], ['clean'], ['list', '--all']],
];
/** In a full run each verb meets the vector fresh, and is typed in the worktree too. */
const ALONE: readonly (readonly (readonly string[])[])[] = [
  ...READING.map((verb) => [verb]),
  ...[
    ['docker', 'sync', 's'],
    ['docker', 'stop', 's', '--remove'],
    ['docker', 'stop', 's'],
  ].map((verb) => [verb]),
  ...[['finish', 'Rest', 's'], ['finish', 'Rest', 's', '-f'], ['cancel', 's'], ['clean']].map((verb) => [
    verb,
  ]),
  [['recover', 's']],
  [
    ['docker', 'stop', 's'],
    ['docker', 'start', 's'],
    ['docker', 'exec', 's', '--', 'true'],
  ],
  ...WAYS,
];
/** No such session, git, refused: with a reason, and with all still there. */
const REFUSALS: ReadonlySet<number> = new Set([3, 4, 10]);
const READS = new Set(['list', 'status', 'monitor']);

test.each(GIT_VECTORS.map((vector) => [vector.id, vector] as const))('%s', async (id, vector) => {
  await planted(vector);
  const main = await mainTip();
  await sh(vector.naive);
  // The vector is good: without para's care this would have happened.
  expect(existsSync(marker) || (await mainTip()) !== main).toBe(true);
  for (const cwd of isFull ? [at.repo, at.worktree] : [at.repo])
    for (const way of isFull ? ALONE : WAYS) {
      await planted(vector);
      for (const args of way)
        await attack({ attack: id, on: 'host', under: verbOf(args) }, async () => {
          const answer = await para(args, existsSync(cwd) ? cwd : at.repo);
          await expectHeld(args, main);
          if (READS.has(args[0] ?? '')) expect([args, answer]).toMatchObject([args, { code: 0 }]);
          // It refuses in words of its own, and names no bug of para's.
          else if (answer.code !== 0)
            expect([args, REFUSALS.has(answer.code ?? 0), answer.stderr]).toEqual([
              args,
              true,
              expect.stringMatching(/^✗ \S/m),
            ]);
        });
      expect([way, await at.broken()]).toEqual([way, []]);
    }
});

/** `finish`, `docker sync`: the words before the arguments. */
function verbOf(args: readonly string[]): string {
  return args.slice(0, args[0] === 'docker' ? 2 : 1).join(' ');
}
