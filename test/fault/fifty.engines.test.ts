/**
 * F11: fifty `para start --docker` at once in one repository. Distinct names: all come up. One name: exactly one makes
 * the session, and each other one says why it did not. A dozen in a normal run.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, type Ended, type World } from '../support/para.ts';
import { faultCase, isFull } from './cases.ts';

const MANY = isFull ? 50 : 12;
const numbers = Array.from({ length: MANY }, (_, index) => index + 1);

interface Row {
  readonly name: string;
  readonly status: string;
  readonly container: string;
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (id, engine) => {
  let world: World;
  beforeAll(() => {
    world = makeWorld(engine);
  });
  afterAll(() => world.remove());

  const start = (repo: string, name: string): Promise<Ended> =>
    world.para(repo, ['start', name, '--docker', '--image', testImages().busybox]);
  const rows = async (repo: string): Promise<readonly Row[]> =>
    (JSON.parse((await world.para(repo, ['list', '--json'])).stdout) as { sessions: Row[] }).sessions;

  test(`${String(MANY)} names`, async () => {
    await faultCase('F11', `${id}: distinct names`, async () => {
      const repo = await world.repo('distinct');
      const ended = await Promise.all(numbers.map((number) => start(repo, `s-${String(number)}`)));
      expect(ended.filter(({ code }) => code !== 0).map(({ stderr }) => stderr)).toEqual([]);
      const up = (await rows(repo)).filter((row) => row.status === 'active' && row.container === 'running');
      expect(up).toHaveLength(MANY);
    });
  }, 600_000);

  test(`one name, ${String(MANY)} times`, async () => {
    await faultCase('F11', `${id}: one name`, async () => {
      const repo = await world.repo('same');
      const ended = await Promise.all(numbers.map(() => start(repo, 's')));
      const refused = ended.filter(({ code }) => code !== 0);
      expect(refused).toHaveLength(MANY - 1);
      for (const { code, stderr } of refused) {
        expect([1, 9]).toContain(code);
        expect(stderr).toMatch(
          /the session s exists already|is at work here|start of s has not come to its end/,
        );
      }
      expect(await rows(repo)).toMatchObject([{ name: 's', status: 'active', container: 'running' }]);
    });
  }, 600_000);
});
