/**
 * F9: the clock is a day back, a day ahead, in 1970, beyond 2038, or jumps back while a command runs, for six commands:
 * the result is that of a clock which is right. How old an archive is only a clock can say: beyond 2038 it is old.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultCase } from './cases.ts';
import { inside, type Inside } from './inside.ts';
import { misbehaved, openLedger, type Ledger } from './ledger.ts';
import { rowsOf } from './settle.ts';

// The date of commits is git's own: the clock is about right when nothing is said.
const NOW = Date.now();
const DAY = 86_400_000;
const CLOCKS: Readonly<Record<string, () => () => Date>> = {
  'a day back': () => () => new Date(NOW - DAY),
  'a day ahead': () => () => new Date(NOW + DAY),
  'in 1970': () => () => new Date(0),
  'beyond 2038': () => () => new Date('2050-01-02T03:04:05.678Z'),
  'that jumps': () => {
    let asked = 0;
    return () => new Date(NOW + ((asked += 1) % 2 === 1 ? DAY : -DAY));
  },
};
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  start: ['start', 'new'],
  list: ['list', '--all', '--json'],
  finish: ['finish', 'Done', 's'],
  cancel: ['cancel', 's', '--archive-ignored'],
  recover: ['recover', 'old'],
  clean: ['clean'],
};

let world: Inside;
let ledger: Ledger;
let restore: () => void;
let known: ReadonlyMap<string, string>;
beforeAll(async () => {
  world = inside();
  ledger = openLedger(world);
  world.clock = new Date(NOW);
  mkdirSync(join(world.repo.root, '.git/info'), { recursive: true });
  writeFileSync(join(world.repo.root, '.git/info/exclude'), '*.log\n');
  await run('start', 'old');
  put('old', 'one');
  put('old', 'one.log');
  await run('cancel', 'old', '--archive-ignored');
  await run('start', 's');
  put('s', 'two');
  await run('start', 'merged');
  await run('finish', 'Done', 'merged');
  restore = world.keep();
  known = ledger.known();
});
beforeEach(() => {
  restore();
  ledger = openLedger(world, known);
});
afterAll(() => world.remove());

async function run(...args: string[]): Promise<void> {
  const { code, stderr } = await world.para(args);
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
}

function put(session: string, name: string, text = `${name} of ${session}\n`): void {
  writeFileSync(join(ledger.worktree(session), name), text);
  ledger.remember({ bytes: text });
}

/** All that is to be the same, whatever the clock says. */
async function outcome(args: readonly string[], now: () => Date): Promise<object> {
  const ended = await world.para(args, { now });
  expect([...misbehaved(world, ended), ...(await ledger.broken())]).toEqual([]);
  const refs = (await ledger.git(['for-each-ref', '--format=%(refname)'])).replaceAll(
    /\d{8}T\d{9}Z/g,
    'TIME',
  );
  const rows = (await rowsOf(world))
    .map(({ name, status, settle }) => `${name} ${status} ${String(settle)}`)
    .sort();
  return { code: ended.code, refs, rows };
}

describe.each(Object.keys(COMMANDS))('%s', (command) => {
  test.each(Object.keys(CLOCKS))('with a clock %s', async (clock) => {
    await faultCase('F9', `${command}, ${clock}`, async () => {
      const args = COMMANDS[command] ?? [];
      const now = CLOCKS[clock]?.() ?? (() => new Date());
      if (command === 'clean' && clock === 'beyond 2038') return isOldThen(now);
      const control = await outcome(args, () => new Date(NOW));
      restore();
      expect(await outcome(args, now)).toEqual(control);
    });
  });
});

/** Nothing but what is past its days goes. */
async function isOldThen(now: () => Date): Promise<void> {
  expect(await world.para(['clean'], { now })).toMatchObject({ code: 0 });
  expect((await rowsOf(world)).map(({ name, status }) => `${name} ${status}`)).toEqual(['s active']);
  await run('cancel', 's');
  await run('recover', 's');
  expect(readFileSync(join(ledger.worktree('s'), 'two'), 'utf8')).toBe('two of s\n');
}

test('archives of one moment, or of a clock that goes back, stay apart, and the last one is the newest', async () => {
  const moments = [NOW, NOW, NOW - DAY, 0];
  for (const [index, moment] of moments.entries()) {
    const at = { now: () => new Date(moment) };
    expect(await world.para(['start', 'again'], at)).toMatchObject({ code: 0 });
    put('again', 'n', `${String(index)}\n`);
    put('again', 'n.log', `log ${String(index)}\n`);
    expect(await world.para(['cancel', 'again', '--archive-ignored'], at)).toMatchObject({ code: 0 });
  }
  expect(await ledger.broken()).toEqual([]);
  await run('recover', 'again');
  const text = (name: string): string => readFileSync(join(ledger.worktree('again'), name), 'utf8');
  expect([text('n'), text('n.log')]).toEqual(['3\n', 'log 3\n']);
});

test('what was archived while the clock was in 1970 is not old when it is right again', async () => {
  await world.para(['start', 'young'], { now: () => new Date(0) });
  put('young', 'n');
  expect(await world.para(['cancel', 'young'], { now: () => new Date(0) })).toMatchObject({ code: 0 });
  await run('clean');
  expect(await ledger.broken()).toEqual([]);
  await run('recover', 'young');
  expect(readFileSync(join(ledger.worktree('young'), 'n'), 'utf8')).toBe('n of young\n');
});
