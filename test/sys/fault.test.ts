/** The faults that strike a process; those that strike para itself are in test/fault. */
import { afterEach, expect, test } from '@jest/globals';
import { armFault, stepDone, stepEntered } from '../../src/sys/fault.ts';
import { createRunner, type Captured } from '../../src/sys/run.ts';

const runner = createRunner({ env: { PATH: process.env['PATH'] } });
const run = (file: string, ...args: string[]): Promise<Captured> =>
  runner.capture({ file, args, timeoutMs: 1_000 });

afterEach(() => {
  armFault(undefined);
});

test('a process that is stopped is over shortly after its deadline', async () => {
  armFault('hang@1:during');
  stepEntered();
  const hung = await run('sleep', '0.2');
  expect(hung).toMatchObject({ timedOut: true, signal: 'SIGTERM' });
  expect(hung.ms).toBeGreaterThan(900);
  expect(hung.ms).toBeLessThan(2_500);
  expect(await run('sleep', '0.2')).toMatchObject({ timedOut: false, exitCode: 0 });
});

test.each([
  ['true', 1],
  ['false', 0],
])('the exit code of %s is told turned round, once', async (file, told) => {
  armFault('lie@2:during');
  stepEntered();
  expect((await run(file)).exitCode).toBe(1 - told);
  stepDone();
  stepEntered();
  expect((await run(file)).exitCode).toBe(told);
  expect((await run(file)).exitCode).toBe(1 - told);
});

test('a later process of a step can be struck, too', async () => {
  armFault('lie@1:during.2');
  stepEntered();
  expect((await run('true')).exitCode).toBe(0);
  expect((await run('true')).exitCode).toBe(1);
  expect((await run('true')).exitCode).toBe(0);
});

test('after a step means the first process of the next one', async () => {
  armFault('lie@1:after');
  stepEntered();
  expect((await run('true')).exitCode).toBe(0);
  stepDone();
  stepEntered();
  expect((await run('true')).exitCode).toBe(1);
});

test('says which faults it does not know', () => {
  expect(() => {
    armFault('nap@1:during');
  }).toThrow('PARA_FAULT="nap@1:during" is no fault');
});
