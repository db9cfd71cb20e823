/**
 * F1: para is killed before, during and after every step of every changing verb, on the fake engine; `during` is right
 * after each process that the step starts. The points are those that the verb passes when nobody strikes, so a new
 * step joins by itself. After each: nothing is lost, `list` works and says what settles it, that command ends well,
 * and the verb's own end is reached; then there is nothing left to settle.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { faultCase } from './cases.ts';
import { converges, isStill, pointsOf } from './strike.ts';
import { VERBS } from './verbs.ts';
import { faultWorld, type FaultWorld } from './world.ts';

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

  test('killed at each point', async () => {
    const points = await pointsOf(at, verb);
    at.reset();
    expect(points.length).toBeGreaterThanOrEqual(2);
    for (const point of points) {
      const fault = `kill@${point}`;
      await faultCase('F1', `${verb.name} ${fault}`, async () => {
        expect({ fault, ...(await at.para(verb.args, fault)) }).toMatchObject({ signal: 'SIGKILL' });
        await converges(at, verb, fault);
        if (point.endsWith(':after')) await isStill(at, fault);
      });
      at.reset();
    }
  }, 1_800_000);
});
