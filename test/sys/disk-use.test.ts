import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { diskUse, sumOfUse } from '../../src/sys/disk-use.ts';

let dir: string;
const MB = 1_000_000;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-disk-'));
  mkdirSync(join(dir, 'a/b'), { recursive: true });
  writeFileSync(join(dir, 'a/b/big'), Buffer.alloc(3 * MB, 1));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const mega = async (...leaveOut: string[]): Promise<number> =>
  Math.round(((await diskUse(join(dir, 'a'), { leaveOut }))?.bytes ?? -MB) / MB);

test('all files below, once each; what a link leads to is not below', async () => {
  expect(await mega()).toBe(3);
  linkSync(join(dir, 'a/b/big'), join(dir, 'a/again'));
  expect(await mega()).toBe(3);
  writeFileSync(join(dir, 'outside'), Buffer.alloc(5 * MB, 1));
  symlinkSync(join(dir, 'outside'), join(dir, 'a/link'));
  symlinkSync(dir, join(dir, 'a/up'));
  expect(await mega()).toBe(3);
  writeFileSync(join(dir, 'a/more'), Buffer.alloc(2 * MB, 1));
  expect(await mega()).toBe(5);
  expect(await mega(join(dir, 'a/b'))).toBe(5);
  expect(await mega(join(dir, 'a/b'), join(dir, 'a/again'))).toBe(2);
});

test('what is not there is nothing, and not zero', async () => {
  expect(await diskUse(join(dir, 'nowhere'))).toBeUndefined();
  expect(sumOfUse([undefined, undefined])).toBeUndefined();
  const part = { bytes: 5, isWhole: false };
  expect(sumOfUse([undefined, part, { bytes: 7, isWhole: true }])).toEqual({ bytes: 12, isWhole: false });
});

test('Ctrl-C ends it', async () => {
  const signal = AbortSignal.abort();
  await expect(diskUse(dir, { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
