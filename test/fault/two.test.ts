/**
 * F10: two paras at once on one session, on the fake engine: all 15 unordered pairs of five verbs, the second one some
 * random time after the first. They take turns: one has its way, the other too or says why not, and nothing is lost.
 * Every run has some seeds of each pair, a full one 20.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { faultCase, isFull } from './cases.ts';
import { faultWorld, type FaultWorld } from './world.ts';

const IMAGE = 'localhost/para-test/busybox:1';
const VERBS = {
  start: ['start', 's'],
  finish: ['finish', 'Done', 's'],
  cancel: ['cancel', 's'],
  recover: ['recover', 's'],
  'docker start': ['docker', 'start', 's', '--image', IMAGE],
} as const;
type Verb = keyof typeof VERBS;
const NAMES = Object.keys(VERBS) as Verb[];
const PAIRS = NAMES.flatMap((one, index) => NAMES.slice(index).map((other) => [one, other] as const));

/** What there is when the two begin: something for each of them to do. */
const BEGINNINGS = {
  nothing: () => Promise.resolve(),
  session: async (at: FaultWorld) => {
    await must(at, 'start', 's');
    await at.work();
  },
  archive: async (at: FaultWorld) => {
    await must(at, 'start', 's');
    await at.work();
    await must(at, 'cancel', 's');
  },
} as const;
type Beginning = keyof typeof BEGINNINGS;

const beginningOf = (pair: readonly Verb[]): Beginning =>
  pair.includes('recover') ? 'archive' : pair.includes('start') ? 'nothing' : 'session';

async function must(at: FaultWorld, ...args: string[]): Promise<void> {
  const { code, stderr } = await at.here(args);
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
}

/** Of the other one: there is no session (any more), it is there already, busy, finished, or has its container. */
const GIVES_WAY = new Set([1, 2, 3, 9, 10]);

/** The same times for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function race(at: FaultWorld, pair: readonly [Verb, Verb], seed: number): Promise<void> {
  const next = random(seed);
  const [first, second] = next() < 0.5 ? pair : ([pair[1], pair[0]] as const);
  const delay = Math.floor(next() * 500);
  const started = at.para(VERBS[first]);
  await sleep(delay);
  const ended = await Promise.all([started, at.para(VERBS[second])]);
  const told = [first, second].map((verb, index) => ({ verb, ...ended[index], bytes: undefined }));
  const wrong = told.flatMap(({ verb, code, stderr = '' }) => [
    ...(code === 0 || GIVES_WAY.has(code ?? -1) ? [] : [`${verb} ended with ${String(code)}: ${stderr}`]),
    ...(code === 0 || /✗ [^]*\bs\b[^]*↳ ./.test(stderr)
      ? []
      : [`${verb} does not say how to go on: ${stderr}`]),
  ]);
  expect({ wrong, told, broken: await at.broken() }).toEqual({ wrong: [], told, broken: [] });
  expect(told.some(({ code }) => code === 0)).toBe(true);
  await isInOneState(at, told);
}

/** Neither is half done, the locks are free, and a dead owner's keeps nobody waiting. */
async function isInOneState(at: FaultWorld, told: unknown): Promise<void> {
  const { stdout } = await at.here(['list', '--all', '--json']);
  const { sessions } = JSON.parse(stdout) as {
    sessions: { name: string; status: string; settle: string | null }[];
  };
  expect({ told, sessions }).toMatchObject({ told, sessions: [{ name: 's' }] });
  const [row] = sessions;
  expect(['active', 'review', 'archived']).toContain(row?.status);
  if (row?.status !== 'archived') expect({ told, row }).toMatchObject({ row: { settle: null } });
  expect(readdirSync(join(at.repo, '.para/state/locks'))).toEqual([]);
  if (row?.status !== 'active') return;
  await deadOwnerIsPassed(at);
  expect({ told, broken: await at.broken() }).toEqual({ told, broken: [] });
}

/** I8: as if the para that held both locks had been killed. */
async function deadOwnerIsPassed(at: FaultWorld): Promise<void> {
  const owner = JSON.stringify({ pid: 1, started: '1', boot: 'another', what: 'is dead' });
  for (const name of ['session-s', 'repository'])
    writeFileSync(join(at.repo, '.para/state/locks', name), owner);
  const began = performance.now();
  await must(at, 'finish', 'Done', 's');
  // Waiting for a lock that is held takes 30 s; the work itself is a second on a machine that has other things to do.
  expect(performance.now() - began).toBeLessThan(10_000);
}

describe.each(Object.keys(BEGINNINGS) as Beginning[])('from: %s', (beginning) => {
  let at: FaultWorld;
  beforeAll(async () => {
    at = await faultWorld();
    await BEGINNINGS[beginning](at);
    await at.ready();
    at.save();
  });
  afterAll(() => at.remove());

  const pairs = PAIRS.filter((pair) => beginningOf(pair) === beginning);
  const today = Math.floor(Date.now() / 86_400_000);
  const seeds = isFull ? Array.from({ length: 20 }, (_, index) => index) : [today % 20, (today + 7) % 20];
  const cases = pairs.flatMap((pair, index) => seeds.map((seed) => [...pair, seed, index] as const));
  test.each(cases)('%s and %s, seed %d', async (one, other, seed, index) => {
    at.reset();
    await faultCase('F10', `${one} and ${other}, seed ${String(seed)}`, () =>
      race(at, [one, other], seed * 100 + index),
    );
  });
});
