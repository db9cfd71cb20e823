import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCancellation } from '../../src/sys/cancel.ts';

test('a request aborts current work and is remembered with its signal', () => {
  const cancellation = createCancellation();
  const signal = cancellation.current();
  expect([cancellation.requested, signal.aborted, cancellation.signalNumber]).toEqual([false, false, 0]);
  cancellation.request(15);
  expect([cancellation.requested, signal.aborted, cancellation.signalNumber]).toEqual([true, true, 15]);
});

test('shielded work does not see the request, but a deadline of its own', async () => {
  const cancellation = createCancellation();
  cancellation.request(2);
  await cancellation.shield(100, async () => {
    const inner = cancellation.current();
    expect(inner.aborted).toBe(false);
    await sleep(300);
    expect(inner.aborted).toBe(true);
  });
  expect(cancellation.current().aborted).toBe(true);
});

test('the shield ends when its work fails, and shields nest', async () => {
  const cancellation = createCancellation();
  const user = cancellation.current();
  const failing = cancellation.shield(1_000, async () => {
    const outer = cancellation.current();
    await cancellation.shield(1_000, () => Promise.resolve());
    expect(cancellation.current()).toBe(outer);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(cancellation.current()).toBe(user);
});

test('a Ctrl-C is for the program that has the terminal; other signals are not', async () => {
  const cancellation = createCancellation();
  await cancellation.lend(() => {
    cancellation.request(2);
    return Promise.resolve();
  });
  expect(cancellation.requested).toBe(false);
  await expect(
    cancellation.lend(() => {
      cancellation.request(15);
      return Promise.reject(new Error('no'));
    }),
  ).rejects.toThrow('no');
  expect([cancellation.requested, cancellation.signalNumber]).toEqual([true, 15]);
  cancellation.request(2);
  expect(cancellation.signalNumber).toBe(2);
});
