/** What is kept ready and would be taken by no start any more goes when the pool is filled; what was taken is made again. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { processIdentity } from '../../src/sys/lock.ts';
import { fakeEngine, type FakeEngine } from '../support/fake-engine.ts';
import { makeWorld, type Ended, type World } from '../support/para.ts';

const IMAGE = ['--image', 'localhost/para-test/busybox:1'];
let world: World;
let engine: FakeEngine;
let repo: string;
beforeEach(async () => {
  engine = fakeEngine();
  world = makeWorld();
  repo = await world.repo();
  await must('config', 'set', 'docker.warm_pool', '1');
});
afterEach(async () => {
  engine.remove();
  await world.remove();
});

async function must(...args: readonly string[]): Promise<Ended> {
  const ended = await world.para(repo, args, { env: engine.env });
  expect({ args, ...ended }).toMatchObject({ code: 0 });
  return ended;
}
/** By name, those that never ran. */
const ready = (): readonly string[] =>
  engine.containers().flatMap(({ name, state }) => (state === 'created' ? [name] : []));

test('another image by the same name, and another create line than any start would make now', async () => {
  await must('docker', 'pool', 'fill', ...IMAGE);
  await must('docker', 'pool', 'fill', ...IMAGE, '--memory', '1g');
  const both = ready();
  expect(both).toHaveLength(2);
  // Each was asked for, and would be taken.
  await must('docker', 'pool', 'fill', ...IMAGE);
  expect(ready()).toEqual(both);

  const [first = ''] = both;
  const slot = join(repo, '.para/state/warm', first.replace(/^para-[0-9a-f]{8}-/, ''), 'slot.json');
  writeFileSync(slot, readFileSync(slot, 'utf8').replace(/"image": ".*"/, '"image": "sha256:old"'));
  await must('docker', 'pool', 'fill', ...IMAGE, '--memory', '1g');
  expect(ready()).toEqual([both[1]]);

  await must('config', 'set', 'docker.default_resource_limits.pids_limit', '77');
  await must('docker', 'pool', 'fill', ...IMAGE);
  expect(ready()).toHaveLength(1);
  expect(both).not.toContain(ready()[0]);
});

test('who watches makes again what was taken: one at a time, and nothing once the pool was drained', async () => {
  await must('docker', 'supervise', '--once');
  expect(ready()).toEqual([]);
  await must('config', 'set', 'docker.warm_pool', '2');
  await must('docker', 'pool', 'fill', ...IMAGE);
  for (const name of ['a', 'b']) await must('start', name, '--docker', ...IMAGE);
  expect(ready()).toEqual([]);
  // Another one's work goes first.
  const lock = join(repo, '.para/state/locks/session-a');
  writeFileSync(lock, JSON.stringify({ ...(await processIdentity(process.pid)), what: 'tests' }));
  await must('docker', 'supervise', '--once');
  expect(ready()).toEqual([]);
  rmSync(lock);
  await must('docker', 'supervise', '--once');
  expect(ready()).toHaveLength(1);
  await must('docker', 'supervise', '--once');
  const two = ready();
  expect(two).toHaveLength(2);
  await must('docker', 'supervise', '--once');
  expect(ready()).toEqual(two);
  await must('docker', 'pool', 'drain');
  await must('docker', 'supervise', '--once');
  expect(ready()).toEqual([]);
});
