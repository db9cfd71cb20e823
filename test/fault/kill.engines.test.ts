/**
 * F1 on real engines: para is killed at the points of the verbs that ask an engine; what its client has begun goes on
 * without it. Every fifth point in a normal run, another part each day. The points are those that the same verb passes
 * on the fake engine.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines } from '../support/engines.ts';
import { cases, sample } from './cases.ts';
import { enginePlaces, type EnginePlaces } from './engine-places.ts';
import { converges, pointsOf, telling } from './strike.ts';
import { VERBS, type Verb } from './verbs.ts';
import { faultWorld } from './world.ts';

const ASKING = [
  ...['start --docker', 'docker start of a plain session', 'docker stop --remove', 'resume', 'finish'],
  ...['cancel', 'recover of what was broken by hand', 'docker cleanup'],
];
const engines = testEngines();

interface Case {
  readonly engine: string;
  readonly verb: Verb;
  readonly point: string;
}
let struck: readonly Case[];
beforeAll(async () => {
  const points = new Map<Verb, readonly string[]>();
  for (const verb of VERBS.filter(({ name }) => ASKING.includes(name))) {
    const fake = await faultWorld();
    await verb.prepare(fake);
    points.set(verb, telling(await pointsOf(fake, verb)));
    fake.remove();
  }
  expect(points.size).toBe(ASKING.length);
  const all = engines.flatMap(({ id }) =>
    [...points].flatMap(([verb, of]) => of.map((point) => ({ engine: id, verb, point }))),
  );
  struck = sample(all, 5);
});

describe.each(engines.map((engine) => [engine.id, engine] as const))('on %s', (id, engine) => {
  let places: EnginePlaces;
  beforeAll(() => {
    places = enginePlaces(engine);
  });
  afterAll(() => places.world.remove());

  test('killed at points of every verb', async () => {
    const here = struck.filter((one) => one.engine === id);
    await cases('F1', here, {
      label: ({ verb, point }) => `${id}: ${verb.name} kill@${point}`,
      work: async ({ verb, point }) => {
        const fault = `kill@${point}`;
        const at = await places.fresh();
        await verb.prepare(at);
        await at.ready();
        const { code, signal, stderr } = await at.para(verb.args, fault);
        // An engine that answers in fewer calls has not got each point.
        if (signal !== 'SIGKILL' && code !== 137 && code !== 0)
          throw new Error(`${verb.name} ${fault}: ${String(code)}\n${stderr}`);
        await converges(at, verb, `${verb.name} ${fault}`);
        await places.clear(at);
      },
    });
  }, 7_200_000);
});
