import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MAX_PROMPT, readPrompt, requireFits } from '../../src/sessions/prompt.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'para-prompt-'));
  writeFileSync(join(cwd, 'task.md'), 'from a file\n');
  writeFileSync(join(cwd, 'blank.md'), ' \n');
  writeFileSync(join(cwd, 'nul.md'), 'a\0b');
  writeFileSync(join(cwd, 'latin.md'), Buffer.from([0x61, 0xe4, 0x62]));
  writeFileSync(join(cwd, 'big.md'), 'x'.repeat(MAX_PROMPT + 1));
});
afterAll(() => {
  rmSync(cwd, { recursive: true });
});

const prompt = (text?: string, file?: string, stdin = 'from stdin') =>
  readPrompt({ cwd, readStdin: () => Promise.resolve(stdin) }, { text, file });

test.each([
  [undefined, undefined, undefined],
  ['do it', undefined, 'do it'],
  ['-', undefined, 'from stdin'],
  [undefined, '-', 'from stdin'],
  [undefined, 'task.md', 'from a file\n'],
])('text %j, file %j: %j', async (text, file, expected) => {
  expect(await prompt(text, file)).toBe(expected);
});

test.each([
  ['x', 'task.md', 'the prompt is given twice'],
  [' \n\t', undefined, 'the prompt is empty'],
  [undefined, 'blank.md', 'the prompt is empty'],
  [undefined, 'nul.md', 'the prompt is not text: there is a NUL in it'],
  [undefined, 'big.md', 'the prompt is larger than 1 MiB'],
  [undefined, 'nope.md', 'the prompt nope.md can not be read: no such file'],
  [undefined, 'latin.md', /^the prompt latin\.md can not be read: .*encoded/],
  [undefined, '.', /^the prompt \. can not be read: EISDIR/],
])('text %j, file %j is refused', async (text, file, message) => {
  const error: unknown = await prompt(text, file).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'USAGE', exit: 2 });
  if (typeof message === 'string') expect((error as Error).message).toBe(message);
  else expect((error as Error).message).toMatch(message);
});

test('nothing on stdin is no prompt', async () => {
  await expect(prompt('-', undefined, '')).rejects.toThrow('the prompt is empty');
});

test('what goes into the command line must fit there; a file holds more', () => {
  const long = 'x'.repeat(128 * 1024);
  expect(() => {
    requireFits(['a', '{prompt}'], long);
  }).toThrow('too long for a command line');
  requireFits(['a', '{prompt_file}'], long);
  requireFits(['a', '{prompt}'], long.slice(0, 100_000));
});
