/**
 * F6: the disk is full: that of the state directory at each of ten amounts of space that are left, that of the
 * worktrees, and that of git's objects. The command fails and says so, or there was enough; what was there can be read
 * and nothing is lost; with space again the same things work. As root on a small tmpfs that is really full; others have
 * the fault at ten steps.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { faultCase, isFull } from './cases.ts';
import { converges } from './strike.ts';
import { rowOf, VERBS, type Verb } from './verbs.ts';
import { faultWorld, type FaultWorld } from './world.ts';

const isRoot = process.getuid?.() === 0;

interface Case {
  readonly verb: string;
  /** Below the repository. */
  readonly place: '.para/state' | '.para/worktrees' | '.git/objects';
  /** Pages of 4 KiB that are left when it begins. */
  readonly left: number;
}
const STATE_VERBS = ['start', 'finish', 'cancel', 'recover', 'docker start of a plain session'];
/** Amounts and verbs take turns; each with each in a full run. */
const STATE_CASES = Array.from({ length: 10 }, (_, left) =>
  STATE_VERBS.filter((_verb, index) => isFull || index === left % STATE_VERBS.length).map((verb) => ({
    ...{ verb, place: '.para/state' as const, left },
  })),
).flat();
const CASES: readonly Case[] = [
  ...STATE_CASES,
  ...['start', 'recover', 'dispatch'].map((verb, left) => ({
    verb,
    place: '.para/worktrees' as const,
    left,
  })),
  ...['start', 'finish', 'cancel'].map((verb, left) => ({ verb, place: '.git/objects' as const, left })),
];

let at: FaultWorld;
const mounted: string[] = [];
afterEach(() => {
  for (const path of mounted.splice(0)) execFileSync('umount', [path]);
  at.remove();
});

/** Puts a small file system there, with what is there in it. */
function mount(path: string): void {
  mkdirSync(path, { recursive: true });
  renameSync(path, `${path}.before`);
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]);
  mounted.push(path);
  execFileSync('cp', ['-a', `${path}.before/.`, path]);
  rmSync(`${path}.before`, { recursive: true });
}

/** Leaves so many pages. */
function fill(path: string, left: number): string {
  const filler = join(path, 'filler');
  const reserve = join(path, 'reserve');
  appendFileSync(reserve, Buffer.alloc(left * 4096));
  try {
    for (;;) appendFileSync(filler, Buffer.alloc(4096));
  } catch {
    rmSync(reserve);
  }
  return filler;
}

async function runFull({
  verb: { args },
  place,
  left,
}: Omit<Case, 'verb'> & { verb: Verb }): Promise<string> {
  if (!isRoot) return said(await at.para(args, `enospc@${String((left % 3) + 1)}:before`));
  const filler = fill(join(at.repo, place), left);
  const ended = await at.para(args);
  expect({ left, ...(await at.here(['list', '--all'])) }).toMatchObject({ left, code: 0 });
  expect(await at.broken()).toEqual([]);
  rmSync(filler);
  return said(ended);
}

function said({ code, stderr }: { readonly code: number | null; readonly stderr: string }): string {
  return code === 0 ? 'done' : stderr;
}

test.each(CASES)('$verb, $left pages left in $place', async ({ verb: name, place, left }) => {
  const verb = VERBS.find((one) => one.name === name)!;
  at = await faultWorld();
  await verb.prepare(at);
  await at.ready();
  if (isRoot) mount(join(at.repo, place));
  await faultCase('F6', `${name}: ${place} ${String(left)}`, async () => {
    const before = await rowOf(at);
    const told = await runFull({ verb, place, left });
    if (told !== 'done') expect(told).toMatch(/no space (is )?left/i);
    if (left === 0) expect(told).not.toBe('done');
    if (before !== undefined) expect(await rowOf(at)).toBeDefined();
    await converges(at, verb, `full ${place} ${String(left)}`);
  });
});
