/**
 * F2: para is told to end (SIGTERM, SIGINT, SIGHUP) at the points of F1, on the fake engine. It exits with 128 and the
 * signal's number, unless it was done anyway; no lock is left, nothing is lost, and what is not taken back can be gone
 * on with. One in forty of the points in every run.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { faultCase, sample } from './cases.ts';
import { converges, pointsOf } from './strike.ts';
import { VERBS, type Verb } from './verbs.ts';
import { faultWorld, type FaultWorld } from './world.ts';

const SIGNALS = { term: 143, int: 130, hup: 129 } as const;
type Kind = keyof typeof SIGNALS;

async function toldToEnd(at: FaultWorld, verb: Verb, kind: Kind, point: string): Promise<void> {
  const fault = `${kind}@${point}`;
  const { code, signal, stderr } = await at.para(verb.args, fault);
  // Between the last look at it and the end nobody asks any more.
  if (signal !== null || ![SIGNALS[kind], 0].includes(code ?? -1))
    throw new Error(`${fault}: ${String(code)} ${String(signal)}\n${stderr}`);
  const locks = join(at.repo, '.para/state/locks');
  expect({ fault, locks: existsSync(locks) ? readdirSync(locks) : [] }).toEqual({ fault, locks: [] });
  await converges(at, verb, fault);
}

describe.each(VERBS)('$name', (verb) => {
  let at: FaultWorld;
  beforeAll(async () => {
    at = await faultWorld();
    // The engines are known from now on: each run comes to the same points.
    await at.here(['docker', 'cleanup', '--dry-run']);
    await verb.prepare(at);
    await at.ready();
    at.save();
  });
  afterAll(() => {
    at.remove();
  });

  test('told to end at points', async () => {
    const points = await pointsOf(at, verb);
    at.reset();
    const all = (Object.keys(SIGNALS) as Kind[]).flatMap((kind) => points.map((point) => ({ kind, point })));
    for (const { kind, point } of sample(all, 40)) {
      await faultCase('F2', `${verb.name} ${kind}@${point}`, () => toldToEnd(at, verb, kind, point));
      at.reset();
    }
  }, 3_600_000);
});
