import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileMemory } from '../../src/sessions/file-memory.ts';

test('an answer stands until one of its files changes, comes or goes, or it is old', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'para-memory-'));
  const file = join(dir, 'f');
  let time = 0;
  let made = 0;
  const memory = createFileMemory(1000, () => time);
  const ask = (name = 'a'): Promise<number> =>
    memory.recall(name, [file, join(dir, 'other')], () => Promise.resolve((made += 1)));
  expect([await ask(), await ask()]).toEqual([1, 1]);
  writeFileSync(file, 'x');
  expect([await ask(), await ask()]).toEqual([2, 2]);
  writeFileSync(file, 'xy');
  expect(await ask()).toBe(3);
  rmSync(file);
  expect(await ask()).toBe(4);
  time = 999;
  expect(await ask()).toBe(4);
  time = 1000;
  expect([await ask(), await ask('another')]).toEqual([5, 6]);
  rmSync(dir, { recursive: true });
});

test('what nobody asks for any more is forgotten', async () => {
  const memory = createFileMemory(1000, () => 0);
  const ask = (name: string): Promise<string> => memory.recall(name, [], () => Promise.resolve(name));
  for (let n = 0; n < 1_000; n += 1) {
    await ask('stays');
    await ask(`session ${String(n)}`);
    memory.forgetUnused();
    expect(memory.size).toBe(2);
  }
  await ask('stays');
  memory.forgetUnused();
  expect(memory.size).toBe(1);
  expect(await memory.recall('stays', [], () => Promise.resolve('anew'))).toBe('stays');
});
