import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { checkConfig, checkDocker } from '../../src/config/check.ts';
import { parseJsonc } from '../../src/config/jsonc.ts';
import { ParaError } from '../../src/errors.ts';

const ROOT = 'fixtures/configs';
const names = (kind: string) =>
  readdirSync(join(ROOT, kind))
    .filter((name) => name.endsWith('.json'))
    .sort();

/** Reads a fixture as the file that its name's prefix says. */
function read(kind: string, name: string): unknown {
  const value = parseJsonc(name, readFileSync(join(ROOT, kind, name)));
  return name.startsWith('docker-') ? checkDocker(name, value) : checkConfig(name, value);
}

function messageOf(name: string): string {
  return refusalOf(name).message;
}

function refusalOf(name: string): ParaError {
  try {
    read('invalid', name);
  } catch (error) {
    if (error instanceof ParaError && error.code === 'CONFIG_INVALID') return error;
    throw error;
  }
  throw new Error(`${name} was accepted`);
}

test('there are many invalid files, each with its message', () => {
  const all = readdirSync(join(ROOT, 'invalid'));
  expect(names('invalid').length).toBeGreaterThanOrEqual(120);
  expect(all.filter((name) => name.endsWith('.txt')).sort()).toEqual(
    names('invalid').map((name) => name.replace('.json', '.txt')),
  );
  for (const name of all) expect(name).toMatch(/^(config|docker)-[a-z0-9-]+\.(json|txt)$/);
});

test.each(names('valid'))('accepts %s', (name) => {
  expect(read('valid', name)).toBeDefined();
});

test.each(names('invalid'))('says what is wrong with %s', (name) => {
  const expected = readFileSync(join(ROOT, 'invalid', `${basename(name, '.json')}.txt`), 'utf8');
  expect(`${messageOf(name)}\n`).toBe(expected);
  // The next command to type.
  expect(refusalOf(name).hint).toContain('para config schema');
});
