/**
 * F11: fifty `para start --docker` at once in one repository. Distinct names: all come up. One name: exactly one makes
 * the session, and each other one says why it did not. Restricted ones have a network and a proxy each, and an engine's
 * own pools end at 31 networks. In a normal run a dozen, and of restricted ones four, on one engine.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { openBridges } from '../support/firewall.ts';
import { makeWorld, repoId, words, type Ended, type World } from '../support/para.ts';
import { faultCase, isFull } from './cases.ts';

const MANY = isFull ? 50 : 12;
const CLOSED = isFull ? 50 : 4;
const POOL = '10.213.0.0/16';
const count = (most: number): readonly number[] => Array.from({ length: most }, (_, index) => index + 1);
const numbers = count(MANY);

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

  const start = (repo: string, name: string, ...flags: readonly string[]): Promise<Ended> =>
    world.para(repo, ['start', name, '--docker', '--image', testImages().busybox, ...flags]);
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

  const isTried = isFull || id === testEngines()[0]?.id;
  if (isTried)
    test(`${String(CLOSED)} restricted ones`, async () => {
      const closeBridges = openBridges(engine, POOL);
      try {
        await faultCase('F11', `${id}: restricted`, async () => {
          const repo = await world.repo('restricted');
          const started = performance.now();
          const ended = await Promise.all(
            count(CLOSED).map((number) =>
              start(repo, `s-${String(number)}`, '--allow-domain', 'example.com'),
            ),
          );
          process.stderr.write(
            `${id}: ${String(CLOSED)} restricted ones in ${((performance.now() - started) / 1000).toFixed(0)} s\n`,
          );
          expect(ended.filter(({ code }) => code !== 0).map(({ stderr }) => stderr)).toEqual([]);
          const up = (await rows(repo)).filter(
            (row) => row.status === 'active' && row.container === 'running',
          );
          expect(up).toHaveLength(CLOSED);
          const prefix = `para-${repoId(repo)}-s-`;
          const own = words(await world.engine('network', 'ls', '--format', '{{.Name}}'));
          expect(own.filter((name) => name.startsWith(prefix))).toHaveLength(CLOSED);
        });
      } finally {
        closeBridges();
      }
    }, 1_200_000);
});
