/**
 * F1 at a finer grain than kill.test.ts: para dies before and after each process and each change of a file, and in the
 * middle of the removal of a directory. After each: nothing is lost, what `list` names settles it, and all ends well.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cases, sample } from './cases.ts';
import { inside, type Inside } from './inside.ts';
import { misbehaved, openLedger, type Ledger } from './ledger.ts';
import { end, rowsOf } from './settle.ts';

type Prepare = (world: Inside, ledger: Ledger) => Promise<void>;
interface Verb {
  readonly name: string;
  readonly before: readonly Prepare[];
  readonly args: readonly string[];
}

const para =
  (...args: string[]): Prepare =>
  async (world) => {
    expect(await world.para(args)).toMatchObject({ code: 0 });
  };
const boxed = para('start', 's', '--docker', '--image', 'busybox');
const plain = para('start', 's');

/** Work of each kind on the host. */
const work: Prepare = async (_world, ledger) => {
  const worktree = ledger.worktree('s');
  for (const name of ['committed', 'staged', 'loose']) {
    writeFileSync(join(worktree, name), `${name}\n`);
    ledger.remember({ bytes: `${name}\n` });
    if (name !== 'loose') await ledger.git(['add', name], worktree);
    if (name === 'committed') await ledger.git(['commit', '-qm', name], worktree);
  }
  ledger.remember({ commit: await ledger.git(['rev-parse', 'HEAD'], worktree) });
};
const workInside: Prepare = async (_world, ledger) => {
  writeFileSync(join(ledger.worktree('s'), 'inside'), 'inside\n');
  await ledger.gitInside('s', ['add', 'inside']);
  await ledger.gitInside('s', ['commit', '-qm', 'inside']);
  ledger.remember({ bytes: 'inside\n', commit: await ledger.gitInside('s', ['rev-parse', 'HEAD']) });
};
const ignored: Prepare = (world, ledger) => {
  mkdirSync(join(world.repo.root, '.git/info'), { recursive: true });
  writeFileSync(join(world.repo.root, '.git/info/exclude'), '/.para/worktrees/\n/.para/state/\n*.log\n');
  writeFileSync(join(ledger.worktree('s'), 'x.log'), 'a log\n');
  ledger.remember({ bytes: 'a log\n' });
  return Promise.resolve();
};
const byHand =
  (path: string): Prepare =>
  async (world, ledger) => {
    rmSync(join(world.repo.root, path), { recursive: true });
    await ledger.forgive();
  };

const VERBS: readonly Verb[] = [
  { name: 'start', before: [], args: ['start', 's'] },
  { name: 'start --docker', before: [], args: ['start', 's', '--docker', '--image', 'busybox'] },
  { name: 'docker start', before: [plain, work], args: ['docker', 'start', 's', '--image', 'busybox'] },
  { name: 'docker stop --remove', before: [boxed, workInside], args: ['docker', 'stop', 's', '--remove'] },
  { name: 'docker sync', before: [boxed, workInside], args: ['docker', 'sync', 's'] },
  { name: 'finish', before: [boxed, workInside], args: ['finish', 'Done', 's'] },
  { name: 'finish, plain', before: [plain, work], args: ['finish', 'Done', 's', '-b', 'mine'] },
  {
    name: 'finish, no worktree',
    before: [boxed, workInside, byHand('.para/worktrees/s')],
    args: ['finish', 'Done', 's', '-b', 'mine'],
  },
  { name: 'cancel', before: [boxed, workInside], args: ['cancel', 's'] },
  { name: 'cancel, plain', before: [plain, work, ignored], args: ['cancel', 's', '--archive-ignored'] },
  {
    name: 'recover',
    before: [plain, work, ignored, para('cancel', 's', '--archive-ignored')],
    args: ['recover', 's'],
  },
  {
    name: 'recover, no worktree',
    before: [boxed, workInside, byHand('.para/worktrees/s')],
    args: ['recover', 's'],
  },
  {
    name: 'recover, no record',
    before: [boxed, workInside, byHand('.para/state/s.state')],
    args: ['recover', 's'],
  },
  { name: 'clean', before: [plain, para('finish', 'Done', 's')], args: ['clean'] },
];

let world: Inside;
afterEach(() => world.remove());

async function dies(ledger: Ledger, { args }: Verb, killAt: number): Promise<readonly string[]> {
  const ended = await world.para(args, { killAt });
  const wrong = [...misbehaved(world, ended), ...(await ledger.broken())];
  await rowsOf(world);
  return [...wrong, ...(await end(world, ledger))];
}

describe.each(VERBS.map((verb) => [verb.name, verb] as const))('%s', (_name, verb) => {
  test('dies at each moment', async () => {
    world = inside();
    const ledger = openLedger(world);
    for (const prepare of verb.before) await prepare(world, ledger);
    const restore = world.keep();
    const { code, points } = await world.para(verb.args);
    expect(code).toBe(0);
    const all = Array.from({ length: points }, (_, index) => index + 1);
    await cases('F1', sample(all, 40), {
      label: (killAt) => `${verb.name}, dies at moment ${String(killAt)}`,
      work: async (killAt) => {
        restore();
        expect(await dies(ledger, verb, killAt)).toEqual([]);
      },
    });
  }, 3_600_000);
});
