/** The editor is a real process: what it leaves is taken when it is valid. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorld, type Ended, type World } from '../support/para.ts';

let world: World;
let root: string;
let file: string;

beforeAll(async () => {
  world = makeWorld();
  root = await world.repo();
  file = join(world.dir, 'config/para/config.json');
});
afterAll(() => world.remove());

function edit(script: string): Promise<Ended> {
  const editor = join(world.dir, 'editor');
  writeFileSync(editor, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return world.para(root, ['config', 'edit'], { env: { VISUAL: `${editor} --wait`, EDITOR: '/bin/false' } });
}

test('the editor gets the file, and what is valid is taken', async () => {
  const { code, stdout } = await edit(`test "$1" = --wait && echo '{ "git": { "push": "never" } }' >"$2"`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${file} is changed\n` });
  expect(await edit('grep -q never "$2"')).toMatchObject({ code: 0, stdout: 'nothing was changed\n' });
});

test('what is not valid is kept beside, and the old file stays', async () => {
  const before = readFileSync(file, 'utf8');
  const { code, stderr } = await edit(`echo '{ "git": { "push": "nevr" } }' >"$2"`);
  expect(stderr).toContain('did you mean "never"?');
  const [, copy = ''] = /what you wrote is in (\S+)/.exec(stderr) ?? [];
  expect(readFileSync(copy, 'utf8')).toContain('nevr');
  expect(code).toBe(5);
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(existsSync(copy)).toBe(true);
});

test('an editor that fails changes nothing', async () => {
  const before = readFileSync(file, 'utf8');
  expect(await edit('echo x >"$2"; exit 3')).toMatchObject({ code: 1 });
  expect(readFileSync(file, 'utf8')).toBe(before);
});
