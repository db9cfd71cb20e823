/**
 * F2: para is told to end (SIGTERM, SIGINT, SIGHUP) at the points of F1, on the fake engine. It exits with 128 and the
 * signal's number, unless it was done anyway; no lock is left, nothing is lost, and what is not taken back can be gone
 * on with. One in forty of the points in every run.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cases, sample } from './cases.ts';
import { converges, pointsOf, worldFor } from './strike.ts';
import { VERBS, type Verb } from './verbs.ts';
import type { FaultWorld } from './world.ts';

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
    at = await worldFor(verb);
  });
  afterAll(() => {
    at.remove();
  });

  test('told to end at points', async () => {
    const points = await pointsOf(at, verb);
    const all = (Object.keys(SIGNALS) as Kind[]).flatMap((kind) => points.map((point) => ({ kind, point })));
    await cases('F2', sample(all, 40), {
      label: ({ kind, point }) => `${verb.name} ${kind}@${point}`,
      work: async ({ kind, point }) => {
        at.reset();
        await toldToEnd(at, verb, kind, point);
      },
    });
  }, 3_600_000);
});
