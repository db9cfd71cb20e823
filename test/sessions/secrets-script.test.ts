/** The script alone, under every shell of this machine that it may meet. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { framed, SECRETS_SCRIPT } from '../../src/sessions/secrets-script.ts';

const SHELLS = [['sh'], ['bash', '--posix'], ['busybox', 'sh']].filter(
  ([shell = '']) => spawnSync(shell, ['-c', ':']).error === undefined,
);
/** Every byte there is, and the lines that mean something to the script. */
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

describe.each(SHELLS.map((shell) => [shell.join(' '), shell] as const))('%s', (_name, shell) => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'para-secrets-'));
    writeFileSync(join(dir, 'script'), SECRETS_SCRIPT);
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });
  // Without a PATH: nothing but the shell itself is needed.
  const give = (input: string, env = { PATH: '' }): number | null => {
    const [program = 'sh', ...more] = shell;
    const found = spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).stdout.trim();
    return spawnSync(found, [...more, join(dir, 'script'), dir], { input, env, stdio: 'pipe' }).status;
  };
  const values = (all: Readonly<Record<string, string | Buffer>>): Map<string, Buffer> =>
    new Map(Object.entries(all).map(([name, value]) => [name, Buffer.from(value as string)]));

  test('every byte arrives, in files that their owner alone can read', () => {
    const all = values({
      bytes: ALL_BYTES,
      lines: 'a\n\nb\n',
      odd: '%s \\n $(id) `x` "\'',
      long: 'x'.repeat(5_000),
    });
    expect(give(framed(all))).toBe(0);
    for (const [name, value] of all) {
      expect(readFileSync(join(dir, name)).equals(value)).toBe(true);
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o400);
    }
  });

  test('what is there is replaced', () => {
    expect(give(framed(values({ a: 'old-and-longer' })))).toBe(0);
    expect(give(framed(values({ a: 'new' })), { PATH: process.env['PATH'] ?? '' })).toBe(0);
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('new');
  });

  test('half of it is not all of it', () => {
    expect(give(framed(values({ a: 'value' })).replace(/\.\n$/, ''))).toBe(3);
  });

  test('no place to write to', () => {
    rmSync(join(dir, 'script'));
    writeFileSync(join(dir, 'script'), SECRETS_SCRIPT.replace('cd "$1"', 'cd "$1/none"'));
    chmodSync(dir, 0o700);
    expect(give(framed(values({ a: 'value' })))).toBe(2);
  });
});

test('what is said on stdin is plain text, whatever the value', () => {
  expect(framed(new Map([['a', ALL_BYTES]]))).toMatch(/^[\x20-\x7e\n]+$/);
});
