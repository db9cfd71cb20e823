/**
 * F1 at random moments: a real `para start --docker`, `finish` or `cancel` gets SIGKILL whenever it comes, then one
 * `para recover` brings all to an end. A hundred on each engine in a full run. The seed is printed when one fails;
 * PARA_FAULT_SEED takes it again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines } from '../support/engines.ts';
import { inBackground } from '../support/para.ts';
import { faultCase, isFull } from './cases.ts';
import { enginePlaces, type EnginePlaces } from './engine-places.ts';
import { randomOf, SEED } from './random.ts';
import { ADOPT, rowOf, START } from './verbs.ts';
import type { Place } from './world.ts';

const KILLS = isFull ? 100 : 6;
const ENDS = [
  ['finish', 'Done', 's'],
  ['cancel', 's'],
] as const;

/** Runs it whole, and says how long that takes. */
async function timed(at: Place, args: readonly string[]): Promise<number> {
  const begun = performance.now();
  expect(await at.para(args)).toMatchObject({ code: 0 });
  return performance.now() - begun;
}

/** Starts it and kills it after `ms`; the moment counts from when it is there. */
async function killedAfter(at: Place, args: readonly string[], ms: number): Promise<void> {
  const running = inBackground(at.world, args, { cwd: at.repo });
  await sleep(ms);
  try {
    running.tell('SIGKILL');
  } catch {
    // It has ended, or the user switch before it has not: then nothing of it is done.
    running.child.kill('SIGKILL');
  }
  await running.ended;
}

/** One `recover`, then nothing is half done, lost or nobody's. @throws saying what is */
async function recovered(at: Place, what: string): Promise<void> {
  const before = await rowOf(at);
  // What was cancelled stays cancelled: recover would bring that back.
  const { code, stderr } =
    before?.status === 'archived' ? { code: 0, stderr: '' } : await at.here(['recover', 's']);
  const row = await rowOf(at);
  const isSettled = row === undefined || row.settle === null || row.status === 'archived';
  const isKnown = code === 0 || (code === 3 && row === undefined);
  const broken = await at.broken();
  if (!isSettled || !isKnown || broken.length > 0)
    throw new Error(
      `${what}: recover ended with ${String(code)}: ${stderr}\n${JSON.stringify({ before, row, broken })}`,
    );
}

/** The session is there, with its container and with work. */
async function atWork(at: Place): Promise<void> {
  const row = await rowOf(at);
  const args = row === undefined ? START : row.container === 'running' ? undefined : ADOPT;
  if (args !== undefined) expect({ row, ...(await at.here(args)) }).toMatchObject({ code: 0 });
  await at.work();
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (id, engine) => {
  let places: EnginePlaces;
  beforeAll(() => {
    places = enginePlaces(engine);
  });
  afterAll(() => places.world.remove());

  test(`${String(KILLS)} kills, seed ${String(SEED)}`, async () => {
    const random = randomOf(SEED);
    const first = await places.fresh();
    const startMs = await timed(first, START);
    await first.work();
    const endMs = await timed(first, ENDS[0]);
    for (let kill = 0; kill < KILLS; kill += 2) {
      const at = await places.fresh();
      await struck(at, START, random() * startMs);
      await atWork(at);
      await struck(at, ENDS[(kill / 2) % 2] ?? ENDS[0], random() * endMs);
      await places.clear(at);
    }
  }, 7_200_000);

  async function struck(at: Place, args: readonly string[], ms: number): Promise<void> {
    const what = `seed ${String(SEED)}: ${args.join(' ')} killed after ${ms.toFixed(0)} ms`;
    await faultCase('F1', `${id}: ${what}`, async () => {
      await killedAfter(at, args, ms);
      await recovered(at, what);
    });
  }
});
