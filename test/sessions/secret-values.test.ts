import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { secretsOf } from '../../src/config/secrets.ts';
import { readSecrets } from '../../src/sessions/secret-values.ts';
import { redact } from '../../src/sys/redact.ts';
import { createRunner } from '../../src/sys/run.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-values-'));
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'file'), 'in a file\n');
  writeFileSync(join(dir, 'empty'), '');
  writeFileSync(join(dir, 'large'), 'x'.repeat(64 * 1024 + 1));
  writeFileSync(join(dir, 'full'), 'x'.repeat(60 * 1024));
  // What the program of a password manager does, in short.
  writeFileSync(
    join(dir, 'bin/op'),
    '#!/bin/sh\n[ "$*" = "read --no-newline op://v/i/f" ] && printf from-the-vault\n',
  );
  writeFileSync(join(dir, 'bin/says-it'), '#!/bin/sh\necho spoken-secret >&2; exit 4\n');
  for (const name of ['op', 'says-it']) chmodSync(join(dir, 'bin', name), 0o755);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

async function read(
  setting: Parameters<typeof secretsOf>[0],
  env: NodeJS.ProcessEnv = {},
): Promise<string[]> {
  const all = { PATH: `./bin:${join(dir, 'bin')}:/usr/bin:/bin`, ...env };
  const context = { env: all, home: dir, runner: createRunner({ env: all }) };
  const values = await readSecrets(context, secretsOf(setting));
  return [...values].map(([name, value]) => `${name}=${Buffer.from(value).toString()}`);
}

test('each kind of source', async () => {
  const settings = {
    ...{ a: 'env:WHERE', b: 'file:~/file', c: 'cmd:["printf", "a b\\n"]', d: 'op://v/i/f' },
    e: { source: 'file:$HOME/file', as_env: 'E' },
  };
  const found = ['a=from the env', 'b=in a file\n', 'c=a b', 'd=from-the-vault', 'e=in a file\n'];
  expect(await read(settings, { WHERE: 'from the env' })).toEqual(found);
});

test.each([
  ['env:NOT_THERE', 'the variable NOT_THERE is not set'],
  ['env:EMPTY', 'the variable EMPTY is empty'],
  ['file:~/none', 'the file ~/none can not be read (ENOENT)'],
  ['file:file', 'the file file is no absolute path'],
  ['file:~/bin', 'the file ~/bin is no regular file'],
  ['file:~/empty', 'the file ~/empty is empty'],
  ['file:~/large', 'the file ~/large has more than 64 KiB'],
  ['cmd:["no-such-program"]', 'there is no no-such-program on PATH'],
  ['cmd:["bin/op"]', 'there is no bin/op on PATH'],
  ['cmd:["false"]', 'false did not tell it: exit 1'],
  ['cmd:["says-it"]', 'says-it did not tell it: exit 4'],
  ['op://v/i/other', 'op did not tell it: exit 1'],
])('%s can not be had', async (source, why) => {
  await expect(read({ t: source }, { EMPTY: '' })).rejects.toMatchObject({
    ...{ code: 'CONFIG_INVALID', message: `the secret t: ${why}` },
    details: { secret: 't' },
  });
});

test('a NUL byte is a value, and not one of a variable', async () => {
  const source = 'cmd:["printf", "a\\\\0b"]';
  expect(await read({ t: source })).toEqual(['t=a\0b']);
  await expect(read({ t: { source, as_env: 'T' } })).rejects.toMatchObject({
    message: 'the secret t: it holds a NUL byte, which the variable T can not',
  });
});

test('all together have their limit', async () => {
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`s${String(i)}`, 'file:~/full']));
  await expect(read(many)).rejects.toMatchObject({ message: expect.stringContaining('512 KiB') });
});

test('what was read is not said again, in whatever form', async () => {
  const value = 'first line of it\n"second" line of it';
  await read({ t: 'env:V' }, { V: value });
  const forms = [
    value,
    '"second" line of it',
    Buffer.from(value).toString('base64'),
    encodeURIComponent(value),
  ];
  for (const form of forms) expect(redact(`<${form}>`)).toBe('<***>');
});
