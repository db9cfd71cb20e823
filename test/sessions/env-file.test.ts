import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvFile, resolveEnv } from '../../src/sessions/env-file.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-env-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function read(text: string | Buffer, env: NodeJS.ProcessEnv = {}): Promise<Record<string, string>> {
  writeFileSync(join(dir, 'x.env'), text);
  return readEnvFile('x.env', dir, env);
}

describe('an --env-file', () => {
  test('values are taken as they stand', async () => {
    const text = '# comment\r\nA=1\n\n  # another\nB="quoted"\nC= a b \nD=x=y#z\nE=\nA=2\n';
    expect(await read(text)).toEqual({ A: '2', B: '"quoted"', C: ' a b ', D: 'x=y#z', E: '' });
  });

  test('a bare name takes the caller’s own value, or nothing', async () => {
    expect(await read('HERE\nAWAY\n', { HERE: 'yes' })).toEqual({ HERE: 'yes' });
  });

  test.each([
    ['a name that is none', 'A=1\n2B=1\n', /^x\.env:2: .*2B/],
    ['a bare secret', 'GITHUB_TOKEN\n', /^x\.env:1: GITHUB_TOKEN sounds like a secret/],
    ['a NUL byte', 'A=\0\n', /^x\.env:1: .*NUL/],
  ])('%s is refused with file and line', async (_, text, message) => {
    await expect(read(text, { GITHUB_TOKEN: 'x' })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(message),
    });
  });

  test('one that is not there is named', async () => {
    await expect(readEnvFile('none.env', dir, {})).rejects.toMatchObject({
      code: 'USAGE',
      message: '--env-file none.env can not be read: no such file',
    });
    await expect(readEnvFile('.', dir, {})).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('one that is too large is refused', async () => {
    await expect(read(`A=${'x'.repeat(1024 * 1024)}`)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

test('a secret with its value spelled out is the caller’s own decision', () => {
  expect(resolveEnv([{ name: 'API_KEY', value: 'x' }], {})).toEqual({ API_KEY: 'x' });
  expect(() => resolveEnv([{ name: 'API_KEY', value: undefined }], {})).toThrow('sounds like a secret');
});

test.each([
  ['GITHUB_TOKEN', true],
  ['DB_PASSWORD', true],
  ['AWS_SECRET_ACCESS_KEY', true],
  ['SSH_KEY', true],
  ['KEYBOARD', false],
  ['MONKEY', false],
  ['EDITOR', false],
])('%s by name alone: refused is %s', (name, refused) => {
  const take = (): unknown => resolveEnv([{ name, value: undefined }], { [name]: 'x' });
  if (refused) expect(take).toThrow('sounds like a secret');
  else expect(take()).toEqual({ [name]: 'x' });
});
