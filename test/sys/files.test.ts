import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOwnFile, replaceFile } from '../../src/sys/files.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-files-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe('replaceFile', () => {
  test('makes directories, replaces whole, keeps the file private and leaves nothing else', async () => {
    const path = join(dir, 'a', 'b', 'x.state');
    await replaceFile(path, 'a much longer first text');
    await replaceFile(path, 'second');
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir, 'a', 'b'))).toEqual(['x.state']);
  });

  test('a reader sees the old text or the new, never a part', async () => {
    const path = join(dir, 'x');
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000));
    await replaceFile(path, texts[0] ?? '');
    const writing = { now: true };
    const writer = (async () => {
      for (let i = 0; i < 40; i += 1) await replaceFile(path, texts[i % 2] ?? '');
      writing.now = false;
    })();
    const seen = new Set<string | undefined>();
    while (writing.now) seen.add(await readOwnFile(path, 1_000_000));
    await writer;
    expect([...seen].every((text) => texts.includes(text ?? ''))).toBe(true);
  });

  test('replaces a link instead of writing through it', async () => {
    const victim = join(dir, 'victim');
    writeFileSync(victim, 'untouched');
    symlinkSync(victim, join(dir, 'x'));
    await replaceFile(join(dir, 'x'), 'mine');
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
    expect(readFileSync(join(dir, 'x'), 'utf8')).toBe('mine');
  });

  test('refuses a link planted as its temporary file', async () => {
    const victim = join(dir, 'victim');
    symlinkSync(victim, join(dir, `x.${String(process.pid)}.tmp`));
    await expect(replaceFile(join(dir, 'x'), 'mine')).rejects.toMatchObject({ code: 'ELOOP' });
    expect(existsSync(victim)).toBe(false);
  });

  test('a failed rename leaves the old one and no temporary file', async () => {
    mkdirSync(join(dir, 'x', 'full'), { recursive: true });
    await expect(replaceFile(join(dir, 'x'), 'mine')).rejects.toThrow();
    expect(readdirSync(dir)).toEqual(['x']);
  });
});

describe('readOwnFile', () => {
  test('reads, and gives undefined for what is absent', async () => {
    writeFileSync(join(dir, 'x'), 'text');
    expect(await readOwnFile(join(dir, 'x'), 10)).toBe('text');
    expect(await readOwnFile(join(dir, 'absent'), 10)).toBeUndefined();
    expect(await readOwnFile(join(dir, 'x', 'below-a-file'), 10)).toBeUndefined();
  });

  test('does not follow a link', async () => {
    writeFileSync(join(dir, 'x'), 'text');
    symlinkSync(join(dir, 'x'), join(dir, 'link'));
    await expect(readOwnFile(join(dir, 'link'), 10)).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('refuses a large file, a directory and a pipe, without hanging', async () => {
    writeFileSync(join(dir, 'x'), '12345678901');
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    await expect(readOwnFile(join(dir, 'x'), 10)).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(readOwnFile(dir, 10)).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(readOwnFile(join(dir, 'pipe'), 10)).rejects.toMatchObject({ code: 'EINVAL' });
  });
});
