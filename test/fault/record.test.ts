/**
 * F8: the file of a session's record is damaged, in 71 ways, when the next command is `list`, `finish` or `recover`:
 * none crashes, none deletes it, and the session is put together again, or left alone with the command to type.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { faultCase, sample } from './cases.ts';
import { inside, type Ended, type Inside } from './inside.ts';

interface Damage {
  readonly name: string;
  /** Does it to the file of this path. */
  readonly strike: (path: string, text: string) => void;
  /** `.prev` is taken away too: what git and the worktree say is all there is. */
  readonly alone: boolean;
}

const OFFSETS = 64;
const change = (with_: object) => (path: string, text: string) => {
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(text) as object), ...with_ }));
};
const CUT: readonly Damage[] = Array.from({ length: OFFSETS }, (_, index) => ({
  name: `cut at ${String(index)}/${String(OFFSETS)}`,
  strike: (path, text) => {
    // Also inside of a character.
    const bytes = Buffer.from(text);
    writeFileSync(path, bytes.subarray(0, Math.max(1, Math.floor((bytes.length * index) / OFFSETS))));
  },
  alone: index % 2 === 1,
}));
const OTHERS: readonly Damage[] = [
  { name: 'empty', strike: (path) => writeFileSync(path, ''), alone: true },
  {
    name: 'binary',
    strike: (path) => writeFileSync(path, Buffer.from([0, 255, 254, 0, 10, 192, 128])),
    alone: false,
  },
  { name: 'older', strike: change({ schema: 0, uuid: undefined }), alone: true },
  { name: 'newer', strike: change({ schema: 2, colour: 'blue' }), alone: true },
  {
    name: "another repository's",
    strike: change({
      ...{ uuid: '11111111-1111-4111-8111-111111111111', base: '1'.repeat(40) },
      worktree_path: '/elsewhere/.para/worktrees/s',
    }),
    alone: true,
  },
  {
    name: 'a link',
    strike: (path) => {
      rmSync(path);
      symlinkSync('/etc/passwd', path);
    },
    alone: true,
  },
  {
    name: 'a directory',
    strike: (path) => {
      rmSync(path);
      mkdirSync(path);
      writeFileSync(join(path, 'mine'), 'mine');
    },
    alone: false,
  },
];
const VERBS = {
  list: ['list', '--json'],
  finish: ['finish', 'Done', 's'],
  recover: ['recover', 's'],
} as const;
type Verb = keyof typeof VERBS;

let world: Inside;
let restore: () => void;
beforeAll(async () => {
  world = inside();
  expect(await world.para(['start', 's', '--docker', '--image', 'busybox'])).toMatchObject({ code: 0 });
  const worktree = join(world.repo.root, '.para/worktrees/s');
  const script = `echo c >committed; git add committed; git commit -qm committed; echo s >staged; git add staged
    echo l >loose`;
  execFileSync('sh', ['-ec', script], { cwd: worktree, env: world.repo.env });
  restore = world.keep();
});
afterAll(() => world.remove());

const state = (): string => join(world.repo.root, '.para/state');
const path = (): string => join(state(), 's.state');

/** Every file of the state directory: what is in it, of a link where it leads. */
function contents(): readonly string[] {
  return readdirSync(state(), { withFileTypes: true }).flatMap((entry) => {
    const at = join(state(), entry.name);
    if (entry.isSymbolicLink()) return [`-> ${readlinkSync(at)}`];
    if (entry.isFile()) return [readFileSync(at, 'latin1')];
    return entry.name.startsWith('s.state') ? [readdirSync(at).join(' ')] : [];
  });
}

const words = ({ stdout, stderr }: Ended): string => stdout + stderr;

/** Neither a crash nor a stack; a failure names the session and what to type. */
function behaves(ended: Ended): void {
  expect(words(ended)).not.toMatch(/^ {4}at /m);
  expect(ended.code).not.toBe(70);
  if (ended.code !== 0) expect(ended.stderr).toMatch(/✗ .*\bs\b[^]*↳ /);
}

const rowOf = ({ stdout }: Ended): { status: string; settle: string | null } | undefined =>
  (
    JSON.parse(stdout) as { sessions: { name: string; status: string; settle: string | null }[] }
  ).sessions.find(({ name }) => name === 's');

function workIsOn(branch: string): void {
  const files = world.repo.run(['ls-tree', '--name-only', branch]).split('\n');
  expect(files).toEqual(expect.arrayContaining(['committed', 'staged', 'loose']));
}

/** What a newer para wrote is left to it. */
async function isLeftAlone(verb: Verb, before: string): Promise<void> {
  const ended = await world.para(VERBS[verb]);
  behaves(ended);
  expect(words(ended) + JSON.stringify(ended.code)).toMatch(verb === 'list' ? /0$/ : /newer para[^]*5$/);
  expect(readFileSync(path(), 'latin1')).toBe(before);
  expect(world.repo.run(['rev-list', '--count', 'para/s'])).toBe('2');
}

/** At once, or once the command was typed that it named. */
async function finishes(ended: Ended): Promise<void> {
  if (ended.code === 0) return;
  expect(ended).toMatchObject({ code: 10, stderr: expect.stringContaining('↳ para recover s') });
  expect(await world.para(VERBS.recover)).toMatchObject({ code: 0 });
  expect(await world.para(VERBS.finish)).toMatchObject({ code: 0 });
}

async function survives(damage: Damage, verb: Verb): Promise<void> {
  damage.strike(path(), readFileSync(path(), 'utf8'));
  if (damage.alone) rmSync(`${path()}.prev`);
  const struck = contents().find((text) => !text.startsWith('{\n')) ?? contents()[0] ?? '';
  if (damage.name === 'newer') return isLeftAlone(verb, readFileSync(path(), 'latin1'));
  const ended = await world.para(VERBS[verb]);
  behaves(ended);
  expect(contents()).toContain(struck);
  if (verb === 'list') {
    const row = rowOf(ended);
    expect({ code: ended.code, there: row !== undefined }).toEqual({ code: 0, there: true });
    // What was before it is as good, when there is one.
    if (damage.alone) expect(row?.settle).toBe('para recover s');
  }
  if (verb === 'recover') {
    expect(ended).toMatchObject({ code: 0 });
    expect(rowOf(await world.para(['list', '--json']))).toMatchObject({ status: 'active', settle: null });
  }
  await finishes(verb === 'finish' ? ended : await world.para(VERBS.finish));
  workIsOn('para/s');
  expect(Object.keys(world.engine.containers)).toEqual([]);
}

describe.each(['list', 'finish', 'recover'] as const)('%s', (verb) => {
  test.each([...sample(CUT, 8), ...OTHERS].map((damage) => [damage.name, damage] as const))(
    '%s',
    async (name, damage) => {
      restore();
      await faultCase('F8', `${verb}, ${name}`, () => survives(damage, verb));
    },
  );
});
