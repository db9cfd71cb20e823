/** What a command does not use, it does not load: the packages that are read from the disk by the commands typed most. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, type World } from '../support/para.ts';

/** Of each chunk, what it was made of; written by scripts/build.mjs. */
const built = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../node_modules/.cache/para-build.json'), 'utf8'),
) as Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
const [engine] = testEngines();
let world: World;
let repo: string;

beforeAll(async () => {
  world = makeWorld(engine);
  repo = await world.repo();
  const start = ['start', 's', '--docker', '--image', testImages().busybox];
  expect(await world.para(repo, start)).toMatchObject({ code: 0 });
});
afterAll(() => world.remove());

/** Files of the bundle's sources that were opened. */
async function loaded(args: readonly string[]): Promise<readonly string[]> {
  const log = join(world.dir, 'tmp', 'opened');
  rmSync(log, { force: true });
  const trace = ['strace', '-f', '-q', '-e', 'trace=openat', '-e', 'signal=none', '-o', log];
  const ended = await world.run([...trace, process.execPath, world.binary, ...args], { cwd: repo });
  expect(ended).toMatchObject({ code: 0 });
  const names = [...readFileSync(log, 'utf8').matchAll(/\/dist\/([\w.-]+\.m?js)", [^)]*\) = \d/g)];
  return [...new Set(names.map(([, name = '']) => name))].flatMap((name) =>
    Object.keys(built[`dist/${name.replace(/mjs$/, 'js')}`]?.inputs ?? {}),
  );
}

const packages = (inputs: readonly string[]): readonly string[] =>
  [...new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))].sort();
const YARGS = ['cliui', 'escalade', 'get-caller-file', 'y18n', 'yargs', 'yargs-parser'];
const WIDTHS = ['ansi-regex', 'emoji-regex', 'get-east-asian-width', 'string-width', 'strip-ansi'];
const OWN = ['ansi-styles', 'chalk', 'fastest-levenshtein', 'isexe', 'jsonc-parser', 'which', 'wrap-ansi'];

test('--version: nothing but the entry', async () => {
  expect(await loaded(['--version'])).toEqual(['src/sys/code-cache.ts', 'src/boot.ts']);
});

test.each([
  ['docker exec', ['docker', 'exec', 's', '--', 'true']],
  ['list', ['list']],
])('%s: no task list, no live view, no prompts, no compiler of schemas', async (_name, args) => {
  const inputs = await loaded(args);
  const execa = packages(inputs).filter((name) => ![...YARGS, ...WIDTHS, ...OWN].includes(name));
  expect(packages(inputs)).toEqual(expect.arrayContaining([...YARGS, 'chalk', 'execa']));
  // The rest is execa's own.
  for (const name of ['listr2', 'ink', 'react', 'ajv', 'tar', '@inquirer/select'])
    expect(execa).not.toContain(name);
  expect(execa.length).toBeLessThanOrEqual(20);
  expect(inputs.filter((path) => /^src\/ui\/monitor/.test(path))).toEqual([]);
  const commands = inputs.filter((path) => path.startsWith('src/cli/commands/'));
  expect(commands).toEqual([`src/cli/commands/${args.slice(0, args[0] === 'docker' ? 2 : 1).join('-')}.ts`]);
});
