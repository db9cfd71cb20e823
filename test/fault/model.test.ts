/**
 * Random sequences of commands, work and accidents, two sessions in a repository: after every step nothing is lost and
 * nothing has crashed, and at the end everything settles with the commands that para names, finishes, and leaves
 * nothing behind. A failure prints the seed and the shortest sequence that fails.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultCase, isFull } from './cases.ts';
import { inside } from './inside.ts';
import { openLedger } from './ledger.ts';
import {
  begin,
  BEGINNINGS,
  ignoreLogs,
  modelOf,
  sequences,
  type Beginning,
  type Place,
  type Sequence,
} from './model.ts';
import { end } from './settle.ts';

const isLong = process.env['PARA_FUZZ'] === '1';
const RUNS = Number(process.env['PARA_FUZZ_RUNS'] ?? (isLong ? 10_000 : 500));
/** Repositories at the same time: most of the time is git's, in processes of its own. */
const LANES = 3;
/** The same sequences in every normal run, so that one that fails is the change's fault; others in a long or full one. */
const SEED = Number(process.env['PARA_FUZZ_SEED'] ?? (isLong || isFull ? Date.now() % 1e6 : 20_780));

/** A repository that is brought back to one of the beginnings for each sequence. */
interface Lane {
  readonly begin: (beginning: Beginning) => Place;
  readonly remove: () => void;
}

async function openLane(): Promise<Lane> {
  const world = inside();
  ignoreLogs(world);
  const kept = new Map<Beginning, () => Place>();
  const fresh = world.keep();
  for (const beginning of BEGINNINGS) {
    fresh();
    const first = { world, ledger: openLedger(world), serial: 0 };
    await begin(first, beginning);
    const restore = world.keep();
    const known = first.ledger.known();
    kept.set(beginning, () => {
      restore();
      world.clock = new Date('2026-01-02T03:04:05.000Z');
      return { world, ledger: openLedger(world, known), serial: 0 };
    });
  }
  return { begin: (beginning) => kept.get(beginning)!(), remove: () => world.remove() };
}

let count = 0;
async function holds(lane: Lane, beginning: Beginning, steps: Sequence): Promise<void> {
  const place = lane.begin(beginning);
  await fc.asyncModelRun(() => ({ model: modelOf(beginning), real: place }), steps);
  const wrong = await end(place.world, place.ledger);
  if (wrong.length > 0) throw new Error(`at the end: ${wrong.join('\n')}`);
}

async function runLane(index: number): Promise<void> {
  const lane = await openLane();
  const property = fc.asyncProperty(fc.constantFrom(...BEGINNINGS), sequences, (beginning, steps) =>
    faultCase('model', `sequence ${String((count += 1))}`, () => holds(lane, beginning, steps)),
  );
  try {
    await fc.assert(property, {
      numRuns: Math.ceil(RUNS / LANES),
      seed: SEED + index,
      includeErrorInReport: true,
    });
  } finally {
    lane.remove();
  }
}

test('sequences', async () => {
  process.stderr.write(`PARA_FUZZ_SEED=${String(SEED)}\n`);
  const ended = await Promise.allSettled(Array.from({ length: LANES }, (_, index) => runLane(index)));
  const failed = ended.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
  expect(failed.join('\n\n')).toBe('');
}, 36_000_000);
