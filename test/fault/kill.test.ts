/**
 * F1: para is killed before, during and after every step of every changing verb, on the fake engine; `during` is right
 * after each process that the step starts. The points are those that the verb passes when nobody strikes, so a new
 * step joins by itself. After each: nothing is lost, `list` works and says what settles it, that command ends well,
 * and the verb's own end is reached; then there is nothing left to settle.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cases, sample } from './cases.ts';
import { converges, isStill, pointsOf, worldFor } from './strike.ts';
import { VERBS } from './verbs.ts';
import type { FaultWorld } from './world.ts';

describe.each(VERBS)('$name', (verb) => {
  let at: FaultWorld;
  beforeAll(async () => {
    at = await worldFor(verb);
  });
  afterAll(() => {
    at.remove();
  });

  test('killed at each point', async () => {
    const all = await pointsOf(at, verb);
    expect(all.length).toBeGreaterThanOrEqual(2);
    const points = sample(all, verb.every ?? 1);
    await cases('F1', points, {
      label: (point) => `${verb.name} kill@${point}`,
      work: async (point) => {
        at.reset();
        const fault = `kill@${point}`;
        expect({ fault, ...(await at.para(verb.args, fault)) }).toMatchObject({ signal: 'SIGKILL' });
        await converges(at, verb, fault);
        if (point.endsWith(':after')) await isStill(at, fault);
      },
    });
  }, 1_800_000);
});
