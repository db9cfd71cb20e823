import { expect, test } from '@jest/globals';
import { together } from '../../src/sys/together.ts';

test('waits for all, and throws the first failure in their order', async () => {
  expect(await together([Promise.resolve(1), 'two'])).toEqual([1, 'two']);
  let release = (): void => undefined;
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  let ended = false;
  const first = slow.then(() => {
    ended = true;
    throw new Error('first');
  });
  const all = together([first, Promise.reject(new Error('second'))]);
  release();
  await expect(all).rejects.toThrow('first');
  expect(ended).toBe(true);
});
